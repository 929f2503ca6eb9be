// The keys of the issuer: remembered for a while, fetched anew for a new one, and never made up for.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, INVALID, UNAVAILABLE } from "./fake-fetch.ts";
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

/** @returns a function that sends one token */
function build(): (token: string) => Promise<Response> {
  const ask = resourceServer(issuer, { cacheMaxAge: 100_000, cooldown: 10_000 });
  return (token) => ask(`Bearer ${token}`);
}

describe("the JWKS", () => {
  it("is fetched once, and then remembered", async () => {
    const ask = build();
    const token = await sign(oldKey);
    for (const _ of [1, 2, 3]) expect((await ask(token)).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(1);
    expect(issuer.jwks.requests[0]).toMatchObject({ method: "GET", url: JWKS_URI, redirect: "manual" });
    expect(issuer.jwks.requests[0]?.headers.get("accept")).toContain("application/json");
  });

  it("is fetched anew for a key that has been rolled in", async () => {
    const ask = build();
    expect((await ask(await sign(oldKey))).status).toBe(200);
    issuer.jwks.answer = publish(newKey, oldKey);
    vi.advanceTimersByTime(10_001);
    expect((await ask(await sign(newKey))).status).toBe(200);
    expect((await ask(await sign(oldKey))).status).toBe(200);
    expect(issuer.jwks.requests).toHaveLength(2);
  });

  it("is not fetched anew within the cooldown, however many kids are made up", async () => {
    const ask = build();
    expect((await ask(await sign(oldKey))).status).toBe(200);
    for (const _ of [1, 2, 3]) await expectRefusal(await ask(await sign(newKey)), INVALID);
    expect(issuer.jwks.requests).toHaveLength(1);
  });

  it("does not let a key verify that was rolled out, once cacheMaxAge is over", async () => {
    const ask = build();
    const token = await sign(oldKey);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = publish(newKey);
    vi.advanceTimersByTime(99_999);
    expect((await ask(token)).status).toBe(200);
    vi.advanceTimersByTime(1);
    await expectRefusal(await ask(token), INVALID);
  });

  it("does not let a key verify for longer where the issuer is down", async () => {
    const ask = build();
    const token = await sign(oldKey);
    expect((await ask(token)).status).toBe(200);
    issuer.jwks.answer = () => Response.json({}, { status: 500 });
    vi.advanceTimersByTime(100_000);
    await expectRefusal(await ask(token), UNAVAILABLE);
    issuer.jwks.answer = publish(oldKey);
    expect((await ask(token)).status).toBe(200);
  });

  it("may hold a key without a name, for tokens that name none", async () => {
    issuer.jwks.answer = publish(namelessKey);
    expect((await build()(await sign(namelessKey))).status).toBe(200);
  });

  it("with several keys that would do lets no token pass that names none", async () => {
    issuer.jwks.answer = publish(oldKey, newKey);
    await expectRefusal(await build()(await sign(namelessKey)), INVALID);
  });

  it("without keys lets no token pass", async () => {
    issuer.jwks.answer = publish();
    await expectRefusal(await build()(await sign(oldKey)), INVALID);
  });
});
