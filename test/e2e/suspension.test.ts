// A provider that keeps failing gets no calls, then one trial, and after that all calls again.

import { expect, it } from "vitest";
import { FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { CALL } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { useProxy } from "../support/proxy.ts";
import { hold, respond, token } from "../support/recording-provider.ts";

const proxy = useProxy({
  file: (tokenEndpoint: string) => ({
    providers: {
      main: providerConfig(tokenEndpoint, { timeout: "1m" }),
      other: providerConfig(tokenEndpoint, { params: {} }),
    },
    routes: [{ serverid: "other", provider: "other" }, { provider: "main" }],
  }),
});

it("a failing provider is suspended, and one successful trial ends that", async () => {
  proxy.provider.answer = respond({ status: 500 });
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expectProviderError(await proxy.call(), "provider_error");
  proxy.provider.requests.length = 0;
  proxy.provider.answer = token();

  const refused = await proxy.call();
  expectProviderError(refused, "provider_suspended");
  expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
  expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(SUSPENSION_MS / 1000);
  expect(proxy.provider.requests).toEqual([]);
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
