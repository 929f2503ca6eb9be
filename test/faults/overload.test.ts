// More calls than there is room for: the rest is refused at once, and nothing else suffers.

import { Agent } from "node:http";
import { expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { expectError, expectProviderError } from "../support/expect-error.ts";
import { noticed } from "../support/host.ts";
import { hold, token } from "../support/recording-provider.ts";
import { useService } from "../support/service.ts";

const service = useService();
const sent = () => service.provider.requests.length;

/** Calls that wait for a place at the provider `main`. */
async function queued(adminUrl: string): Promise<number> {
  const metrics = await (await fetch(`${adminUrl}/metrics`)).text();
  return Number(/^token_proxy_provider_queued\{provider="main"\} (\d+)$/m.exec(metrics)?.[1]);
}

it("a provider gets max_in_flight calls, a quarter more wait, others are refused at once, and another provider is free", async () => {
  const providers = {
    main: providerConfig(service.provider.tokenEndpoint, { max_in_flight: 8, timeout: "2m" }),
    other: providerConfig(service.provider.tokenEndpoint, { max_in_flight: 1 }),
  };
  await service.configure({ providers, routes: [{ serverid: "other", provider: "other" }, { provider: "main" }] });
  const { listen, admin } = await service.start();
  const release = hold(service.provider);
  const admitted = Array.from({ length: 10 }, () => callGetToken(listen));
  await expect.poll(() => queued(admin)).toBe(2);
  await expect.poll(sent).toBe(8);
  for (let i = 0; i < 20; i++) {
    const answer = await callGetToken(listen); // one that waited would get its answer after 30 s
    expectProviderError(answer, "overloaded");
    expect(answer.headers["retry-after"]).toBe("1");
  }
  expect([sent(), await queued(admin)]).toEqual([8, 2]);
  service.provider.answer = token();
  expect((await callGetToken(listen, { body: { ...CALL, serverid: "other" } })).status).toBe(200);
  release();
  expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect((await callGetToken(listen)).status).toBe(200);
});

it("a call waits for a quarter of the timeout; then it is refused, and that does not suspend the provider", async () => {
  await service.configure({ main: { max_in_flight: 40, timeout: "8s" } });
  const { listen } = await service.start();
  const release = hold(service.provider);
  const calls = Array.from({ length: 50 }, () => callGetToken(listen));
  expectProviderError(await Promise.race(calls), "overloaded"); // before any timeout
  release();
  const refused = (await Promise.all(calls)).filter(({ status }) => status !== 200);
  expect(refused.length).toBeLessThanOrEqual(10);
  for (const answer of refused) expectProviderError(answer, "overloaded");
  expect((await callGetToken(listen)).status).toBe(200);
});

it("a waiting call whose caller hangs up requests no token", async () => {
  await service.configure({ main: { max_in_flight: 4, timeout: "2m" } });
  const run = await service.start();
  const release = hold(service.provider);
  const admitted = Array.from({ length: 4 }, () => callGetToken(run.listen));
  await expect.poll(sent).toBe(4);
  const agent = new Agent();
  const left = callGetToken(run.listen, { agent }).catch(() => "left");
  await expect.poll(() => queued(run.admin)).toBe(1);
  agent.destroy();
  expect(await left).toBe("left");
  await noticed({ adminUrl: run.admin });
  release();
  expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
  expect((await callGetToken(run.listen)).status).toBe(200);
  expect(sent()).toBe(5);
});

it("server.max_in_flight refuses calls beyond it, but only those of known callers, and health stays", async () => {
  await service.configure({ server: { max_in_flight: 3 } });
  const { listen, admin } = await service.start();
  const release = hold(service.provider);
  const admitted = Array.from({ length: 3 }, () => callGetToken(listen));
  await expect.poll(sent).toBe(3);
  expect(expectError(await callGetToken(listen), "overloaded")).toContain('"server.max_in_flight"');
  expectError(await callGetToken(listen, { headers: { "X-apikey": undefined } }), "caller_unauthenticated");
  expect((await fetch(`${admin}/healthz`)).status).toBe(200);
  release();
  expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await callGetToken(listen)).status).toBe(200);
});
