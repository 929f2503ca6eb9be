// More calls than there is room for, on Node: the rest is refused at once, and those that are let in are as quick as ever.

import { Agent } from "node:http";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Answered, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError, expectProviderError } from "../support/expect-error.ts";
import { type Host, startHost } from "../support/host.ts";
import { type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

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

const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

/** The provider answers nobody until it is told to. */
function hold(): () => void {
  const waiting: (() => void)[] = [];
  provider.answer = (socket, request) => void waiting.push(() => token()(socket, request));
  return () => {
    provider.answer = token();
    for (const answer of waiting.splice(0)) answer();
  };
}

async function timed(call: Promise<Answered>): Promise<{ answer: Answered; ms: number }> {
  const started = performance.now();
  const answer = await call;
  return { answer, ms: performance.now() - started };
}

describe("max_in_flight of a provider", () => {
  it("lets so many calls in, a quarter more wait, and refuses the others at once", async () => {
    const host = await start({ provider: { max_in_flight: 8 } });
    await callGetToken(host.url); // the first call of a process is slow
    provider.requests.length = 0;
    const release = hold();
    const admitted = Array.from({ length: 10 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(8);
    await wait(50);
    const refused = [];
    for (let i = 0; i < 20; i++) refused.push(await timed(callGetToken(host.url)));
    for (const { answer } of refused) {
      expectProviderError(answer, "overloaded");
      expect(answer.headers["retry-after"]).toBe("1");
    }
    const times = refused.map(({ ms }) => ms).sort((a, b) => a - b);
    expect(times[times.length >> 1]).toBeLessThan(10);
    expect(provider.requests).toHaveLength(8);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual(Array(10).fill(200));
    expect((await callGetToken(host.url)).status).toBe(200);
  });

  it("of one provider leaves another alone", async () => {
    const host = await start({
      file: {
        providers: {
          slow: providerConfig(provider.tokenEndpoint, { max_in_flight: 1, params: { slow: "1" } }),
          quick: providerConfig(provider.tokenEndpoint),
        },
        routes: [{ serverid: "slow", provider: "slow" }, { provider: "quick" }],
      },
    });
    const release = hold();
    const slow = { body: { ...CALL, serverid: "slow" } };
    const admitted = [callGetToken(host.url, slow), callGetToken(host.url, slow)];
    await expect.poll(() => provider.requests.length).toBe(1);
    await wait(50);
    expectProviderError(await callGetToken(host.url, slow), "overloaded", "providers.slow");
    provider.answer = token();
    expect((await callGetToken(host.url)).status).toBe(200);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it("frees a place whatever comes of the call that had it", async () => {
    const host = await start({ provider: { max_in_flight: 1, timeout: "100ms" } });
    provider.answer = () => {};
    for (let i = 0; i < 5; i++) expectProviderError(await callGetToken(host.url), "provider_timeout");
    provider.answer = (socket) => socket.destroy();
    for (let i = 0; i < 3; i++) expectProviderError(await callGetToken(host.url), "provider_unreachable");
    provider.answer = token();
    expect((await callGetToken(host.url)).status).toBe(200);
  });
});

describe("a burst", () => {
  it("that has to wait longer than a share of the timeout is overload of ours, and suspends no healthy provider", async () => {
    const host = await start({ provider: { max_in_flight: 40, timeout: "1s" } });
    provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), 600);
    const answers = await Promise.all(Array.from({ length: 50 }, () => callGetToken(host.url)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(40);
    for (const answer of answers.filter(({ status }) => status !== 200)) expectProviderError(answer, "overloaded");
    provider.answer = token();
    expect((await callGetToken(host.url)).status).toBe(200);
  });
});

describe("a call that waits", () => {
  it("waits for a quarter of timeout and no longer, even where no place gets free", async () => {
    const host = await start({ provider: { max_in_flight: 4, timeout: "2s" } });
    provider.answer = () => {};
    const stuck = Array.from({ length: 4 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(4);
    const { answer, ms } = await timed(callGetToken(host.url));
    expectProviderError(answer, "overloaded");
    expect(ms).toBeGreaterThan(450);
    expect(ms).toBeLessThan(1_000);
    for (const stopped of await Promise.all(stuck)) expectProviderError(stopped, "provider_timeout");
  });

  it("and whose caller has gone meanwhile asks for no token", async () => {
    const host = await start({ provider: { max_in_flight: 4 } });
    const release = hold();
    const admitted = Array.from({ length: 4 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(4);
    const agent = new Agent();
    const left = callGetToken(host.url, { agent }).catch(() => "left");
    await wait(100);
    agent.destroy();
    expect(await left).toBe("left");
    await wait(50);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect((await callGetToken(host.url)).status).toBe(200);
    expect(provider.requests).toHaveLength(5);
  });
});

describe("bodies that trickle into the exchange", () => {
  it("take no place of getToken", async () => {
    const nextauth = { url: "http://127.0.0.1:1", apikey: { env: "APIKEY" }, serverid: "s" };
    const server = { listen: "127.0.0.1:0", admin: "127.0.0.1:0", max_in_flight: 5 };
    const host = await start({
      file: { server, nextauth, webnonce_exchange: {}, get_token: { session: "trust" } },
    });
    provider.answer = token();
    const head = "POST /token HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    const sockets = Array.from({ length: 10 }, () => connect(Number(new URL(host.url).port), "127.0.0.1"));
    for (const socket of sockets) {
      socket.on("error", () => {});
      socket.write(`${head}Content-Length: 50\r\n\r\ng`);
    }
    await wait(200);
    expect((await callGetToken(host.url)).status).toBe(200);
    for (const socket of sockets) socket.destroy();
  });
});

describe("server.max_in_flight", () => {
  it("refuses what comes beyond before it is looked at, and health stays", async () => {
    const host = await start({
      file: { server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", max_in_flight: 3 } },
    });
    const release = hold();
    const admitted = Array.from({ length: 3 }, () => callGetToken(host.url));
    await expect.poll(() => provider.requests.length).toBe(3);
    const answer = await callGetToken(host.url, { headers: { "X-apikey": undefined } });
    expect(expectError(answer, "overloaded")).toContain('"server.max_in_flight"');
    expect((await fetch(`${host.adminUrl}/healthz`)).status).toBe(200);
    release();
    expect((await Promise.all(admitted)).map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await callGetToken(host.url)).status).toBe(200);
  });
});

describe("at twice the capacity", () => {
  const DELAY_MS = 100;
  const MAX_IN_FLIGHT = 16;
  const SECONDS = 3;
  /** Calls per second that the provider can take. */
  const CAPACITY = (MAX_IN_FLIGHT * 1000) / DELAY_MS;

  it("goodput stays over 90 % of capacity, and whoever is let in waits for little more than the provider", async () => {
    const host = await start({ provider: { max_in_flight: MAX_IN_FLIGHT } });
    provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), DELAY_MS);
    await Promise.all(Array.from({ length: MAX_IN_FLIGHT }, () => callGetToken(host.url)));

    const calls: Promise<{ answer: Answered; ms: number }>[] = [];
    const started = performance.now();
    // Paced by the clock, not by answers: load that waits for its answers is never too much.
    for (let sent = 0; sent < CAPACITY * 2 * SECONDS; ) {
      const due = ((performance.now() - started) / 1000) * CAPACITY * 2;
      for (; sent < due; sent++) calls.push(timed(callGetToken(host.url)));
      await wait(2);
    }
    const elapsed = (performance.now() - started) / 1000;
    const answers = await Promise.all(calls);
    const good = answers.filter(({ answer }) => answer.status === 200);
    for (const { answer } of answers) expect([200, 503]).toContain(answer.status);
    const goodput = good.length / elapsed / CAPACITY;
    const p99 = good.map(({ ms }) => ms).sort((a, b) => a - b)[Math.floor(good.length * 0.99)] as number;
    console.log(
      `goodput ${Math.round(goodput * 100)} % of capacity, p99 of admitted ${(p99 / DELAY_MS).toFixed(1)} x the provider`,
    );
    expect(goodput).toBeGreaterThan(0.9);
    expect(p99).toBeLessThan(DELAY_MS * 4);
  });
});
