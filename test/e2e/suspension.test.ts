// A provider that keeps failing is suspended: calls are refused at once, one trial goes through, and when that succeeds all do.

import { describe, expect, it } from "vitest";
import { FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { RUNTIME } from "../support/host.ts";
import { useProxy } from "../support/proxy.ts";
import { hold, json, respond, token } from "../support/recording-provider.ts";

describe(`a provider that keeps failing on ${RUNTIME}`, () => {
  const proxy = useProxy({
    file: (tokenEndpoint: string) => ({
      providers: {
        main: providerConfig(tokenEndpoint, { timeout: "1m" }),
        other: providerConfig(tokenEndpoint, { params: { other: "1" } }),
      },
      routes: [{ serverid: "other", provider: "other" }, { provider: "main" }],
    }),
  });
  const failing = respond({ status: 500 });

  async function failUntilSuspended(): Promise<void> {
    proxy.provider.answer = failing;
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expectProviderError(await proxy.call(), "provider_error");
    proxy.provider.requests.length = 0;
  }

  it("gets no calls, then one trial while others are refused, and then all calls again", async () => {
    await failUntilSuspended();
    const refused = await proxy.call();
    expectProviderError(refused, "provider_suspended");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(SUSPENSION_MS / 1000);
    expect(proxy.provider.requests).toEqual([]);

    // Another provider is not touched by it.
    proxy.provider.answer = token();
    expect((await proxy.call({ body: { ...CALL, serverid: "other" } })).status).toBe(200);
    proxy.provider.requests.length = 0;

    await new Promise((done) => setTimeout(done, SUSPENSION_MS));
    const release = hold(proxy.provider);
    const trial = proxy.call();
    await expect.poll(() => proxy.provider.requests.length).toBe(1);
    for (let i = 0; i < 2; i++) expectProviderError(await proxy.call(), "provider_suspended");
    release();
    expect((await trial).status).toBe(200);
    expect(proxy.provider.requests).toHaveLength(1);

    expect((await Promise.all([proxy.call(), proxy.call()])).map(({ status }) => status)).toEqual([200, 200]);
  });

  it.each<[string, ReturnType<typeof json>]>([
    ["says no for its users", json({ error: "invalid_grant" }, 400)],
    ["rejects this proxy", json({ error: "invalid_client" }, 401)],
    ["limits this proxy", respond({ status: 429 })],
    ["answers with something that is no token", json({ token_type: "Bearer" })],
  ])("is not one that %s", async (_what, answer) => {
    proxy.provider.answer = answer;
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION + 2; i++) await proxy.call();
    expect(proxy.provider.requests).toHaveLength(FAILURES_BEFORE_SUSPENSION + 2);
  });

  it("is not one that answers in between", async () => {
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION + 2; i++) {
      proxy.provider.answer = i === FAILURES_BEFORE_SUSPENSION - 1 ? token() : failing;
      await proxy.call();
    }
    expect(proxy.provider.requests).toHaveLength(FAILURES_BEFORE_SUSPENSION + 2);
    proxy.provider.answer = token();
    expect((await proxy.call()).status).toBe(200);
  });
});
