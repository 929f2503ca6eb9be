// Whatever a provider does to an answer, the caller has its own within the deadline, and no socket, timer or memory is left behind.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { nodeClock, nodeIds } from "../../src/node/host.ts";
import { createNodeTransport } from "../../src/node/outbound/transport.ts";
import { type AppChanges, buildApp, call } from "../support/app.ts";
import type { Answered } from "../support/call.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { makeAuthority, makeSelfSigned } from "../support/keys.ts";
import { freePort } from "../support/port.ts";
import { head } from "../support/raw-answers.ts";
import { activeResources, leftOver, type RawProvider, startRawProvider, until } from "../support/raw-provider.ts";
import { respond, token } from "../support/recording-provider.ts";
import { flood, WIRE_FAULTS, type WireFault } from "../support/wire-faults.ts";

const TIMEOUT_MS = 300;
/** What a busy machine may take on top of the deadline and its tenth. */
const MARGIN_MS = 150;
/** So soon a timer is gone once there is nothing to wait for; less than the deadline, or one that was left would have ended too. */
const TIMER_GONE_MS = 100;

let provider: RawProvider;
/** What is there before the first test. */
let idle: ReturnType<typeof activeResources>;
beforeAll(async () => {
  idle = activeResources();
  provider = await startRawProvider(token());
});
afterEach(async () => {
  provider.reset();
  provider.answer = token();
  provider.onConnection = undefined;
  // What one test leaves must not be what the next one starts with.
  expect(await until(() => leftOver(idle), nothing)).toEqual([]);
});
afterAll(async () => {
  await provider?.close();
});

/** The whole program in this process, with the transport that Node has. */
async function start(endpoint: string, changes: AppChanges = {}) {
  const { app, lines } = await buildApp({
    ...changes,
    provider: { token_endpoint: endpoint, timeout: `${TIMEOUT_MS}ms`, ...changes.provider },
    deps: { createTransport: createNodeTransport, clock: nodeClock, ids: nodeIds },
  });
  /** One call; its answer is there within the deadline. */
  const ask = async (): Promise<Answered> => {
    const started = performance.now();
    const answer = await app.request(call());
    const body = Buffer.from(await answer.arrayBuffer());
    expect(performance.now() - started).toBeLessThan(TIMEOUT_MS * 1.1 + MARGIN_MS);
    const text = body.toString("utf8");
    const headers = { ...Object.fromEntries(answer.headers), "content-length": String(body.length) };
    return { status: answer.status, headers, rawHeaders: [], body, text, json: () => JSON.parse(text) };
  };
  return { ask, lines };
}

const nothing = (left: string[]) => left.length === 0;

const endpoint = () => `http://127.0.0.1:${provider.port}/token`;

function expectAnswer(answer: Answered, expected: WireFault["expected"]): void {
  if (typeof expected === "string") expectProviderError(answer, expected);
  else expect([answer.status, answer.text]).toEqual([expected.status, expected.body]);
}

/** @param connections that stay open, idle */
async function expectLeft(before: ReadonlyMap<string, number>, connections: number): Promise<void> {
  expect(await until(provider.open, (open) => open === connections)).toBe(connections);
  await until(() => leftOver(before).filter((kind) => !kind.startsWith("Timeout")), nothing);
  expect(await until(() => leftOver(before), nothing, TIMER_GONE_MS)).toEqual([]);
}

let left = 0;
describe("a call leaves nothing but a connection that can be used again", () => {
  it.each(WIRE_FAULTS.map((fault) => [fault.name, fault] as const))("after %s", async (_name, fault) => {
    const { ask, lines } = await start(endpoint());
    const before = activeResources();
    // On a connection of its own, then on one that has carried an answer before.
    for (let round = 0; round < 2; round++) {
      provider.requests = 0;
      provider.answer = fault.answer;
      expectAnswer(await ask(), fault.expected);
      expect(provider.requests).toBe(1);
      await expectLeft(before, fault.keeps ? 1 : 0);
      provider.answer = token();
      expect((await ask()).status).toBe(200);
      await expectLeft(before, 1);
    }
    expect(JSON.stringify(lines)).not.toContain(MARKER);
    left += leftOver(before).length;
  });

  afterAll(() => console.log(`${WIRE_FAULTS.length} faults, each twice; sockets and timers left: ${left}`));

  // Again where a timer of the test runner's own ends in between, which hides the one that is counted.
  it("which the count would show: a call that is under way has a timer and a socket", { retry: 2 }, async () => {
    const { ask } = await start(endpoint());
    const before = activeResources();
    provider.requests = 0;
    provider.answer = () => {};
    const answer = ask();
    await until(
      () => provider.requests,
      (requests) => requests > 0,
    );
    expect(leftOver(before).sort()).toEqual(["TCPSocketWrap +1", "Timeout +1"]);
    expectProviderError(await answer, "provider_timeout");
    await expectLeft(before, 0);
  });

  it("after an open connection that the provider has closed meanwhile", async () => {
    const { ask } = await start(endpoint());
    const before = activeResources();
    for (let i = 0; i < 5; i++) {
      expect((await ask()).status).toBe(200);
      provider.reset();
      await expectLeft(before, 0);
    }
  });

  it("after many that time out at once", async () => {
    const { ask } = await start(endpoint());
    const before = activeResources();
    provider.answer = () => {};
    const answers = await Promise.all(Array.from({ length: 50 }, ask));
    for (const answer of answers) expectProviderError(answer, "provider_timeout");
    await expectLeft(before, 0);
  });
});

