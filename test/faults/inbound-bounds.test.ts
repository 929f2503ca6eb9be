// Slow, silent and flooding callers: each connection ends in time, and other callers are served.

import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { holdSocket } from "../support/port.ts";
import { closeOf, request } from "../support/raw-call.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { useService } from "../support/service.ts";

/** Of src/node/inbound/listener.ts: headers or handshake, a whole request; checked every second. */
const HEADERS_BOUND_MS = 10_000 + 1_000;
const REQUEST_BOUND_MS = 15_000 + 1_000;
/** Timers of a busy machine come late. */
const SLACK_MS = 10_000;
/** src/node/inbound/listener.ts: of one connection. */
const MAX_OPEN_REQUESTS = 32;
const PER_KIND = process.env.SOAK === "1" ? 40 : 5;
const DRIP_MS = 250;

let provider: RecordingProvider;
let plain: Host;
let tls: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  plain = await startHost(fileConfig(provider.tokenEndpoint), SECRETS, { runtime: "node" });
  const { certificate, private_key } = await (await makeAuthority()).issue("localhost", { ips: ["127.0.0.1"] });
  const own = { certificate: { env: "TLS_CERTIFICATE" }, private_key: { env: "TLS_KEY" } };
  const server = { listen: "127.0.0.1:0", admin: "127.0.0.1:0", tls: own };
  tls = await startHost(
    fileConfig(provider.tokenEndpoint, { file: { server } }),
    { ...SECRETS, TLS_CERTIFICATE: certificate, TLS_KEY: private_key },
    { runtime: "node" },
  );
});
afterAll(async () => {
  await plain?.close();
  await tls?.close();
  await provider?.close();
});

/** Another caller's call gets its token. */
async function expectServed(host: Host): Promise<void> {
  expect((await callGetToken(host.url, { body: { ...CALL, userid: "other" } })).status).toBe(200);
}

const open = (host: Host) => connect(Number(new URL(host.url).port), "127.0.0.1");

const head = (headers: Record<string, string | undefined>) =>
  request("POST", "/getToken", { Connection: undefined, "Content-Length": "1000", ...headers }, "");

/** Sends the start, then the drip again and again until the connection is closed. */
interface Attack {
  what: string;
  connect?: () => Socket;
  start?: string;
  drip?: string;
  bound: number;
  /** The expected response, if one may come. */
  answer: RegExp;
}

const MAYBE_408 = /^(HTTP\/1\.1 408 .*)?$/s;
const MAYBE_4XX = /^(HTTP\/1\.1 4\d\d .*)?$/s;
const NOTHING = /^$/;
const CHUNKED = { "Content-Length": undefined, "Transfer-Encoding": "chunked" };
const START = "POST /getToken HTTP/1.1\r\n";
const LARGE_CHUNK = `10000\r\n${" ".repeat(65_536)}\r\n`;
const openTls = () => open(tls);
const finishHandshake = () =>
  connectTls({ port: Number(new URL(tls.url).port), host: "127.0.0.1", rejectUnauthorized: false });

/** Those that must end when the headers, or the TLS handshake, take too long. */
const SLOW_STARTS: Omit<Attack, "bound">[] = [
  { what: "is silent", answer: MAYBE_408 },
  { what: "drips its headers", drip: "a", start: `${START}X: `, answer: MAYBE_408 },
  { what: "drips header lines", drip: "X: y\r\n", start: START, answer: MAYBE_408 },
  { what: "drips line breaks", drip: "\r\n", answer: MAYBE_408 },
  { what: "is silent before a TLS handshake", connect: openTls, answer: NOTHING },
  { what: "drips its ClientHello", connect: openTls, start: "\x16\x03\x01\x02\x00\x01", drip: "\x01", answer: NOTHING },
  { what: "is silent after its TLS handshake", connect: finishHandshake, answer: MAYBE_408 },
];
/** Those that must end when the whole request takes too long. */
const SLOW_BODIES: Omit<Attack, "bound">[] = [
  { what: "drips its body", drip: " ", start: head({}), answer: MAYBE_4XX },
  { what: "drips its chunks", drip: "1\r\n \r\n", start: head(CHUNKED), answer: MAYBE_4XX },
  {
    what: "drips its body and has no key",
    drip: " ",
    start: head({ "X-apikey": "wrong" }),
    answer: /^HTTP\/1\.1 401 .*caller_unauthenticated/s,
  },
  {
    what: "announces 10 TB",
    drip: " ",
    start: head({ "Content-Length": "9999999999999" }),
    answer: /^HTTP\/1\.1 413 .*call_too_large/s,
  },
  {
    what: "sends a body without an end",
    drip: `1000\r\n${" ".repeat(4_096)}\r\n`,
    start: head(CHUNKED) + LARGE_CHUNK,
    answer: /^HTTP\/1\.1 413 .*call_too_large/s,
  },
];
const ATTACKS: Attack[] = [
  ...SLOW_STARTS.map((one) => ({ ...one, bound: HEADERS_BOUND_MS })),
  ...SLOW_BODIES.map((one) => ({ ...one, bound: REQUEST_BOUND_MS })),
];

