// A credential that a reload withdraws is of no use on any connection, whatever has been sent on
// it; calls under way end.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { APIKEY } from "../support/call.ts";
import { noticed } from "../support/host.ts";
import { type Authority, makeAuthority, type TestCertificate } from "../support/keys.ts";
import { closeOf, request } from "../support/raw-call.ts";
import { hold } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const OTHER_APIKEY = "other-apikey-0123456789abcdef";

const service = useService();
let own: Authority;
let other: Authority;
let server: TestCertificate;
let renewed: TestCertificate;
let client: TestCertificate;
const sockets: Socket[] = [];

beforeAll(async () => {
  [own, other] = await Promise.all([makeAuthority(), makeAuthority()]);
  const issue = (name: string) => own.issue(name, { ips: ["127.0.0.1"] });
  [server, renewed, client] = await Promise.all([issue("first"), issue("second"), issue("client")]);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
});

const sha256 = ({ certificate }: TestCertificate) =>
  new X509Certificate(certificate).fingerprint256.replaceAll(":", "").toLowerCase();

/** The parts of the file that a reload changes here. */
interface Written {
  callers?: object;
  /** Without TLS if there are none. */
  authorities?: Authority[];
  certificate?: TestCertificate;
  params?: object;
}

const BY_KEY = { apikeys: [{ env: "APIKEY" }] };
const BY_OTHER_KEY = { apikeys: [{ env: "OTHER_APIKEY" }] };
const byCertificate = (...certificates: TestCertificate[]) => ({
  client_certificates: certificates.map((certificate) => ({ sha256: sha256(certificate) })),
});

async function write({ callers = { ns: BY_KEY }, authorities, certificate = server, params = {} }: Written) {
  await service.write("ca.pem", (authorities ?? []).map((authority) => authority.certificate).join("\n"));
  await service.write("certificate.pem", certificate.certificate);
  await service.write("key.pem", certificate.private_key);
  const files = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" } };
  const tls = { ...files, client_ca: { file: "ca.pem" } };
  await service.configure({ server: authorities === undefined ? {} : { tls }, callers, main: { params } });
}

const start = () => service.start({ env: { OTHER_APIKEY } });

interface Presented {
  apikey?: string;
  certificate?: TestCertificate;
}

/** A connection and all that came back on it. */
async function open({ listen }: Running, { certificate }: Presented, session?: Buffer) {
  const url = new URL(listen);
  const [port, host] = [Number(url.port), url.hostname];
  const { certificate: cert, private_key: key } = certificate ?? {};
  const isTls = url.protocol === "https:";
  const socket = isTls
    ? connectTls({ port, host, ca: own.certificate, ...(cert && { cert, key }), ...(session && { session }) })
    : connectPlain(port, host);
  sockets.push(socket);
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
  });
  const closed = closeOf(socket);
  await once(socket, isTls ? "secureConnect" : "connect");
  return {
    socket,
    closed,
    send: (bytes: string) => void socket.write(bytes),
    statuses: () => [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status)),
    text: () => text,
  };
}
type Connection = Awaited<ReturnType<typeof open>>;

const callOf = ({ apikey }: Presented) =>
  request("POST", "/getToken", { Connection: "keep-alive", "X-apikey": apikey });

/** That of src/steps/body.ts. */
const BODY_TIMEOUT_MS = 2_000;

/** What has been sent on a connection before the reload. */
const STATES = ["nothing", "half of the headers", "half of the body"] as const;

const sentBefore = (state: (typeof STATES)[number], bytes: string) => {
  if (state === "nothing") return "";
  return bytes.slice(0, state === "half of the headers" ? bytes.indexOf("X-nonce") : -5);
};

/** On a slow machine, half of a body may be too late after the reload. */
const isTooLate = (state: string, begun: number, { statuses }: Connection) =>
  state === "half of the body" && statuses()[0] === 408 && performance.now() - begun > BODY_TIMEOUT_MS;

/**
 * Opens one connection of each state; the call on `running` waits for its provider until `release`.
 */
async function openAll(started: Running, presented: Presented) {
  const bytes = callOf(presented);
  const idle = await open(started, presented);
  idle.send(bytes);
  await expect.poll(idle.statuses).toEqual([200]);
  const release = hold(service.provider);
  const running = await open(started, presented);
  running.send(bytes);
  await expect.poll(() => service.provider.requests.length).toBe(2);
  const unfinished: { state: string; connection: Connection; rest: string }[] = [];
  for (const state of STATES) {
    const connection = await open(started, presented);
    const sent = sentBefore(state, bytes);
    if (sent !== "") connection.send(sent);
    unfinished.push({ state, connection, rest: bytes.slice(sent.length) });
  }
  await noticed({ adminUrl: started.admin });
  return { idle, running, release, unfinished, bytes };
}

