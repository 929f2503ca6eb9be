// Retries on real sockets, on Node: only where it cannot be a second token, signed anew, inside the same deadline, and counted. A
// Worker's fetch does not tell how far a request got, so there nothing is sent twice.

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { expectProviderError } from "../support/expect-error.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import { freePort } from "../support/port.ts";

const BODY = '{"access_token":"the-token","token_type":"Bearer"}';
const ANSWER = `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: ${BODY.length}\r\n\r\n${BODY}`;

/** What a provider does with the nth request of a connection. */
type Behaviour = (socket: Socket, nth: number) => void;

let server: Server;
let behave: Behaviour;
/** The bodies of the requests, in the order in which they came, on whatever connection. */
const bodies: string[] = [];
let connections = 0;
const hosts: Host[] = [];

beforeAll(async () => {
  server = createServer((socket) => {
    connections += 1;
    let nth = 0;
    socket.on("error", () => {});
    socket.on("data", (bytes) => {
      nth += 1;
      bodies.push(bytes.toString().split("\r\n\r\n")[1] ?? "");
      behave(socket, nth);
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
});
beforeEach(() => {
  bodies.length = 0;
  connections = 0;
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  server.close();
});

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

async function start(provider: object, endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`) {
  const signing = { keys: [{ kid: "k", alg: "ES256", private_key: { env: "KEY" } }], issuer: "https://proxy.example" };
  const file = fileConfig(endpoint, { provider: { params: {}, ...provider }, file: { signing } });
  const host = await startHost(file, { ...SECRETS, KEY: (await makeKey("ES256")).pem }, { runtime: "node" });
  hosts.push(host);
  return host;
}

/** A first call that leaves an open connection behind, and then one whose connection fails as `behave` has it. */
async function callTwice(host: Host) {
  expect((await callGetToken(host.url)).status).toBe(200);
  await new Promise((done) => setTimeout(done, 50));
  return callGetToken(host.url);
}

const attemptsOf = (host: Host, requestId: unknown) =>
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

describe.each(closings)("a re-used connection that the provider %s", (_what, behaviour) => {
  beforeEach(() => {
    behave = behaviour;
  });

  it("is left for another one, with an assertion of its own, and both are counted", async () => {
    const host = await start({ grant_type: JWT_BEARER });
    const answer = await callTwice(host);
    expect([answer.status, answer.text]).toEqual([200, BODY]);
    expect([bodies.length, connections]).toEqual([3, 2]);
    const claims = bodies.map((body) => {
      const assertion = new URLSearchParams(body).get("assertion") as string;
      return JSON.parse(Buffer.from(assertion.split(".")[1] as string, "base64url").toString());
    });
    expect(new Set(claims.map(({ jti }) => jti)).size).toBe(3);
    await attemptsOf(host, answer.headers["x-request-id"]).toContain('"attempts":2');
  });

  it.each<[string, object]>([
    ["a code", { grant_type: "authorization_code" }],
    ["a grant of the provider's own", { grant_type: "urn:example:user", params: { userid: "{{userid}}" } }],
  ])("is an error after %s was sent", async (_grant, provider) => {
    const host = await start(provider);
    const answer = await callTwice(host);
    expectProviderError(answer, "provider_unreachable");
    expect(bodies).toHaveLength(2);
    await attemptsOf(host, answer.headers["x-request-id"]).toContain('"attempts":1');
  });
});

describe("a request is not sent again", () => {
  it.each<[string, Behaviour]>([
    ["where a fresh connection closes", (socket) => void socket.end()],
    ["where a fresh connection is reset", (socket) => void socket.resetAndDestroy()],
    ["where an answer has begun", (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : socket.end("HTTP/1.1 2"))],
    ["where the answer is a 500", (socket) => void socket.write("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n")],
    ["where the answer is a 503", (socket) => void socket.write("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")],
  ])("%s", async (_what, behaviour) => {
    behave = behaviour;
    const host = await start({ grant_type: JWT_BEARER });
    await callGetToken(host.url);
    await new Promise((done) => setTimeout(done, 50));
    await callGetToken(host.url);
    expect(bodies).toHaveLength(2);
  });

  it("where there is no answer in time", async () => {
    behave = (socket, nth) => void (nth === 1 && socket.write(ANSWER));
    const host = await start({ grant_type: JWT_BEARER, timeout: "300ms" });
    expectProviderError(await callTwice(host), "provider_timeout");
    expect(bodies).toHaveLength(2);
  });
});

describe("a connection that cannot be made", () => {
  it("is tried twice, whatever the grant, and the call still ends at once", async () => {
    const host = await start({ grant_type: "authorization_code" }, `http://127.0.0.1:${await freePort()}/token`);
    const started = performance.now();
    const answer = await callGetToken(host.url);
    expectProviderError(answer, "provider_unreachable");
    expect(performance.now() - started).toBeLessThan(500);
    await attemptsOf(host, answer.headers["x-request-id"]).toContain('"attempts":2');
  });

  it("keeps the deadline with both tries", async () => {
    // TEST-NET-1 (RFC 5737): nobody answers there, or this machine says at once that it has no way to it.
    const host = await start(
      { grant_type: JWT_BEARER, timeout: "600ms", connect_timeout: "400ms" },
      "https://192.0.2.1/token",
    );
    const started = performance.now();
    const answer = await callGetToken(host.url);
    expect([502, 504]).toContain(answer.status);
    expect(performance.now() - started).toBeLessThan(660 + 100);
  });
});

it("a re-used connection that closes late is one that died over the request, which is not sent again", async () => {
  behave = (socket, nth) => void (nth === 1 ? socket.write(ANSWER) : setTimeout(() => socket.end(), 200));
  const host = await start({ grant_type: JWT_BEARER });
  expectProviderError(await callTwice(host), "provider_unreachable");
  expect(bodies).toHaveLength(2);
});
