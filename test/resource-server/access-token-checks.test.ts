// Only a token that the issuer signed, for this server and for now, with an expected algorithm, is
// accepted. The JWKS is cached, fetched again for a new key, and 503 without a usable one.

import { generateKeyPairSync } from "node:crypto";
import { base64url, exportSPKI, SignJWT, UnsecuredJWT } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccessTokenOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, type FakeFetch, hang, INVALID, UNAVAILABLE, WRONG_ANSWERS } from "./fake-fetch.ts";
import {
  AUDIENCE,
  CLAIMS,
  type FakeIssuer,
  fakeIssuer,
  ISSUER,
  issuerKey,
  JWKS_URI,
  NOW_SECONDS,
  publish,
  resourceServer,
  sign,
} from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
const stranger = await issuerKey("2026-11");
const rsaKey = await issuerKey("rsa", "RS256");
const newKey = await issuerKey("2026-12");
const namelessKey = await issuerKey(undefined);
let issuer: FakeIssuer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  issuer = fakeIssuer(key, rsaKey);
});
afterEach(() => {
  vi.useRealTimers();
});

const ask = (token: string, options: Partial<AccessTokenOptions> = {}) =>
  resourceServer(issuer, options)(`Bearer ${token}`);

type Changes = Record<string, unknown>;

describe("accepts a token", () => {
  it.each<[string, Changes, Changes, Partial<AccessTokenOptions>]>([
    ["for this server", {}, {}, {}],
    ["for this server and others", { aud: ["https://other.example", AUDIENCE] }, {}, {}],
    ["for one of this server's names", {}, {}, { audience: ["https://other.example", AUDIENCE] }],
    ["without iat and nbf", { iat: undefined }, {}, {}],
    ["of the right type", {}, { typ: "application/AT+JWT" }, { typ: "at+jwt" }],
    ["that has expired within the tolerance", { exp: NOW_SECONDS - 4 }, {}, {}],
    ["that begins within the tolerance", { nbf: NOW_SECONDS + 5, iat: NOW_SECONDS + 5 }, {}, {}],
  ])("%s", async (_, claims, header, options) => {
    const response = await ask(await sign(key, claims, header), options);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual(JSON.parse(JSON.stringify({ ...CLAIMS, ...claims })));
  });

  it("with any of the expected algorithms", async () => {
    expect((await ask(await sign(rsaKey))).status).toBe(200);
  });
});

describe("refuses a token", () => {
  it.each<[string, Changes, Changes, Partial<AccessTokenOptions>]>([
    ["for another server", { aud: "https://other.example" }, {}, {}],
    ["for a server with a similar name", { aud: `${AUDIENCE}/` }, {}, {}],
    ["for no server", { aud: undefined }, {}, {}],
    ["of another issuer", { iss: "https://other.example" }, {}, {}],
    ["of an issuer with a similar name", { iss: `${ISSUER}/` }, {}, {}],
    ["of no issuer", { iss: undefined }, {}, {}],
    ["that has expired", { exp: NOW_SECONDS - 5 }, {}, {}],
    ["that expires now", { exp: NOW_SECONDS }, {}, { clockTolerance: 0 }],
    ["that never expires", { exp: undefined }, {}, {}],
    ["that is not valid yet", { nbf: NOW_SECONDS + 6 }, {}, {}],
    ["issued in the future", { iat: NOW_SECONDS + 6 }, {}, {}],
    ["of another type", {}, { typ: "JWT" }, { typ: "at+jwt" }],
    ["of no type", {}, {}, { typ: "at+jwt" }],
    ["with an unexpected algorithm of a key that the issuer has", {}, {}, { algorithms: ["RS256"] }],
  ])("%s", async (_, claims, header, options) => {
    const token = await sign(key, claims, header);
    await expectRefusal(await ask(token, options), { ...INVALID, without: token.slice(-20) });
  });

  it.each<[string, () => Promise<string>]>([
    ["the token has expired", () => sign(key, { exp: NOW_SECONDS - 5 })],
    ["the token is not valid here: check aud", () => sign(key, { aud: "https://other.example" })],
    [
      "the token is not valid here: its key or signature is not the issuer's",
      async () => `${(await sign(key)).slice(0, -9)}AAAAAAAAA`,
    ],
    ["the token is not valid here: it is malformed or of another kind", async () => "opaque"],
  ])("and says what is wrong: %s", async (description, make) => {
    expect(await (await ask(await make())).json()).toEqual({ error: "invalid_token", error_description: description });
  });

  it.each(["opaque", "a.b.c", "..", "e30.e30.", "é.é.é", `${base64url.encode("[]")}.e30.e30`, "a.b.c.d.e"])(
    "that is not a JWT (%s), and fetches no key",
    async (token) => {
      await expectRefusal(await ask(token), INVALID);
      expect(issuer.jwks.requests).toEqual([]);
    },
  );

  it("with one changed bit in its signature", async () => {
    const [header, payload, signature] = (await sign(key)).split(".") as [string, string, string];
    for (const byte of [0, 31, 32, 63]) {
      const bytes = base64url.decode(signature);
      bytes[byte] = (bytes[byte] as number) ^ 1;
      await expectRefusal(await ask(`${header}.${payload}.${base64url.encode(bytes)}`), INVALID);
    }
  });

  it("signed with another key of the same kid, or with the key in its header", async () => {
    await expectRefusal(await ask(await sign(stranger)), INVALID);
    await expectRefusal(await ask(await sign(stranger, {}, { jwk: stranger.jwk })), INVALID);
  });

  it("with alg none, and fetches no key", async () => {
    await expectRefusal(await ask(new UnsecuredJWT({ ...CLAIMS }).encode()), INVALID);
    expect(issuer.jwks.requests).toEqual([]);
  });

  it("signed by HS256 with the public key as the secret, and fetches no key", async () => {
    for (const secret of [await exportSPKI(rsaKey.publicKey), JSON.stringify(rsaKey.jwk)]) {
      const token = await new SignJWT({ ...CLAIMS })
        .setProtectedHeader({ alg: "HS256", kid: "rsa" })
        .sign(new TextEncoder().encode(secret));
      await expectRefusal(await ask(token), INVALID);
    }
    expect(issuer.jwks.requests).toEqual([]);
  });

  it("with an unknown critical extension", async () => {
    const token = await new SignJWT(CLAIMS)
      .setProtectedHeader({ alg: "ES256", kid: "2026-11", crit: ["cnf-check"], "cnf-check": true })
      .sign(key.privateKey, { crit: { "cnf-check": true } });
    await expectRefusal(await ask(token), INVALID);
  });
});