const CASES: [what: string, Presented, before: () => Written, after: () => Written][] = [
  [
    "an API key",
    { apikey: APIKEY },
    () => ({ callers: { ns: BY_KEY, other: BY_OTHER_KEY } }),
    () => ({ callers: { other: BY_OTHER_KEY } }),
  ],
  [
    "an API key, under TLS,",
    { apikey: APIKEY },
    () => ({ callers: { ns: BY_KEY, other: BY_OTHER_KEY }, authorities: [own] }),
    () => ({ callers: { other: BY_OTHER_KEY }, authorities: [own] }),
  ],
  [
    "an authority of client_ca",
    {},
    () => ({ callers: { ns: byCertificate(client) }, authorities: [own, other] }),
    () => ({ callers: { ns: byCertificate(client) }, authorities: [other] }),
  ],
  [
    "a certificate of client_certificates",
    {},
    () => ({ callers: { ns: byCertificate(client, server) }, authorities: [own] }),
    () => ({ callers: { ns: byCertificate(server) }, authorities: [own] }),
  ],
];

describe("a reload that withdraws", () => {
  it.each(CASES)("%s ends its use on every connection, and no call under way", async (_what, shown, before, after) => {
    await write(before());
    const started = await start();
    const presented = shown.apikey === undefined ? { certificate: client } : shown;
    const begun = performance.now();
    const { idle, running, release, unfinished } = await openAll(started, presented);
    await write(after());
    await started.reload();

    await idle.closed;
    release();
    await running.closed;
    expect(running.statuses()).toEqual([200]);
    expect(running.text()).toMatch(/\r\nConnection: close\r\n/i);
    for (const { state, connection, rest } of unfinished.toReversed()) {
      connection.send(rest);
      await expect.poll(connection.statuses, { message: state }).toHaveLength(1);
      if (isTooLate(state, begun, connection)) continue;
      expect(connection.statuses(), state).toEqual([401]);
      await connection.closed;
      expect(connection.text()).toMatch(/\r\nConnection: close\r\n/i);
      expect(connection.text()).toContain('"error_code":"caller_unauthenticated"');
    }
    expect(service.provider.requests).toHaveLength(2);
  });

  it("an authority refuses its certificates in a handshake under way, and in a resumed TLS session", async () => {
    await write({ callers: { ns: byCertificate(client) }, authorities: [own, other] });
    const started = await start();
    const url = new URL(started.listen);
    const first = await open(started, { certificate: client });
    const session = once(first.socket, "session") as Promise<[Buffer]>;
    first.send(callOf({}));
    await expect.poll(first.statuses).toEqual([200]);
    const tcp = connectPlain(Number(url.port), url.hostname);
    sockets.push(tcp);
    await once(tcp, "connect");
    await noticed({ adminUrl: started.admin });
    await write({ callers: { ns: byCertificate(client) }, authorities: [other] });
    await started.reload();

    const { certificate: cert, private_key: key } = client;
    const late = connectTls({ socket: tcp, host: url.hostname, ca: own.certificate, cert, key }).setEncoding("latin1");
    await once(late, "secureConnect");
    late.write(callOf({}));
    expect(String(await once(late, "data"))).toMatch(/^HTTP\/1\.1 401 /);
    const again = await open(started, { certificate: client }, (await session)[0]);
    again.send(callOf({}));
    await expect.poll(again.statuses).toEqual([401]);
  });
});

describe("a reload that changes neither client_ca nor callers", () => {
  it.each([
    ["plain", undefined, { apikey: APIKEY }],
    ["TLS", "own", {}],
  ] as const)("closes no connection (%s), not even with a new certificate of the server", async (_what, tls, shown) => {
    const callers = tls === undefined ? { ns: BY_KEY } : { ns: byCertificate(client) };
    const written = { callers, ...(tls && { authorities: [own] }) };
    await write(written);
    const started = await start();
    const presented = tls === undefined ? shown : { certificate: client };
    const begun = performance.now();
    const { idle, running, release, unfinished, bytes } = await openAll(started, presented);
    await write({ ...written, certificate: renewed, params: { another: "setting" } });
    await started.reload();
    release();
    await expect.poll(running.statuses).toEqual([200]);
    idle.send(bytes);
    await expect.poll(idle.statuses).toEqual([200, 200]);
    for (const { state, connection, rest } of unfinished.toReversed()) {
      connection.send(rest);
      await expect.poll(connection.statuses, { message: state }).toHaveLength(1);
      if (isTooLate(state, begun, connection)) continue;
      expect(connection.statuses(), state).toEqual([200]);
      connection.send(bytes);
      await expect.poll(connection.statuses, { message: state }).toEqual([200, 200]);
      expect(connection.text()).not.toMatch(/\r\nConnection: close/i);
    }
  });
});
