// Tunnels through an egress proxy: what holds without one, deadlines, refusals, the environment.

import { readdirSync, readFileSync } from "node:fs";
import type { SecureServerOptions } from "node:http2";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { Secret } from "../../../src/core/secret.ts";
import type { EgressProxy, TransportError, TransportSettings } from "../../../src/core/transport.ts";
import { proxyOfEnvironment } from "../../../src/node/outbound/proxy.ts";
import { createNodeTransport } from "../../../src/node/outbound/transport.ts";
import { type ConnectProxy, type ConnectProxyOptions, startConnectProxy } from "../../support/connect-proxy.ts";
import { answerWith, type Http2Peer, startHttp2Peer } from "../../support/http2-peer.ts";
import { type Authority, makeAuthority, type TestCertificate } from "../../support/keys.ts";
import { listenLocally } from "../../support/port.ts";

const FAR_MS = 60_000;
const BODY = "client_secret=in-the-form";

type PeerOptions = SecureServerOptions & { onRequest?: Parameters<Http2Peer["onRequest"]>[0] };

let authority: Authority;
let certificate: TestCertificate;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  authority = await makeAuthority();
  certificate = await authority.issue("peer", { ips: ["127.0.0.1"], dns: ["sso.bank.example"] });
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** On HTTP/1.1 it answers each request, unless `onRequest` does something else. */
async function startPeer(onStream: Http2Peer["onStream"] = answerWith("{}"), more: PeerOptions = {}) {
  const { onRequest, ...options } = more;
  const tls = { cert: certificate.certificate, key: certificate.private_key };
  const peer = await startHttp2Peer(onStream, { ...tls, allowHTTP1: true, ...options });
  peer.onRequest(onRequest ?? ((request, response) => void request.resume().on("end", () => response.end("{}"))));
  ends.push(() => peer.close());
  return peer;
}

async function startProxy(options: ConnectProxyOptions = {}) {
  const proxy = await startConnectProxy(options);
  ends.push(() => proxy.close());
  return proxy;
}

/** Sends a request to `origin` through a proxy. */
function through(proxy: EgressProxy, settings: Partial<TransportSettings> = {}) {
  const tls = { ca: new Secret(authority.certificate) };
  const proxyFor = () => proxy;
  const transport = createNodeTransport({ connect_timeout: 10_000, connections: 256, tls, proxyFor, ...settings });
  ends.push(() => void transport.close());
  return (origin: string, body = BODY) => {
    const headers = { "content-type": "text/plain" };
    return transport({
      method: "POST",
      url: `${origin}/token`,
      headers,
      body,
      timeout: FAR_MS,
      maxResponseBytes: 65_536,
    });
  };
}

async function failureOf(sent: Promise<unknown>): Promise<string> {
  const error = (await sent.then(
    () => undefined,
    (reason) => reason,
  )) as TransportError | undefined;
  return `${error?.failure} ${error?.delivery} ${(error?.cause as { code?: string })?.code}`;
}

const untilClosed = (proxy: ConnectProxy) => expect.poll(() => proxy.open()).toBe(0);