/** @returns sends one token */
function build(): (token: string) => Promise<Response> {
  const ask = resourceServer(issuer, { cacheMaxAge: 100_000, cooldown: 10_000 });
  return (token) => ask(`Bearer ${token}`);
}

describe("the JWKS", () => {
  it("is fetched once and then cached", async () => {
    const ask = build();
    const token = await sign(key);
    for (const _ of [1, 2, 3]) expect((await ask(token)).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(1);
    expect(issuer.jwks.requests[0]).toMatchObject({ method: "GET", url: JWKS_URI, redirect: "manual" });
    expect(issuer.jwks.requests[0]?.headers.get("accept")).toContain("application/json");
  });

  it("is fetched again for an unknown kid, but not during the cooldown", async () => {
    const ask = build();
    expect((await ask(await sign(key))).status).toBe(200);
    issuer.jwks.answer = publish(newKey, key);
    for (const _ of [1, 2, 3]) await expectRefusal(await ask(await sign(newKey)), INVALID);
    expect(issuer.jwks.requests).toHaveLength(1);
    vi.advanceTimersByTime(10_001);
    for (const one of [newKey, key]) expect((await ask(await sign(one))).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(2);
  });

  it("is not used after cacheMaxAge, so that a withdrawn key stops verifying", async () => {
    const ask = build();
    const token = await sign(key);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = publish(newKey);
    vi.advanceTimersByTime(99_999);
    expect((await ask(token)).status).toBe(200);
    vi.advanceTimersByTime(1);
    await expectRefusal(await ask(token), INVALID);
  });

  it("is not used for longer if the issuer is down", async () => {
    const ask = build();
    const token = await sign(key);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = () => Response.json({}, { status: 500 });
    vi.advanceTimersByTime(100_000);
    await expectRefusal(await ask(token), UNAVAILABLE);
  });

  it("verifies a token without a kid only if one key matches", async () => {
    issuer.jwks.answer = publish(namelessKey);
    expect((await build()(await sign(namelessKey))).status).toBe(200);
    issuer.jwks.answer = publish(key, newKey);
    await expectRefusal(await build()(await sign(namelessKey)), INVALID);
  });

  it("without keys verifies no token", async () => {
    issuer.jwks.answer = publish();
    await expectRefusal(await build()(await sign(key)), INVALID);
  });

  it.each<[string, FakeFetch["answer"]]>([
    ...WRONG_ANSWERS,
    ["the keys with status 404", () => Response.json({ keys: [key.jwk] }, { status: 404 })],
    ["no member keys", () => Response.json({})],
    ["a damaged key", () => Response.json({ keys: [{ ...key.jwk, x: "AA" }] })],
  ])("that is answered with %s gives 503 and the reason", async (_, answer) => {
    issuer.jwks.answer = answer;
    const response = await build()(await sign(key));
    expect(response.headers.get("x-reason")).toMatch(/^the JWKS cannot be used: ./);
    await expectRefusal(response, UNAVAILABLE);
  });

  it("with an RSA key that is too short gives 503", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    issuer.jwks.answer = () => Response.json({ keys: [publicKey.export({ format: "jwk" })] });
    const [, payload] = (await sign(key)).split(".");
    const header = base64url.encode(JSON.stringify({ alg: "RS256" }));
    const response = await build()(`${header}.${payload}.${base64url.encode(new Uint8Array(128))}`);
    expect(response.headers.get("x-reason")).toBe("the JWKS cannot be used: it has an invalid key");
    await expectRefusal(response, UNAVAILABLE);
  });

  it("is waited for five seconds", async () => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
    issuer.jwks.answer = hang;
    const pending = build()(await sign(key));
    await vi.waitFor(() => expect(issuer.jwks.requests).toHaveLength(1), { timeout: 10_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    await expectRefusal(await pending, UNAVAILABLE);
  });
});
