// Only a token that the issuer signed, for this server and for now, with an expected algorithm, is accepted.

import { base64url, exportSPKI, SignJWT, UnsecuredJWT } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccessTokenOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, INVALID } from "./fake-fetch.ts";
import { AUDIENCE, CLAIMS, fakeIssuer, ISSUER, issuerKey, NOW_SECONDS, resourceServer, sign } from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
const stranger = await issuerKey("2026-11");
const rsaKey = await issuerKey("rsa", "RS256");
const issuer = fakeIssuer(key, rsaKey);

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterAll(() => {
  vi.useRealTimers();
});
beforeEach(() => {
  issuer.jwks.requests.length = 0;
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
    ["that begins now", { nbf: NOW_SECONDS, iat: NOW_SECONDS }, {}, { clockTolerance: 0 }],
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
    ["of several issuers", { iss: [ISSUER] }, {}, {}],
    ["of no issuer", { iss: undefined }, {}, {}],
    ["that has expired", { exp: NOW_SECONDS - 5 }, {}, {}],
    ["that expires now", { exp: NOW_SECONDS }, {}, { clockTolerance: 0 }],
    ["that never expires", { exp: undefined }, {}, {}],
    ["whose exp is text", { exp: String(NOW_SECONDS + 300) }, {}, {}],
    ["that is not valid yet", { nbf: NOW_SECONDS + 6 }, {}, {}],
    ["issued in the future", { iat: NOW_SECONDS + 6 }, {}, {}],
    ["of another type", {}, { typ: "JWT" }, { typ: "at+jwt" }],
    ["of no type", {}, {}, { typ: "at+jwt" }],
    ["with an unexpected algorithm of a key that the issuer has", {}, {}, { algorithms: ["RS256"] }],
  ])("%s", async (_, claims, header, options) => {
    const token = await sign(key, claims, header);
    await expectRefusal(await ask(token, options), { ...INVALID, without: token.slice(-20) });
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

  it("with another payload than the signed one", async () => {
    const [header, , signature] = (await sign(key)).split(".");
    const payload = base64url.encode(JSON.stringify({ ...CLAIMS, sub: "mallory" }));
    await expectRefusal(await ask(`${header}.${payload}.${signature}`), INVALID);
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
