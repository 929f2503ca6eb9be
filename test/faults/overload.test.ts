// More calls than there is room for, on Node: the rest is refused without a wait, and nothing else suffers.

import { Agent } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError, expectProviderError } from "../support/expect-error.ts";
import { type Host, noticed, startHost } from "../support/host.ts";
import { hold, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
const hosts: Host[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  await provider?.close();
});

async function start(changes: Parameters<typeof fileConfig>[1]): Promise<Host> {
  const host = await startHost(fileConfig(provider.tokenEndpoint, changes), SECRETS, { runtime: "node" });
  hosts.push(host);
  provider.requests.length = 0;
  return host;
}

/** Calls that wait for a place at the provider. */
async function queued(host: Host, name = "main"): Promise<number> {
  const metrics = await (await fetch(`${host.adminUrl}/metrics`)).text();
  return Number(new RegExp(`^token_proxy_provider_queued\\{provider="${name}"\\} (\\d+)$`, "m").exec(metrics)?.[1]);
}

describe("max_in_flight of a provider", () => {
  it("lets that many calls in, queues a quarter more, and refuses the others without a wait", async () => {
    // A call in the queue waits for a quarter of the timeout: far longer than a refusal may take on a busy machine.
    const host = await start({ provider: { max_in_flight: 8, timeout: "2m" } });
    const release = hold(provider);
    const admitted = Array.from({ length: 10 }, () => callGetToken(host.url));
    await expect.poll(() => queued(host)).toBe(2);
    await expect.poll(() => provider.requests.length).toBe(8);
    for (let i = 0; i < 20; i++) {
      const answer = await callGetToken(host.url);
      expectProviderError(answer, "overloaded");
      expect(answer.headers["retry-after"]).toBe("1");
    }
    expect(provider.requests).toHaveLength(8);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await callGetToken(host.url)).status).toBe(200);
  });

  it("of one provider does not limit another", async () => {
    const host = await start({
      file: {
        providers: {
          slow: providerConfig(provider.tokenEndpoint, { max_in_flight: 1, timeout: "2m", params: { slow: "1" } }),
          quick: providerConfig(provider.tokenEndpoint),
        },
        routes: [{ serverid: "slow", provider: "slow" }, { provider: "quick" }],
      },
    });
    const release = hold(provider);
    const slow = { body: { ...CALL, serverid: "slow" } };
    const admitted = [callGetToken(host.url, slow), callGetToken(host.url, slow)];
    await expect.poll(() => queued(host, "slow")).toBe(1);
    expectProviderError(await callGetToken(host.url, slow), "overloaded", "providers.slow");
    provider.answer = token();
    expect((await callGetToken(host.url)).status).toBe(200);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("frees a place whatever comes of the call that had it", async () => {
    const host = await start({ provider: { max_in_flight: 1, timeout: "100ms" } });
    provider.answer = () => {};
    for (let i = 0; i < 3; i++) expectProviderError(await callGetToken(host.url), "provider_timeout");
    provider.answer = (socket) => socket.destroy();
    for (let i = 0; i < 3; i++) expectProviderError(await callGetToken(host.url), "provider_unreachable");
    provider.answer = token();
    // On a busy machine this one may be too late too.
    await expect.poll(async () => (await callGetToken(host.url)).status).toBe(200);
  });
});

describe("a call that waits", () => {
  it("is refused as our overload after a quarter of the timeout, and does not suspend a healthy provider", async () => {
    const host = await start({ provider: { max_in_flight: 40, timeout: "8s" } });
    const release = hold(provider);
    const started = performance.now();
    const calls = Array.from({ length: 50 }, () => callGetToken(host.url));
    const first = await Promise.race(calls);
    expectProviderError(first, "overloaded");
    expect(performance.now() - started).toBeGreaterThan(1_900); // and before any call in flight has timed out
    release();
    const answers = await Promise.all(calls);
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(40);
    for (const answer of answers.filter(({ status }) => status !== 200)) expectProviderError(answer, "overloaded");
    expect((await callGetToken(host.url)).status).toBe(200);
  });

  it("asks for no token once its caller has gone", async () => {
    const host = await start({ provider: { max_in_flight: 4, timeout: "2m" } });
    const release = hold(provider);
    const admitted = Array.from({ length: 4 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(4);
    const agent = new Agent();
    const left = callGetToken(host.url, { agent }).catch(() => "left");
    await expect.poll(() => queued(host)).toBe(1);
    agent.destroy();
    expect(await left).toBe("left");
    await noticed(host);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await callGetToken(host.url)).status).toBe(200);
    expect(provider.requests).toHaveLength(5);
  });
});

describe("server.max_in_flight", () => {
  it("refuses calls beyond it, but only those of known callers, and health stays", async () => {
    const host = await start({
      file: { server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", max_in_flight: 3 } },
    });
    const release = hold(provider);
    const admitted = Array.from({ length: 3 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(3);
    expect(expectError(await callGetToken(host.url), "overloaded")).toContain('"server.max_in_flight"');
    expectError(await callGetToken(host.url, { headers: { "X-apikey": undefined } }), "caller_unauthenticated");
    expect((await fetch(`${host.adminUrl}/healthz`)).status).toBe(200);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await callGetToken(host.url)).status).toBe(200);
  });
});
