// Callers that take their time, or all of ours, on Node: each connection ends within a stated bound, and meanwhile other
// callers are served.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { closeOf, request } from "../support/raw-call.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

/** src/node/inbound/listener.ts: headers and handshake 10 s, a whole request 15 s; looked at every second. */
const HEADERS_BOUND_MS = 10_000 + 1_000;
const REQUEST_BOUND_MS = 15_000 + 1_000;
/** Timers of a busy machine come late. */
const SLACK_MS = 10_000;
/** src/node/inbound/open-requests.ts: of one connection. */
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

/** What it does with a connection; the rest is dripped, a byte at a time, for as long as the connection is open. */
interface Attack {
  what: string;
  connect?: () => Socket;
  start?: string;
  drip?: string;
  bound: number;
  /** Of the answer, if one may come. */
  answer: RegExp;
}

const MAYBE_408 = /^(HTTP\/1\.1 408 .*)?$/s;
const ATTACKS: Attack[] = [
  { what: "says nothing", bound: HEADERS_BOUND_MS, answer: MAYBE_408 },
  {
    what: "drips its headers",
    drip: "a",
    start: "POST /getToken HTTP/1.1\r\nX: ",
    bound: HEADERS_BOUND_MS,
    answer: MAYBE_408,
  },
  {
    what: "drips header lines",
    drip: "X: y\r\n",
    start: "POST /getToken HTTP/1.1\r\n",
    bound: HEADERS_BOUND_MS,
    answer: MAYBE_408,
  },
  { what: "drips line breaks", drip: "\r\n", bound: HEADERS_BOUND_MS, answer: MAYBE_408 },
  { what: "drips its body", drip: " ", start: head({}), bound: REQUEST_BOUND_MS, answer: /^(HTTP\/1\.1 4\d\d .*)?$/s },
  {
    what: "drips its chunks",
    drip: "1\r\n \r\n",
    start: head({ "Content-Length": undefined, "Transfer-Encoding": "chunked" }),
    bound: REQUEST_BOUND_MS,
    answer: /^(HTTP\/1\.1 4\d\d .*)?$/s,
  },
  {
    what: "drips its body and has no key",
    drip: " ",
    start: head({ "X-apikey": "wrong" }),
    bound: REQUEST_BOUND_MS,
    answer: /^HTTP\/1\.1 401 .*caller_unauthenticated/s,
  },
  {
    what: "announces 10 TB",
    drip: " ",
    start: head({ "Content-Length": "9999999999999" }),
    bound: REQUEST_BOUND_MS,
    answer: /^HTTP\/1\.1 413 .*call_too_large/s,
  },
  {
    what: "sends a body without an end",
    drip: `1000\r\n${" ".repeat(4_096)}\r\n`,
    start: `${head({ "Content-Length": undefined, "Transfer-Encoding": "chunked" })}10000\r\n${" ".repeat(65_536)}\r\n`,
    bound: REQUEST_BOUND_MS,
    answer: /^HTTP\/1\.1 413 .*call_too_large/s,
  },
  { what: "says nothing where TLS is spoken", connect: () => open(tls), bound: HEADERS_BOUND_MS, answer: /^$/ },
  {
    what: "drips its ClientHello",
    connect: () => open(tls),
    start: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    drip: "\x01",
    bound: HEADERS_BOUND_MS,
    answer: /^$/,
  },
  {
    what: "says nothing behind its TLS handshake",
    connect: () => connectTls({ port: Number(new URL(tls.url).port), host: "127.0.0.1", rejectUnauthorized: false }),
    bound: HEADERS_BOUND_MS,
    answer: MAYBE_408,
  },
];

/** @returns milliseconds until the proxy closed the connection, and what it said */
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

  it.each(ATTACKS)("are closed in time where one $what", ({ what, bound, answer }) => {
    const { ends } = results.find((result) => result.what === what) as (typeof results)[number];
    expect(ends).toHaveLength(PER_KIND);
    for (const { took, received } of ends) {
      expect(took).toBeLessThan(bound + SLACK_MS);
      expect(received).toMatch(answer);
    }
  });

  it("ask for no token, while other callers get theirs", () => {
    expect(provider.requests.filter(({ body }) => !body.includes("userid=other"))).toEqual([]);
    expect(served).toBeGreaterThan(10);
  });
});

describe("idle connections", () => {
  it("by the thousand keep no other caller away", async () => {
    const idle = Array.from({ length: 1_000 }, () => open(plain));
    try {
      await Promise.all(idle.map((socket) => once(socket, "connect")));
      await expectServed(plain);
    } finally {
      for (const socket of idle) socket.destroy();
    }
  });

  it("are told after an answer for how long they may stay", async () => {
    const { headers } = await callGetToken(plain.url, { headers: { Connection: "keep-alive" } });
    expect(headers["keep-alive"]).toBe("timeout=65");
  });
});

describe("connections that send requests without end and never read an answer", () => {
  it.each([
    ["with their key", APIKEY],
    ["without a key", "wrong"],
  ])("%s are cut off before they fill the memory", async (_who, apikey) => {
    const many = Buffer.from(request("POST", "/getToken", { Connection: undefined, "X-apikey": apikey }).repeat(200));
    // What lives at once must fit into this heap, or the process ends.
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
      // What had been let in goes on without them, and has its places until it ends.
      await expect.poll(async () => (await callGetToken(host.url)).status, { timeout: 30_000 }).toBe(200);
      expect(provider.requests.length).toBeLessThanOrEqual(40 * MAX_OPEN_REQUESTS + 1);
      await expectServed(host);
    } finally {
      await host.close();
    }
  });
});
