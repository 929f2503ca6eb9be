// Token requests, discovery and session checks through squid and tinyproxy, by the started program.

import type { ServerHttp2Stream } from "node:http2";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { SECRETS, SERVER } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { answerWith, type Http2Peer, startHttp2Peer } from "../support/http2-peer.ts";
import { type Authority, makeAuthority, type TestCertificate } from "../support/keys.ts";
import { runCli } from "../support/process.ts";
import { hasSquid, hasTinyproxy, type RealProxy, startSquid, startTinyproxy, USER } from "./egress-proxy.ts";

const TOKEN = `{ "access_token" : "${"t".repeat(2_000)}", "token_type":"Bearer"}`;
const HOSTS = ["sso.bank.example", "ns-api.bank.example", "forbidden.bank.example"];
const PASSWORD = USER.split(":")[1] as string;

let authority: Authority;
let certificate: TestCertificate;
let client: TestCertificate;
let peer: Http2Peer;
let port: string;
/** The common names of client certificates, and the protocols. */
const seen: string[] = [];

beforeAll(async () => {
  authority = await makeAuthority();
  certificate = await authority.issue("peer", { ips: ["127.0.0.1"], dns: HOSTS });
  client = await authority.issue("token-proxy");
  const tls = { cert: certificate.certificate, key: certificate.private_key };
  peer = await startHttp2Peer(answer, {
    ...tls,
    requestCert: true,
    rejectUnauthorized: false,
    ca: authority.certificate,
  });
  port = new URL(peer.origin).port;
});
beforeEach(() => {
  seen.length = 0;
});
afterAll(() => peer?.close());

/** Plays the provider, with discovery, and the nextAuth Server. */
function answer(stream: ServerHttp2Stream, { headers }: { headers: Record<string, unknown> }): void {
  const path = String(headers[":path"]);
  const issuer = `https://${headers[":authority"]}`;
  seen.push(`${path} ${(stream.session?.socket as TLSSocket | undefined)?.getPeerCertificate().subject?.CN}`);
  if (path.startsWith("/.well-known/"))
    answerWith(JSON.stringify({ issuer, token_endpoint: `${issuer}/token` }))(stream);
  else if (path.startsWith("/servers/")) answerWith('{"loggedin":true,"userid":"alice","accountid":7}')(stream);
  else answerWith(TOKEN)(stream);
}

/** A file whose provider and nextAuth Server are the peer, under these hosts. */
function file(provider: object, nextauth: object, server: object = {}) {
  const tls = { ca: { env: "CA" } };
  return {
    version: 1,
    server: { ...SERVER, ...server },
    callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }] } },
    nextauth: { apikey: { env: "NEXTAUTH_APIKEY" }, tls, ...nextauth },
    providers: {
      main: {
        client_id: "token-proxy",
        token_endpoint_auth_method: "tls_client_auth",
        grant_type: "urn:example:user",
        params: { userid: "{{userid}}" },
        tls: { ...tls, certificate: { env: "CERT" }, private_key: { env: "KEY" } },
        ...provider,
      },
    },
  };
}

const secrets = () => ({
  APIKEY: SECRETS.APIKEY,
  NEXTAUTH_APIKEY: "apikey-of-nextauth",
  CA: authority.certificate,
  CERT: client.certificate,
  KEY: client.private_key,
});

async function withHost(text: object, env: Record<string, string>, use: (host: Host) => Promise<void>): Promise<void> {
  const host = await startHost(text, { ...secrets(), ...env }, { runtime: "node" });
  try {
    await use(host);
  } finally {
    await host.close();
  }
}

/** The first line of the log about this event. */
async function logged(host: Host, event: string): Promise<Record<string, unknown>> {
  const find = () => host.output().match(new RegExp(`^.*"event":"${event}".*$`, "m"));
  await expect.poll(find).not.toBeNull();
  return JSON.parse(String(find()));
}

