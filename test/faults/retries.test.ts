// Token requests are repeated only if no second token can result, signed again, in one deadline.
// On Workers nothing is repeated, because fetch does not say how far a request got.

import { createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { CALL, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { type Host, noticed, startHost } from "../support/host.ts";
import { answerWith, type Http2Peer, startHttp2Peer } from "../support/http2-peer.ts";
import { makeAuthority, makeKey } from "../support/keys.ts";
import { freePort, listenLocally } from "../support/port.ts";

const BODY = '{"access_token":"the-token","token_type":"Bearer"}';
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** What a provider does with the nth request of a connection. */
type Behaviour = (socket: Socket, nth: number) => void;

let server: Server;
let behave: Behaviour;
/** The bodies of all requests, in order. */
const bodies: string[] = [];
let connections = 0;
const sockets = new Set<Socket>();
let http2: Http2Peer;
let host: Host;

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    let nth = 0;
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    socket.on("data", (bytes) => {
      nth += 1;
      bodies.push(bytes.toString().split("\r\n\r\n")[1] ?? "");
      behave(socket, nth);
    });
  });
  const at = `127.0.0.1:${await listenLocally(server)}/token`;
  const signed = { params: {}, grant_type: JWT_BEARER };
  const providers = {
    signed: providerConfig(`http://${at}`, { ...signed, timeout: "1m" }),
    code: providerConfig(`http://${at}`, { params: {}, grant_type: "authorization_code" }),
    own: providerConfig(`http://${at}`, { grant_type: "urn:example:user", params: { userid: "{{userid}}" } }),
    quick: providerConfig(`http://${at}`, { ...signed, timeout: "2s" }),
    closed: providerConfig(`http://127.0.0.1:${await freePort()}/token`, {
      params: {},
      grant_type: "authorization_code",
    }),
    tls: providerConfig(`https://${at}`, { ...signed, timeout: "3s" }),
  };
  const authority = await makeAuthority();
  const { certificate, private_key } = await authority.issue("127.0.0.1", { ips: ["127.0.0.1"] });
  http2 = await startHttp2Peer(answerWith(BODY), { cert: certificate, key: private_key });
  Object.assign(providers, {
    http2: providerConfig(`${http2.origin}/token`, {
      params: {},
      grant_type: "authorization_code",
      headers: { "X-Attempt": "{{uuid}}" },
      tls: { ca: { env: "CA" } },
    }),
  });
  const file = {
    signing: { keys: [{ kid: "k", alg: "ES256", private_key: { env: "KEY" } }], issuer: "https://proxy.example" },
    providers,
    routes: Object.keys(providers).map((name) => ({ serverid: name, provider: name })),
  };
  const secrets = { ...SECRETS, KEY: (await makeKey("ES256")).pem, CA: authority.certificate };
  host = await startHost(fileConfig("", { file }), secrets, { runtime: "node" });
});
beforeEach(startAnew);

async function startAnew(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await noticed(host);
  bodies.length = 0;
  connections = 0;
}

afterAll(async () => {
  await host?.close();
  await http2?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
});

const callTo = (serverid: string) => callGetToken(host.url, { body: { ...CALL, serverid } });

/** A first call that leaves an open connection, then one whose connection fails. */
async function callTwice(provider: string) {
  expect((await callTo(provider)).status).toBe(200);
  await noticed(host);
  return callTo(provider);
}

/** The log line of a call. */
const lineOf = (requestId: unknown) =>
  expect.poll(
    () =>
      host
        .output()
        .split("\n")
        .find((line) => line.includes(String(requestId))) ?? "",
  );

const closings: [string, Behaviour][] = [
  ["resets", (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : socket.resetAndDestroy())],
  ["closes", (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : socket.end())],
];

describe.each(closings)("a kept connection that the provider %s", (_what, behaviour) => {
  beforeEach(() => {
    behave = behaviour;
  });

  it("is replaced, with a new assertion, and both attempts are counted", async () => {
    // The proxy has to see the end within 50 ms, which a busy machine can miss: then try again.
    const inTime = async () => {
      await startAnew();
      const answered = await callTwice("signed");
      expect([answered.status, answered.text]).toEqual([200, BODY]);
      return answered;
    };
    const answer = await vi.waitFor(inTime, { timeout: 30_000, interval: 0 });
    expect([bodies.length, connections]).toEqual([3, 2]);
    const claims = bodies.map((body) => {
      const assertion = new URLSearchParams(body).get("assertion") as string;
      return JSON.parse(Buffer.from(assertion.split(".")[1] as string, "base64url").toString());
    });
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    await lineOf(answer.headers["x-request-id"]).toContain('"attempts":2');
  });

  it.each([
    ["a code", "code"],
    ["a grant of an unknown kind", "own"],
  ])("is an error after %s was sent", async (_grant, provider) => {
    const answer = await callTwice(provider);
    expectProviderError(answer, "provider_unreachable", `providers.${provider}`);
    expect(bodies).toHaveLength(2);
    await lineOf(answer.headers["x-request-id"]).toContain('"attempts":1');
  });
});

describe("on HTTP/2", () => {
  const REFUSED_STREAM = 7;
  const INTERNAL_ERROR = 2;

  it.each([
    ["is built anew and sent again if the server refuses its stream, whatever the grant", REFUSED_STREAM, 200, 2],
    ["is not sent again if the server resets its stream otherwise", INTERNAL_ERROR, 502, 1],
  ])("a request %s", async (_what, code, status, attempts) => {
    http2.requests.length = 0;
    http2.onStream = (stream) => {
      http2.onStream = answerWith(BODY);
      stream.close(code);
    };
    const answer = await callTo("http2");
    expect([answer.status, http2.requests.length]).toEqual([status, attempts]);
    const uuids = http2.requests.map(({ headers }) => headers["x-attempt"]);
    expect(new Set(uuids).size).toBe(attempts);
  });
});

describe("a request is not sent again", () => {
  it.each<[string, Behaviour]>([
    ["after a new connection closes", (socket) => void socket.end()],
    ["after a new connection is reset", (socket) => void socket.resetAndDestroy()],
    ["after an answer has begun", (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : socket.end("HTTP/1.1 2"))],
    ["after a 500", (socket) => void socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")],
    ["after a 503", (socket) => void socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")],
    [
      "after a kept connection closes late, perhaps because of the request",
      (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : setTimeout(() => socket.end(), 200)),
    ],
  ])("%s", async (_what, behaviour) => {
    behave = behaviour;
    await callTo("signed");
    await noticed(host);
    await callTo("signed");
    expect(bodies).toHaveLength(2);
  });

  it("after a timeout", async () => {
    behave = (socket, nth) => void (nth === 1 && socket.write(ANSWER));
    expectProviderError(await callTwice("quick"), "provider_timeout", "providers.quick");
    expect(bodies).toHaveLength(2);
  });
});

describe("a connection that cannot be made", () => {
  it("is tried twice, whatever the grant", async () => {
    const answer = await callTo("closed");
    expectProviderError(answer, "provider_unreachable", "providers.closed");
    await lineOf(answer.headers["x-request-id"]).toContain('"attempts":2');
  });

  it("is tried twice within one deadline", async () => {
    behave = (socket) => void setTimeout(() => socket.end(), 2_000); // during the TLS handshake
    // With its own deadline, the second try would end as the first one did.
    expectProviderError(await callTo("tls"), "provider_timeout", "providers.tls");
    expect(connections).toBe(2);
  });
});