describe("a connection that cannot be had leaves nothing", () => {
  async function expectNothingLeft(url: string, changes: AppChanges = {}, code: TableCode = "provider_unreachable") {
    const { ask } = await start(url, changes);
    const before = activeResources();
    for (let i = 0; i < 3; i++) {
      expectProviderError(await ask(), code);
      await expectLeft(before, 0);
    }
  }

  it("where nobody listens", async () => {
    await expectNothingLeft(`http://127.0.0.1:${await freePort()}/token`);
  });

  it("where the name is unknown", async () => {
    await expectNothingLeft("https://nobody.invalid/token");
  });

  it("where it is reset as soon as it stands", async () => {
    provider.onConnection = (socket) => socket.resetAndDestroy();
    await expectNothingLeft(endpoint());
  });

  it("where it is closed as soon as it stands", async () => {
    provider.onConnection = (socket) => socket.end();
    await expectNothingLeft(endpoint());
  });

  it("where the provider does not speak TLS", async () => {
    provider.onConnection = (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    await expectNothingLeft(endpoint().replace("http:", "https:"));
  });

  it("where TLS begins and does not go on", async () => {
    provider.onConnection = () => {};
    await expectNothingLeft(endpoint().replace("http:", "https:"), { provider: { connect_timeout: "100ms" } });
  });

  describe("where the certificate", () => {
    const CA = { provider: { tls: { ca: { env: "CA" } } } };
    let authority: Awaited<ReturnType<typeof makeAuthority>>;
    let tls: RawProvider;
    beforeAll(async () => {
      authority = await makeAuthority();
    });
    afterEach(async () => {
      await tls?.close();
    });
    const certificates: [string, () => ReturnType<typeof makeSelfSigned>][] = [
      ["has another name", () => authority.issue("other", { dns: ["other.example"] })],
      ["is nobody's but its own", () => makeSelfSigned("127.0.0.1")],
      ["is out of date", () => authority.issue("late", { ips: ["127.0.0.1"], notAfter: new Date(Date.now() - 1_000) })],
    ];
    it.each(certificates)("%s", async (_what, make) => {
      const { certificate, private_key } = await make();
      const plain = provider;
      tls = await startRawProvider(token(), { cert: certificate, key: private_key });
      provider = tls;
      try {
        await expectNothingLeft(`https://127.0.0.1:${tls.port}/token`, {
          ...CA,
          secrets: { CA: authority.certificate },
        });
        expect(tls.requests).toBe(0);
      } finally {
        provider = plain;
      }
    });
  });
});

describe("memory", () => {
  const MEGABYTE = 1_048_576;
  const CALLS = 30;
  setFlagsFromString("--expose-gc");
  const collectGarbage = runInNewContext("gc") as () => void;
  let ask: () => Promise<Answered>;
  beforeEach(async () => {
    const { app } = await buildApp({
      provider: { token_endpoint: endpoint(), max_in_flight: CALLS, timeout: "10s" },
      deps: { createTransport: createNodeTransport, clock: nodeClock, ids: nodeIds },
    });
    ask = async () => {
      const answer = await app.request(call());
      const text = await answer.text();
      return {
        status: answer.status,
        headers: {},
        rawHeaders: [],
        body: Buffer.from(text),
        text,
        json: () => JSON.parse(text),
      };
    };
  });

  const held = () => {
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    return heapUsed + external;
  };

  it("does not grow with a body that never ends", async () => {
    provider.answer = flood(head({}), Buffer.alloc(MEGABYTE, 0x61));
    await ask();
    const before = held();
    const peak = process.resourceUsage().maxRSS;
    for (let i = 0; i < CALLS; i++) expect((await ask()).json()).toMatchObject({ error_code: "provider_too_large" });
    await until(provider.open, (open) => open === 0);
    expect((held() - before) / MEGABYTE).toBeLessThan(4);
    expect((process.resourceUsage().maxRSS - peak) / 1024).toBeLessThan(64);
  });

  it("does not grow with bombs in gzip, many at once", async () => {
    const bomb = gzipSync(Buffer.alloc(60 * MEGABYTE));
    expect(bomb.length).toBeLessThan(65_536); // within the limit as it comes
    provider.answer = respond({ headers: { "Content-Encoding": "gzip" }, body: bomb });
    await ask();
    const before = held();
    const peak = process.resourceUsage().maxRSS;
    const answers = await Promise.all(Array.from({ length: CALLS }, ask));
    for (const answer of answers) expect(answer.json()).toMatchObject({ error_code: "provider_too_large" });
    expect((held() - before) / MEGABYTE).toBeLessThan(8);
    expect((process.resourceUsage().maxRSS - peak) / 1024).toBeLessThan(64);
  });
});
