// What introspection said is remembered only where that is asked for, of active tokens alone, each by itself and not for long.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { NOW } from "../support/fakes.ts";
import { expectRefusal, INVALID } from "./fake-fetch.ts";
import {
  type FakeIssuer,
  fakeIssuer,
  INTROSPECTION,
  issuerKey,
  NOW_SECONDS,
  resourceServer,
  sign,
} from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
let issuer: FakeIssuer;
let token: string;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  issuer = fakeIssuer(key);
  token = await sign(key);
});
afterEach(() => {
  vi.useRealTimers();
});

/** @returns a function that sends one token */
function build(options: { cacheFor?: number } = {}): (token: string) => Promise<Response> {
  const introspection = { endpoint: INTROSPECTION, client_id: "api", client_secret: "secret", ...options };
  const ask = resourceServer(issuer, { introspection });
  return (presented) => ask(`Bearer ${presented}`);
}

function say(answer: object): void {
  issuer.introspection.answer = () => Response.json(answer);
}

describe("what introspection said", () => {
  it("is not remembered by default, so that a revoked token is refused at once", async () => {
    const ask = build();
    expect((await ask(token)).status).toBe(200);
    say({ active: false });
    await expectRefusal(await ask(token), INVALID);
  });

  it("of an active token is remembered for cacheFor, and no longer", async () => {
    const ask = build({ cacheFor: 10_000 });
    expect((await ask(token)).status).toBe(200);
    say({ active: false });
    vi.advanceTimersByTime(9_999);
    expect((await ask(token)).status).toBe(200);
    expect(issuer.introspection.requests).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await expectRefusal(await ask(token), INVALID);
  });

  it("is remembered until exp of the answer at most", async () => {
    say({ active: true, exp: NOW_SECONDS + 2 });
    const ask = build({ cacheFor: 10_000 });
    expect((await ask(token)).status).toBe(200);
    vi.advanceTimersByTime(2_000);
    await expectRefusal(await ask(token), INVALID);
    expect(issuer.introspection.requests).toHaveLength(2);
  });

  it("of one token says nothing of another of the same user", async () => {
    const ask = build({ cacheFor: 10_000 });
    expect((await ask(token)).status).toBe(200);
    say({ active: false });
    await expectRefusal(await ask(await sign(key, { jti: "2" })), INVALID);
    expect((await ask(token)).status).toBe(200);
  });

  it("of a token that is not active is not remembered", async () => {
    const ask = build({ cacheFor: 10_000 });
    say({ active: false });
    for (const _ of [1, 2]) await expectRefusal(await ask(token), INVALID);
    say({ active: true });
    expect((await ask(token)).status).toBe(200);
  });

  it("does not outlive the token itself", async () => {
    const ask = build({ cacheFor: 600_000 });
    expect((await ask(token)).status).toBe(200);
    vi.advanceTimersByTime(305_000);
    await expectRefusal(await ask(token), INVALID);
  });
});
