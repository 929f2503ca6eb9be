// The issuer's JWKS: cached, fetched again for a new key, and 503 without a usable one (verify-token.ts).

import { generateKeyPairSync } from "node:crypto";
import { base64url } from "jose";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, type FakeFetch, hang, hangInBody, INVALID, UNAVAILABLE, WRONG_ANSWERS } from "./fake-fetch.ts";
import { type FakeIssuer, fakeIssuer, issuerKey, JWKS_URI, publish, resourceServer, sign } from "./fake-issuer.ts";

const oldKey = await issuerKey("2026-08");
const newKey = await issuerKey("2026-11");
const namelessKey = await issuerKey(undefined);

let issuer: FakeIssuer;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  issuer = fakeIssuer(oldKey);
});
afterEach(() => {
  vi.useRealTimers();
});

/** @returns sends one token */
function build(): (token: string) => Promise<Response> {
  const ask = resourceServer(issuer, { cacheMaxAge: 100_000, cooldown: 10_000 });
  return (token) => ask(`Bearer ${token}`);
}

describe("the JWKS", () => {
  it("is fetched once and then cached", async () => {
    const ask = build();
    const token = await sign(oldKey);
    for (const _ of [1, 2, 3]) expect((await ask(token)).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(1);
    expect(issuer.jwks.requests[0]).toMatchObject({ method: "GET", url: JWKS_URI, redirect: "manual" });
    expect(issuer.jwks.requests[0]?.headers.get("accept")).toContain("application/json");
  });

  it("is fetched again for an unknown kid, but not during the cooldown", async () => {
    const ask = build();
    expect((await ask(await sign(oldKey))).status).toBe(200);
    issuer.jwks.answer = publish(newKey, oldKey);
    for (const _ of [1, 2, 3]) await expectRefusal(await ask(await sign(newKey)), INVALID);
    expect(issuer.jwks.requests).toHaveLength(1);
    vi.advanceTimersByTime(10_001);
    for (const key of [newKey, oldKey]) expect((await ask(await sign(key))).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(2);
  });

  it("is not used after cacheMaxAge, so that a withdrawn key stops verifying", async () => {
    const ask = build();
    const token = await sign(oldKey);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = publish(newKey);
    vi.advanceTimersByTime(99_999);
    expect((await ask(token)).status).toBe(200);
    vi.advanceTimersByTime(1);
    await expectRefusal(await ask(token), INVALID);
  });

  it("is not used for longer if the issuer is down", async () => {
    const ask = build();
    const token = await sign(oldKey);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = () => Response.json({}, { status: 500 });
    vi.advanceTimersByTime(100_000);
    await expectRefusal(await ask(token), UNAVAILABLE);
    issuer.jwks.answer = publish(oldKey);
    expect((await ask(token)).status).toBe(200);
  });

  it("can have a key without a kid, for tokens without one", async () => {
    issuer.jwks.answer = publish(namelessKey);
    expect((await build()(await sign(namelessKey))).status).toBe(200);
  });

  it("with several matching keys does not verify a token without a kid", async () => {
    issuer.jwks.answer = publish(oldKey, newKey);
    await expectRefusal(await build()(await sign(namelessKey)), INVALID);
  });

  it("without keys verifies no token", async () => {
    issuer.jwks.answer = publish();
    await expectRefusal(await build()(await sign(oldKey)), INVALID);
  });

  it.each<[string, FakeFetch["answer"]]>([
    ...WRONG_ANSWERS,
    ["the keys with status 404", () => Response.json({ keys: [oldKey.jwk] }, { status: 404 })],
    ["no member keys", () => Response.json({})],
    ["a damaged key", () => Response.json({ keys: [{ ...oldKey.jwk, x: "AA" }] })],
  ])("that is answered with %s gives 503 and the reason", async (_, answer) => {
    issuer.jwks.answer = answer;
    const response = await build()(await sign(oldKey));
    expect(response.headers.get("x-reason")).toMatch(/^the JWKS cannot be used: ./);
    await expectRefusal(response, UNAVAILABLE);
  });

  it("with an RSA key that is too short gives 503", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 1_024 });
    issuer.jwks.answer = () => Response.json({ keys: [publicKey.export({ format: "jwk" })] });
    const [, payload] = (await sign(oldKey)).split(".");
    const header = base64url.encode(JSON.stringify({ alg: "RS256" }));
    const response = await build()(`${header}.${payload}.${base64url.encode(new Uint8Array(128))}`);
    expect(response.headers.get("x-reason")).toBe("the JWKS cannot be used: it has an invalid key");
    await expectRefusal(response, UNAVAILABLE);
  });

  it.each([
    ["never begins", hang],
    ["never ends", hangInBody],
  ])("whose answer %s is waited for five seconds", async (_, answer) => {
    vi.useFakeTimers({ toFake: ["Date", "setTimeout", "clearTimeout"], now: NOW });
    issuer.jwks.answer = answer;
    const pending = build()(await sign(oldKey));
    await vi.waitFor(() => expect(issuer.jwks.requests).toHaveLength(1), { timeout: 10_000 });
    await vi.advanceTimersByTimeAsync(5_000);
    await expectRefusal(await pending, UNAVAILABLE);
  });
});
