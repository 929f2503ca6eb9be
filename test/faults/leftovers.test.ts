// Whatever happens to an answer, the caller gets a response in time, and nothing is left behind.

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { nodeClock, nodeIds } from "../../src/node/host.ts";
import { createNodeTransport } from "../../src/node/outbound/transport.ts";
import { type AppChanges, buildApp, call } from "../support/app.ts";
import { type Answered, readResponse } from "../support/call.ts";
import { expectProviderError, MARKER, type TableCode } from "../support/expect-error.ts";
import { makeAuthority, makeSelfSigned } from "../support/keys.ts";
import { freePort } from "../support/port.ts";
import { head } from "../support/raw-answers.ts";
import { activeResources, leftOver, type RawProvider, startRawProvider, until } from "../support/raw-provider.ts";
import { respond, token } from "../support/recording-provider.ts";
import { flood, WIRE_FAULTS, type WireFault } from "../support/wire-faults.ts";

/** For calls that end by their deadline. */
const DEADLINE_MS = 300;
/** For all others: too long for any machine to reach. */
const FAR_MS = 60_000;

let provider: RawProvider;
/** Before the first test. */
let idle: ReturnType<typeof activeResources>;
beforeAll(async () => {
  idle = activeResources();
  provider = await startRawProvider(token());
});
afterEach(async () => {
  provider.reset();
  provider.answer = token();
  provider.onConnection = undefined;
  // The next test must start clean.
  expect(await until(() => leftOver(idle), nothing)).toEqual([]);
});
afterAll(async () => {
  await provider?.close();
});

/** The whole program in this process, with the transport that Node has. */
async function start(endpoint: string, timeout: number, changes: AppChanges = {}) {
  const { app, lines } = await buildApp({
    ...changes,
    provider: { token_endpoint: endpoint, timeout: `${timeout}ms`, ...changes.provider },
    deps: { createTransport: createNodeTransport, clock: nodeClock, ids: nodeIds },
  });
  const ask = async () => readResponse(await app.request(call()));
  /** A deadline that is short may be over before the answer on a busy machine. */
  const askForToken = async () => {
    await vi.waitFor(async () => expect((await ask()).status).toBe(200), { timeout: 15_000, interval: 0 });
  };
  return { ask, askForToken, lines };
}

const nothing = (left: string[]) => left.length === 0;

const endpoint = () => `http://127.0.0.1:${provider.port}/token`;

function expectAnswer(answer: Answered, expected: WireFault["expected"]["node"]): void {
  if (typeof expected === "string") expectProviderError(answer, expected);
  else expect([answer.status, answer.text]).toEqual([expected.status, expected.body]);
}

/** @param connections that stay open, idle */
async function expectLeft(before: ReadonlyMap<string, number>, connections: number): Promise<void> {
  expect(await until(provider.open, (open) => open === connections)).toBe(connections);
  expect(await until(() => leftOver(before), nothing)).toEqual([]);
}

describe("a call leaves nothing but a connection that can be used again", () => {
  it.each(WIRE_FAULTS.map((fault) => [fault.name, fault] as const))("after %s", async (_name, fault) => {
    const expected = fault.expected.node;
    const { ask, askForToken, lines } = await start(endpoint(), expected === "provider_timeout" ? DEADLINE_MS : FAR_MS);
    const before = activeResources();
    // On a new connection, then on a kept one.
    for (let round = 0; round < 2; round++) {
      provider.requests = 0;
      provider.answer = fault.answer;
      let answer: Answered;
      // On a busy machine, a short deadline may be over before the request is sent.
      do answer = await ask();
      while (expected === "provider_timeout" && provider.requests === 0);
      expectAnswer(answer, round === 0 ? expected : fault.reused);
      expect(provider.requests).toBe(1);
      await expectLeft(before, fault.keeps ? 1 : 0);
      provider.answer = token();
      await askForToken();
      await expectLeft(before, 1);
    }
    expect(JSON.stringify(lines)).not.toContain(MARKER);
  });

  // Ten, because one or two timers of undici or of the test runner may end meanwhile.
  it("as the count would show: calls in flight have timers and sockets", async () => {
    const { ask } = await start(endpoint(), 2_000);
    const before = activeResources();
    provider.requests = 0;
    provider.answer = () => {};
    const answers = Array.from({ length: 10 }, ask);
    await until(
      () => provider.requests,
      (requests) => requests === 10,
    );
    expect(leftOver(before)).toEqual(
      expect.arrayContaining(["TCPSocketWrap +10", expect.stringMatching(/^Timeout \+\d/)]),
    );
    for (const answer of await Promise.all(answers)) expectProviderError(answer, "provider_timeout");
    await expectLeft(before, 0);
  });

  it("after the provider has closed an idle connection", async () => {
    const { ask } = await start(endpoint(), FAR_MS);
    const before = activeResources();
    for (let i = 0; i < 3; i++) {
      expect((await ask()).status).toBe(200);
      provider.reset();
      await expectLeft(before, 0);
    }
  });

  it("after many that time out at once", async () => {
    const { ask } = await start(endpoint(), DEADLINE_MS);
    const before = activeResources();
    provider.answer = () => {};
    const answers = await Promise.all(Array.from({ length: 50 }, ask));
    for (const answer of answers) expectProviderError(answer, "provider_timeout");
    await expectLeft(before, 0);
  });
});