describe.skipIf(!hasSquid)(hasSquid ? "squid" : "squid [skipped: it is not installed]", () => {
  let squid: RealProxy;
  beforeAll(async () => {
    squid = await startSquid(HOSTS, certificate);
  });
  afterAll(() => squid?.close());

  /** The environment's proxy, with the user's name and password. */
  const https_proxy = (user = USER) => `http://${user}@127.0.0.1:${squid.port}`;
  const inBank = (host = "sso") =>
    file({ issuer: `https://${host}.bank.example:${port}` }, { url: `https://ns-api.bank.example:${port}` });

  it("relays discovery, session check and token request over HTTP/2 with a client certificate", async () => {
    await withHost(inBank(), { https_proxy: https_proxy() }, async (host) => {
      const { status, text } = await callGetToken(host.url);
      expect([status, text]).toEqual([200, TOKEN]);
      expect(seen).toEqual(
        expect.arrayContaining([
          "/.well-known/openid-configuration token-proxy",
          "/servers/c2VydmVyLTE=/sessions/ undefined".replace("=", "%3D"),
          "/token token-proxy",
        ]),
      );
      const proxied = `ns-api.bank.example:${port} through 127.0.0.1:${squid.port}, sso.bank.example:${port} through 127.0.0.1:${squid.port}`;
      expect((await logged(host, "started")).egress_proxy).toBe(proxied);
      const page = await (await fetch(`${host.adminUrl}/`)).text();
      expect(page).toContain(proxied);
      expect(host.output() + page).not.toContain(PASSWORD);
    });
    const log = await squid.accessLog();
    expect(log).toMatch(new RegExp(`TCP_TUNNEL/200 \\d+ CONNECT sso.bank.example:${port} token-proxy`));
    expect(log).toMatch(new RegExp(`TCP_TUNNEL/200 \\d+ CONNECT ns-api.bank.example:${port} token-proxy`));
  });

  it("relays through its TLS port, whose authority is in NODE_EXTRA_CA_CERTS", async () => {
    const url = `https://127.0.0.1:${squid.tlsPort}`;
    const proxy = { url, authorization: { env: "EGRESS" } };
    const text = file(
      { token_endpoint: `https://sso.bank.example:${port}/token`, proxy },
      { url: `https://ns-api.bank.example:${port}`, proxy },
    );
    const NODE_EXTRA_CA_CERTS = await squid.write("authority.pem", authority.certificate);
    await withHost(text, { EGRESS: USER, NODE_EXTRA_CA_CERTS }, async (host) => {
      const { status, text } = await callGetToken(host.url);
      expect([status, text]).toEqual([200, TOKEN]);
    });
  });

  it.each([
    ["a wrong password", "sso", "token-proxy:wrong-password", "PROXY_407"],
    ["a host that it forbids", "forbidden", USER, "PROXY_403"],
  ])("refuses %s: proxy_refused", async (_what, name, user, cause) => {
    const text = file(
      { token_endpoint: `https://${name}.bank.example:${port}/token` },
      { url: `https://127.0.0.1:${port}` },
    );
    await withHost(text, { https_proxy: https_proxy(user) }, async (host) => {
      const response = await callGetToken(host.url);
      expect([response.status, response.json().error_code]).toEqual([502, "proxy_refused"]);
      expect(await logged(host, "call")).toMatchObject({ level: "error", error_code: "proxy_refused", cause });
    });
  });

  it("cannot reach a host: provider_unreachable", async () => {
    const text = file({ token_endpoint: "https://sso.bank.example:1/token" }, { url: `https://127.0.0.1:${port}` });
    await withHost(text, { HTTPS_PROXY: https_proxy() }, async (host) => {
      const response = await callGetToken(host.url);
      expect([response.status, response.json().error_code]).toEqual([502, "provider_unreachable"]);
      expect((await logged(host, "call")).cause).toBe("PROXY_503");
    });
  });

  it("is shown by check, which goes through it too", async () => {
    const path = await squid.write("token-proxy.yaml", JSON.stringify(inBank()));
    const { exit, stdout } = runCli(["check", "--config", path], { env: { ...secrets(), https_proxy: https_proxy() } });
    expect(await exit()).toBe(0);
    expect(stdout()).toMatch(
      new RegExp(`^egress proxy +sso.bank.example:${port} through 127.0.0.1:${squid.port}$`, "m"),
    );
    expect(stdout()).toContain(", discovered\n");
    expect(stdout()).not.toContain(PASSWORD);
  });

  it("is down: provider_unreachable", async () => {
    const own = await startSquid(HOSTS, certificate);
    await own.close();
    const text = file(
      { token_endpoint: `https://sso.bank.example:${port}/token` },
      { url: `https://127.0.0.1:${port}` },
    );
    await withHost(text, { https_proxy: `http://127.0.0.1:${own.port}` }, async (host) => {
      expect((await callGetToken(host.url)).json().error_code).toBe("provider_unreachable");
      expect((await logged(host, "call")).cause).toBe("PROXY_ECONNREFUSED");
    });
  });
});

describe.skipIf(!hasTinyproxy)(hasTinyproxy ? "tinyproxy" : "tinyproxy [skipped: it is not installed]", () => {
  let tinyproxy: RealProxy;
  beforeAll(async () => {
    tinyproxy = await startTinyproxy();
  });
  afterAll(() => tinyproxy?.close());
  /** The provider's proxy is tinyproxy; the nextAuth Server is on loopback, without one. */
  const through = (provider: object) => {
    const proxy = { url: `http://127.0.0.1:${tinyproxy.port}`, authorization: { env: "EGRESS" } };
    return file({ proxy, ...provider }, { url: `https://127.0.0.1:${port}` });
  };

  it("relays discovery and token request over HTTP/2 with a client certificate", async () => {
    await withHost(through({ issuer: `https://127.0.0.1:${port}` }), { EGRESS: USER }, async (host) => {
      const { status, text } = await callGetToken(host.url);
      expect([status, text]).toEqual([200, TOKEN]);
      expect(seen).toContain("/token token-proxy");
    });
    expect(await tinyproxy.accessLog()).toContain(`CONNECT 127.0.0.1:${port} HTTP/1.1`);
  });

  it.each([
    ["a wrong password", "127.0.0.1", "token-proxy:wrong-password", /^PROXY_40[17]$/],
    ["a host that it forbids", "forbidden.bank.example", USER, /^PROXY_403$/],
  ])("refuses %s: proxy_refused", async (_what, name, EGRESS, cause) => {
    const text = through({ token_endpoint: `https://${name}:${port}/token` });
    await withHost(text, { EGRESS }, async (host) => {
      const response = await callGetToken(host.url);
      expect([response.status, response.json().error_code]).toEqual([502, "proxy_refused"]);
      expect((await logged(host, "call")).cause).toMatch(cause);
    });
  });

  it("cannot reach a host: provider_unreachable", async () => {
    await withHost(through({ token_endpoint: "https://127.0.0.1:1/token" }), { EGRESS: USER }, async (host) => {
      expect((await callGetToken(host.url)).json().error_code).toBe("provider_unreachable");
      expect((await logged(host, "call")).cause).toMatch(/^PROXY_5\d\d$/);
    });
  });
});