/** @returns milliseconds until the proxy closed the connection, and its response */
async function attack({ connect = () => open(plain), start = "", drip = "" }: Attack) {
  const socket = connect();
  const started = performance.now();
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  if (start !== "") socket.write(Buffer.from(start, "latin1"));
  const dripping = drip === "" ? undefined : setInterval(() => socket.write(Buffer.from(drip, "latin1")), DRIP_MS);
  await closeOf(socket);
  clearInterval(dripping);
  return { took: performance.now() - started, received };
}

describe(`${PER_KIND} connections of each kind at once`, () => {
  let results: { what: string; bound: number; answer: RegExp; ends: { took: number; received: string }[] }[];
  let served = 0;

  beforeAll(async () => {
    const siege = Promise.all(
      ATTACKS.map(async (kind) => ({
        ...kind,
        ends: await Promise.all(Array.from({ length: PER_KIND }, () => attack(kind))),
      })),
    );
    let isOver = false;
    void siege.finally(() => {
      isOver = true;
    });
    for (; !isOver; served++) {
      await expectServed(plain);
      await new Promise((next) => setTimeout(next, 100));
    }
    results = await siege;
  }, 120_000);

  it.each(ATTACKS)("are closed in time if one $what", ({ what, bound, answer }) => {
    const { ends } = results.find((result) => result.what === what) as (typeof results)[number];
    expect(ends).toHaveLength(PER_KIND);
    for (const { took, received } of ends) {
      expect(took).toBeLessThan(bound + SLACK_MS);
      expect(received).toMatch(answer);
    }
  });

  it("request no token, while other callers get theirs", () => {
    expect(provider.requests.filter(({ body }) => !body.includes("userid=other"))).toEqual([]);
    expect(served).toBeGreaterThan(10);
  });
});

it("a response says for how long its idle connection may stay", async () => {
  const { headers } = await callGetToken(plain.url, { headers: { Connection: "keep-alive" } });
  expect(headers["keep-alive"]).toBe("timeout=65");
});

const CLIENTS = 2_000;
const SOMAXCONN = "/proc/sys/net/core/somaxconn";
const kernelAllows = existsSync(SOMAXCONN) ? Number(readFileSync(SOMAXCONN, "utf8")) : 0;

describe.skipIf(kernelAllows < CLIENTS)(`${CLIENTS} connections at once, while the process is busy,`, () => {
  const service = useService();

  it.each(["its own", "an inherited"])("all get a place on %s socket", async (origin) => {
    const held = origin === "an inherited" ? await holdSocket() : undefined;
    await service.configure();
    const run = await service.start(held === undefined ? {} : { socket: held.fd });
    const port = Number(new URL(run.listen).port);
    run.process.kill("SIGSTOP"); // like a busy event loop
    const errors: string[] = [];
    const sockets = Array.from({ length: CLIENTS }, () =>
      connect(port, "127.0.0.1").on("error", ({ message }) => errors.push(message)),
    );
    // Without a place a socket stays unconnected, however often TCP retries.
    await expect.poll(() => sockets.filter(({ readyState }) => readyState !== "open").length).toBe(0);
    expect(errors).toEqual([]);
    run.process.kill("SIGCONT");
    const last = sockets.at(-1) as Socket;
    last.write(request("POST", "/getToken"));
    expect(String((await once(last, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
    for (const socket of sockets) socket.destroy();
    held?.close();
  });
});

describe("connections that send endless requests and never read a response", () => {
  it.each([
    ["with their key", APIKEY],
    ["without a key", "wrong"],
  ])("%s are cut off before they fill the memory", async (_who, apikey) => {
    const many = Buffer.from(request("POST", "/getToken", { Connection: undefined, "X-apikey": apikey }).repeat(200));
    // Everything must fit into this heap, or the process ends.
    const heap = { NODE_OPTIONS: "--max-old-space-size=96" };
    const host = await startHost(fileConfig(provider.tokenEndpoint), { ...SECRETS, ...heap }, { runtime: "node" });
    try {
      await expectServed(host);
      provider.requests.length = 0;
      const sockets = Array.from({ length: 40 }, () => {
        const socket = open(host).on("error", () => {});
        socket.pause();
        const send = () => socket.write(many, (error) => error == null && !socket.destroyed && send());
        send();
        return socket;
      });
      await expect.poll(() => sockets.filter(({ closed }) => !closed).length, { timeout: 30_000 }).toBe(0);
      // Accepted calls keep their places until they end.
      await expect.poll(async () => (await callGetToken(host.url)).status, { timeout: 30_000 }).toBe(200);
      expect(provider.requests.length).toBeLessThanOrEqual(40 * MAX_OPEN_REQUESTS + 1);
      await expectServed(host);
    } finally {
      await host.close();
    }
  });
});