describe("a connection that fails leaves nothing", () => {
  async function expectNothingLeft(url: string, changes: AppChanges = {}, code: TableCode = "provider_unreachable") {
    const { ask } = await start(url, FAR_MS, changes);
    const before = activeResources();
    for (let i = 0; i < 2; i++) {
      expectProviderError(await ask(), code);
      await expectLeft(before, 0);
    }
  }

  it("if the port is closed", async () => {
    await expectNothingLeft(`http://127.0.0.1:${await freePort()}/token`);
  });

  it("if the name is unknown", async () => {
    await expectNothingLeft("https://nobody.invalid/token");
  });

  it("if it is reset at once", async () => {
    provider.onConnection = (socket) => socket.resetAndDestroy();
    await expectNothingLeft(endpoint());
  });

  it("if it is closed at once", async () => {
    provider.onConnection = (socket) => socket.end();
    await expectNothingLeft(endpoint());
  });

  it("if the provider does not speak TLS", async () => {
    provider.onConnection = (socket) => void socket.write("HTTP/1.1 400 Bad Request\r\n\r\n");
    await expectNothingLeft(endpoint().replace("http:", "https:"));
  });

  it("if the TLS handshake stalls", async () => {
    provider.onConnection = () => {};
    const { ask } = await start(endpoint().replace("http:", "https:"), FAR_MS, {
      provider: { connect_timeout: "100ms" },
    });
    const before = activeResources();
    // provider_timeout if this process was paused meanwhile, as on a busy machine.
    expect((await ask()).json().error_code).toMatch(/^provider_(?:unreachable|timeout)$/);
    await expectLeft(before, 0);
  });

  describe("if the certificate", () => {
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
      ["is self-signed", () => makeSelfSigned("127.0.0.1")],
      ["has expired", () => authority.issue("late", { ips: ["127.0.0.1"], notAfter: new Date(Date.now() - 1_000) })],
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
    ({ ask } = await start(endpoint(), FAR_MS, { provider: { max_in_flight: CALLS } }));
  });

  /** Gives the growth since, in MiB: of what lives, and of the most that there was at a time. */
  function measure() {
    const held = () => {
      collectGarbage();
      const { heapUsed, external } = process.memoryUsage();
      return heapUsed + external;
    };
    const before = held();
    const peak = process.resourceUsage().maxRSS;
    return () => [(held() - before) / MEGABYTE, (process.resourceUsage().maxRSS - peak) / 1024] as const;
  }

  // One of these answers is endless, and the others have 1,800 MiB together.
  it("does not grow with a body that never ends", async () => {
    provider.answer = flood(head({}), Buffer.alloc(MEGABYTE, 0x61));
    await ask();
    const growth = measure();
    for (let i = 0; i < CALLS; i++) expect((await ask()).json()).toMatchObject({ error_code: "provider_too_large" });
    await until(provider.open, (open) => open === 0);
    const [lives, peak] = growth();
    expect(lives).toBeLessThan(16);
    expect(peak).toBeLessThan(256);
  });

  it("does not grow with bombs in gzip, many at once", async () => {
    const bomb = gzipSync(Buffer.alloc(60 * MEGABYTE));
    expect(bomb.length).toBeLessThan(65_536); // within the limit as it comes
    provider.answer = respond({ headers: { "Content-Encoding": "gzip" }, body: bomb });
    await ask();
    const growth = measure();
    const answers = await Promise.all(Array.from({ length: CALLS }, ask));
    for (const answer of answers) expect(answer.json()).toMatchObject({ error_code: "provider_too_large" });
    const [lives, peak] = growth();
    expect(lives).toBeLessThan(16);
    expect(peak).toBeLessThan(256);
  });
});