it("the code of egress proxies is loaded only when one is used", () => {
  const importers = readdirSync("src", { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .filter(({ parentPath, name }) => /from "[^"]*\/proxy\.ts"/.test(readFileSync(join(parentPath, name), "utf8")));
  expect(importers).toEqual([]);
});

describe("a request through an egress proxy", () => {
  it.each(["auto", "never"] as const)("reaches the server in a tunnel, with http2: %s", async (http2) => {
    const peer = await startPeer();
    const proxy = await startProxy();
    const { status, body } = await through(proxy, { http2 })(peer.origin);
    expect([status, Buffer.from(body).toString()]).toEqual([200, "{}"]);
    expect(peer.sessions).toHaveLength(http2 === "auto" ? 1 : 0);
    const target = new URL(peer.origin).host;
    expect(proxy.requests).toEqual([{ method: "CONNECT", target, headers: { host: target } }]);
    expect(proxy.sent().toString("latin1")).not.toContain(BODY);
  });

  it.each(["auto", "never"] as const)("works through an https proxy, with http2: %s", async (http2) => {
    const peer = await startPeer((stream) => answerWith(Buffer.alloc(60_000, 97))(stream));
    const defaults = getCACertificates();
    setDefaultCACertificates([...defaults, authority.certificate]);
    ends.push(() => setDefaultCACertificates(defaults));
    const proxy = await startProxy({ tls: certificate });
    const send = through(proxy, { http2 });
    const all = await Promise.all(Array.from({ length: 20 }, () => send(peer.origin, "x".repeat(50_000))));
    expect(all.map(({ status }) => status)).toEqual(Array(20).fill(200));
  });

  it("sends user and password to the proxy and to nobody else", async () => {
    const peer = await startPeer();
    const proxy = await startProxy();
    await through({ url: proxy.url, authorization: new Secret("token-proxy:pässword:1") })(peer.origin);
    const basic = `Basic ${Buffer.from("token-proxy:pässword:1").toString("base64")}`;
    expect(proxy.requests[0]?.headers["proxy-authorization"]).toBe(basic);
    expect(JSON.stringify(peer.requests[0]?.headers)).not.toContain("proxy-authorization");
  });

  it("names the server, whose certificate must be for that name; the proxy looks it up", async () => {
    const peer = await startPeer();
    const route = () => new URL(peer.origin).host;
    const proxy = await startProxy({ route });
    const send = through(proxy);
    expect((await send("https://sso.bank.example")).status).toBe(200);
    expect(await failureOf(send("https://other.bank.example:8443"))).toBe(
      "unreachable none ERR_TLS_CERT_ALTNAME_INVALID",
    );
    expect(proxy.requests.map(({ target, headers }) => [target, headers.host])).toEqual([
      ["sso.bank.example:443", "sso.bank.example:443"],
      ["other.bank.example:8443", "other.bank.example:8443"],
    ]);
  });

  it("shows the client certificate to the server, and not to the proxy", async () => {
    const subjects: string[] = [];
    const options = { requestCert: true, rejectUnauthorized: true, ca: authority.certificate };
    const peer = await startPeer((stream) => {
      const socket = stream.session?.socket as TLSSocket;
      subjects.push(String(socket.getPeerCertificate().subject.CN));
      answerWith("{}")(stream);
    }, options);
    const client = await authority.issue("token-proxy");
    const tls = {
      ca: new Secret(authority.certificate),
      certificate: new Secret(client.certificate),
      private_key: new Secret(client.private_key),
    };
    const proxy = await startProxy();
    expect((await through(proxy, { tls })(peer.origin)).status).toBe(200);
    expect(subjects).toEqual(["token-proxy"]);
    expect(await failureOf(through(proxy, { http2: "never" })(peer.origin))).toMatch(/^(?:unreachable|truncated)/);
  });

  it("shares few tunnels on HTTP/2, and keeps them longer than connect_timeout", async () => {
    const peer = await startPeer();
    const proxy = await startProxy();
    const send = through(proxy, { connect_timeout: 1_000 });
    await Promise.all(Array.from({ length: 50 }, () => send(peer.origin)));
    await new Promise((done) => setTimeout(done, 1_500));
    await send(peer.origin);
    expect(proxy.requests).toHaveLength(1);
  });

  it("opens one tunnel for each request with reuse_connections: false", async () => {
    const peer = await startPeer();
    const proxy = await startProxy();
    const send = through(proxy, { reuse_connections: false });
    for (let i = 0; i < 3; i++) await send(peer.origin);
    expect(proxy.requests).toHaveLength(3);
    await untilClosed(proxy);
  });

  it("goes to a proxy with an IPv6 address", async () => {
    const peer = await startPeer();
    const proxy = await startProxy({ host: "::1" });
    expect((await through(proxy)(peer.origin)).status).toBe(200);
  });
});

/** Answers each CONNECT with these bytes. */
const say = (text: string) => startProxy({ onConnect: (socket) => void socket.write(text) });

describe("a proxy that opens no tunnel", () => {
  it.each([
    [407, "proxy_refused"],
    [403, "proxy_refused"],
    [429, "proxy_refused"],
    [502, "unreachable"],
    [504, "unreachable"],
    [302, "unreachable"],
    [100, "unreachable"],
  ])("with status %i is %s, and nothing is sent", async (status, failure) => {
    const proxy = await say(`HTTP/1.1 ${status} No\r\nContent-Length: 6\r\n\r\n<html>`);
    expect(await failureOf(through(proxy)("https://sso.bank.example"))).toBe(`${failure} none PROXY_${status}`);
    await untilClosed(proxy);
  });

  it.each([
    ["is not HTTP", "SSH-2.0-OpenSSH_9.2\r\n", "PROXY_HPE_INVALID_CONSTANT"],
    [
      "has too many headers",
      `HTTP/1.1 200 OK\r\n${"X-Filler: aaaaaaaaaaaaaaaaaaaaaa\r\n".repeat(1_000)}\r\n`,
      "PROXY_HPE_HEADER_OVERFLOW",
    ],
    ["is followed by more", "HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n{}", "PROXY_SURPLUS"],
  ])("because its answer %s", async (_what, text, code) => {
    const proxy = await say(text);
    expect(await failureOf(through(proxy)("https://sso.bank.example"))).toBe(`unreachable none ${code}`);
    await untilClosed(proxy);
  });

  it("because it is down, closes, or has a certificate for another name", async () => {
    const down = await startConnectProxy();
    await down.close();
    expect(await failureOf(through(down)("https://sso.bank.example"))).toBe("unreachable none PROXY_ECONNREFUSED");
    const closing = await startProxy({ onConnect: (socket) => void socket.destroy() });
    expect(await failureOf(through(closing)("https://sso.bank.example"))).toBe("unreachable none PROXY_ECONNRESET");

    const defaults = getCACertificates();
    setDefaultCACertificates([...defaults, authority.certificate]);
    ends.push(() => setDefaultCACertificates(defaults));
    const tls = await authority.issue("sso.bank.example", { dns: ["sso.bank.example"] });
    const misnamed = await startProxy({ tls });
    expect(await failureOf(through(misnamed)("https://sso.bank.example"))).toBe(
      "unreachable none PROXY_ERR_TLS_CERT_ALTNAME_INVALID",
    );
    expect(misnamed.requests).toEqual([]);
  });
});

describe("connect_timeout", () => {
  const slow = { connect_timeout: 300 };
  // "late" on a busy machine, as after a pause.
  const late = /^(?:connect_timeout none|late \w+) UND_ERR_CONNECT_TIMEOUT$/;

  it("covers the proxy's answer, which may come byte by byte", async () => {
    const silent = await startProxy({ onConnect: () => {} });
    expect(await failureOf(through(silent, slow)("https://sso.bank.example"))).toMatch(late);
    await untilClosed(silent);
    const trickling = await startProxy({
      onConnect(socket) {
        const timer = setInterval(() => socket.write("H"), 20);
        socket.once("close", () => clearInterval(timer)).write("HTTP/1.1 200 OK\r\nX: ");
      },
    });
    expect(await failureOf(through(trickling, slow)("https://sso.bank.example"))).toMatch(late);
    await untilClosed(trickling);
  });

  it("covers TLS in the tunnel", async () => {
    const proxy = await say("HTTP/1.1 200 OK\r\n\r\n");
    expect(await failureOf(through(proxy, slow)("https://sso.bank.example"))).toMatch(late);
    await untilClosed(proxy);
  });

  it("covers TLS to an https proxy", async () => {
    const server = createServer(() => {});
    const sockets: Socket[] = [];
    server.on("connection", (socket: Socket) => sockets.push(socket.on("error", () => {}).resume()));
    ends.push(() => server.close());
    const url = `https://127.0.0.1:${await listenLocally(server)}`;
    expect(await failureOf(through({ url }, slow)("https://sso.bank.example"))).toMatch(late);
    await expect.poll(() => sockets.every((socket) => socket.destroyed || socket.readableEnded)).toBe(true);
  });
});

describe("a tunnel that breaks", () => {
  it.each(["auto", "never"] as const)(
    "fails a request that the server may have seen, with http2: %s",
    async (http2) => {
      let arrived = false;
      const onRequest = () => {
        arrived = true;
      };
      const peer = await startPeer(onRequest, { onRequest });
      const proxy = await startConnectProxy();
      const failed = failureOf(through(proxy, { http2 })(peer.origin));
      await expect.poll(() => arrived).toBe(true);
      await proxy.close();
      expect(await failed).toMatch(/^unreachable some /);
    },
  );

  it("during TLS fails its request before anything was sent", async () => {
    const onConnect = (socket: Socket) => {
      socket.write("HTTP/1.1 200 OK\r\n\r\n", () => socket.resetAndDestroy());
    };
    const proxy = await startProxy({ onConnect });
    expect(await failureOf(through(proxy)("https://sso.bank.example"))).toMatch(/^unreachable none /);
  });
});

describe("the environment", () => {
  const proxyTo = (url: string, env: Record<string, string>) => {
    const faults: string[] = [];
    const given = { HTTPS_PROXY: "http://egress.bank.example:3128", ...env };
    const proxyFor = proxyOfEnvironment(given, (fault) => faults.push(fault));
    return faults[0] ?? proxyFor?.(new URL(url));
  };

  it.each([
    ["http://egress.bank.example:3128", "http://egress.bank.example:3128", undefined],
    ["egress.bank.example:3128", "http://egress.bank.example:3128", undefined],
    ["https://Egress.bank.example/", "https://egress.bank.example", undefined],
    ["http://token-proxy:p%40ss%3Aw@[fd00::1]:3128", "http://[fd00::1]:3128", "token-proxy:p@ss:w"],
    ["http://token-proxy@10.0.0.1:3128", "http://10.0.0.1:3128", "token-proxy:"],
    ["http://a:100%@10.0.0.1:3128", "http://10.0.0.1:3128", "a:100%"],
  ])("may name a proxy as %s", (https_proxy, url, authorization) => {
    const proxy = proxyTo("https://sso.bank.example", { https_proxy }) as EgressProxy;
    expect([proxy.url, proxy.authorization?.reveal()]).toEqual([url, authorization]);
  });

  it.each(["socks5://user:secret@egress.bank.example:1080", "http://", "http://a b:1", ":3128"])(
    "with the proxy %s is a fault, which does not repeat it",
    (https_proxy) => {
      const fault = proxyTo("https://sso.bank.example", { https_proxy });
      expect(fault).toMatch(/^is true, but https_proxy in the environment is not the URL of a proxy/);
      expect(fault).not.toContain("secret");
    },
  );

  it.each([
    ["sso.bank.example", "https://sso.bank.example"],
    ["SSO.Bank.Example", "https://sso.bank.example:8443"],
    ["bank.example", "https://sso.bank.example"],
    [".bank.example", "https://sso.bank.example."],
    [" other.example , *.bank.example", "https://sso.bank.example"],
    ["other.example bank.example.", "https://sso.bank.example"],
    ["sso.bank.example:443", "https://sso.bank.example"],
    ["sso.bank.example:8443", "https://sso.bank.example:8443"],
    ["10.1.2.3", "https://10.1.2.3"],
    ["[fd00::1]", "https://[fd00::1]:8443"],
    ["[FD00::1]:8443", "https://[fd00::1]:8443"],
    ["*", "https://sso.bank.example"],
    ["*:8443", "https://sso.bank.example:8443"],
    ["", "https://localhost:8443"],
    ["", "https://127.0.0.2:8443"],
    ["", "https://[::1]:8443"],
    ["", "http://sso.bank.example"],
  ])("with no_proxy %j connects directly to %s", (no_proxy, url) => {
    expect(proxyTo(url, { no_proxy })).toBeUndefined();
    expect(proxyTo(url, { NO_PROXY: no_proxy })).toBeUndefined();
  });

  it.each([
    ["bank.example", "https://notbank.example"],
    ["sso.bank.example", "https://bank.example"],
    ["sso.bank.example:443", "https://sso.bank.example:8443"],
    ["*:8443", "https://sso.bank.example"],
    ["10.1.2.0/24", "https://10.1.2.3"],
    [",,", "https://sso.bank.example"],
  ])("with no_proxy %j uses the proxy to %s", (no_proxy, url) => {
    expect(proxyTo(url, { no_proxy })).toBeDefined();
  });
});
