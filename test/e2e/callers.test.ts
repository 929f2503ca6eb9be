// Callers that prove who they are by a client certificate, by a key, or by both: TLS on Node, what Cloudflare verified on Workers.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, APIKEY, CALL, callGetToken, collectAnswer } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { expectError } from "../support/expect-error.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { type Authority, makeAuthority, makeSelfSigned, type TestCertificate } from "../support/keys.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { CF_HEADER } from "../support/workerd.ts";

const OTHER_APIKEY = "other-apikey-0123456789";

let provider: RecordingProvider;
let host: Host;
let folder: string;
/** By their names: certificates of the authority that the proxy knows, and of others. */
const certificates = new Map<string, TestCertificate>();
let authority: Authority;
let trust: string;

function fingerprint(name: string): string {
  return new X509Certificate(certificates.get(name)?.certificate as string).fingerprint256;
}

/** The callers of every runtime. Only Node knows certificates by name: Cloudflare gives a Worker no names. */
function callers(): object {
  return {
    "by-fingerprint": { client_certificates: [{ sha256: fingerprint("pinned") }], serverids: [CALL.serverid] },
    "by-both": { apikeys: [{ env: "APIKEY" }], client_certificates: [{ sha256: fingerprint("beside-a-key") }] },
    "by-key": { apikeys: [{ env: "OTHER_APIKEY" }] },
    ...(RUNTIME === "node" ? { "by-name": { client_certificates: [{ san_dns: "NS.bank.example" }] } } : {}),
  };
}

beforeAll(async () => {
  provider = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  authority = await makeAuthority();
  const stranger = await makeAuthority();
  certificates.set("server", await authority.issue("localhost", { ips: ["127.0.0.1"] }));
  for (const name of ["pinned", "beside-a-key", "unknown"]) certificates.set(name, await authority.issue(name));
  certificates.set("named", await authority.issue("any", { dns: ["other.example", "ns.bank.example"] }));
  certificates.set("named-in-subject", await authority.issue("ns.bank.example"));
  certificates.set("wildcard", await authority.issue("any", { dns: ["*.bank.example"] }));
  certificates.set("longer-name", await authority.issue("any", { dns: ["ns.bank.example.evil.example"] }));
  certificates.set("named-by-a-stranger", await stranger.issue("any", { dns: ["ns.bank.example"] }));
  certificates.set("expired", await authority.issue("any", { dns: ["ns.bank.example"], notAfter: new Date(0) }));
  certificates.set("self-signed", await makeSelfSigned("ns.bank.example"));
  trust = authority.certificate;

  for (const part of ["certificate", "private_key"] as const) {
    writeFileSync(join(folder, `${part}.pem`), certificates.get("server")?.[part] as string);
  }
  writeFileSync(join(folder, "ca.pem"), trust);
  const file = (name: string) => ({ file: join(folder, name) });
  const tls = { certificate: file("certificate.pem"), private_key: file("private_key.pem"), client_ca: file("ca.pem") };
  host = await startHost(
    fileConfig(provider.tokenEndpoint, {
      file: { callers: callers(), server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", tls } },
    }),
    { ...SECRETS, OTHER_APIKEY },
  );
});
beforeEach(() => {
  provider.requests.length = 0;
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
  await rm(folder, { recursive: true, force: true });
});

interface Presented {
  /** Which certificate; undefined for none. */
  certificate?: string;
  apikey?: string;
  serverid?: string;
  headers?: Record<string, string>;
}

/** On Node a connection with the certificate, on workerd what Cloudflare says of one that it has verified. */
function call({ certificate, apikey, serverid = CALL.serverid, headers = {} }: Presented): Promise<Answered> {
  const body = { ...CALL, serverid };
  const all = { "X-apikey": apikey, ...headers };
  if (RUNTIME === "node") return callByTls(certificate, all, body);
  const cf = certificate === undefined ? {} : { tlsClientAuth: cloudflare(certificate) };
  return callGetToken(host.url, { body, headers: { ...all, [CF_HEADER]: JSON.stringify(cf) } });
}

function cloudflare(certificate: string): Record<string, string> {
  const verified = !["named-by-a-stranger", "expired", "self-signed"].includes(certificate);
  return {
    certPresented: "1",
    certVerified: verified ? "SUCCESS" : "FAILED:unable to get local issuer certificate",
    certRevoked: "0",
    certFingerprintSHA256: fingerprint(certificate).replaceAll(":", "").toLowerCase(),
  };
}

function callByTls(
  certificate: string | undefined,
  headers: Record<string, string | undefined>,
  body: object,
  options: { session?: Buffer | undefined; agent?: Agent } = {},
): Promise<Answered & { session?: Buffer; reused: boolean; localPort: number | undefined }> {
  const { hostname, port } = new URL(host.url);
  const presented = certificate === undefined ? undefined : certificates.get(certificate);
  const given = Object.entries({ "Content-Type": "application/json", "X-nonce": "n", ...headers });
  return new Promise((resolve, reject) => {
    let ticket: Buffer | undefined;
    const outgoing = request(
      {
        hostname,
        port,
        path: "/getToken",
        method: "POST",
        headers: Object.fromEntries(given.filter((entry): entry is [string, string] => entry[1] !== undefined)),
        ca: trust,
        cert: presented?.certificate,
        key: presented?.private_key,
        agent: false,
        ...options,
      },
      (incoming) => {
        const { localPort } = incoming.socket;
        const reused = (incoming.socket as TLSSocket).isSessionReused();
        collectAnswer(incoming).then(
          (answer) => resolve({ ...answer, reused, localPort, ...(ticket && { session: ticket }) }),
          reject,
        );
      },
    );
    outgoing.on("socket", (socket) =>
      socket.on("session", (taken: Buffer) => {
        ticket = taken;
      }),
    );
    outgoing.on("error", reject);
    outgoing.end(JSON.stringify(body));
  });
}

async function expectRefused(presented: Presented): Promise<void> {
  expectError(await call(presented), "caller_unauthenticated");
  expect(provider.requests).toEqual([]);
}

describe(`a caller on ${RUNTIME}`, () => {
  it.each<[string, Presented]>([
    ["its certificate by fingerprint", { certificate: "pinned" }],
    ["its key and its certificate", { apikey: APIKEY, certificate: "beside-a-key" }],
    ["only its key", { apikey: OTHER_APIKEY }],
    ["its key, whatever certificate is there", { apikey: OTHER_APIKEY, certificate: "unknown" }],
    ["its key, even beside a stranger's certificate", { apikey: OTHER_APIKEY, certificate: "named-by-a-stranger" }],
  ])("is let in with %s", async (_what, presented) => {
    expect((await call(presented)).status).toBe(200);
  });

  it.each<[string, Presented]>([
    ["nothing", {}],
    ["a certificate that nobody has named", { certificate: "unknown" }],
    ["only the key where a certificate is needed too", { apikey: APIKEY }],
    ["a key that needs a certificate, and another caller's", { apikey: APIKEY, certificate: "pinned" }],
    ["only the certificate where a key is needed too", { certificate: "beside-a-key" }],
    ["a wrong key, which no certificate makes good", { apikey: `${APIKEY}x`, certificate: "pinned" }],
    ["a certificate of nobody's but its own", { certificate: "self-signed" }],
    ["a certificate that is over", { certificate: "expired" }],
  ])("is refused with %s", async (_what, presented) => {
    await expectRefused(presented);
  });

  it("is refused with a certificate in a header, whatever its name", async () => {
    const digest = fingerprint("pinned").replaceAll(":", "").toLowerCase();
    const pem = encodeURIComponent(certificates.get("pinned")?.certificate as string);
    await expectRefused({
      headers: {
        "Client-Cert": pem,
        "X-SSL-Client-Cert": pem,
        "X-Client-Cert-SHA256": digest,
        "X-SSL-Client-Verify": "SUCCESS",
      },
    });
  });

  it("may speak only for its own serverids", async () => {
    expectError(await call({ certificate: "pinned", serverid: "b3RoZXI=" }), "caller_not_allowed");
    expect(provider.requests).toEqual([]);
  });

  it("appears in the log by its name, not by its certificate", async () => {
    await call({ certificate: "pinned" });
    await expect.poll(() => host.output()).toContain('"caller":"by-fingerprint"');
    expect(host.output().toLowerCase()).not.toContain(fingerprint("pinned").replaceAll(":", "").toLowerCase());
  });
});

describe.runIf(RUNTIME === "node")("a certificate on node", () => {
  it("tells who calls by a DNS name of its subjectAltName", async () => {
    expect((await call({ certificate: "named" })).status).toBe(200);
  });

  it.each(["named-in-subject", "wildcard", "longer-name", "named-by-a-stranger"])(
    "does not tell who calls where it is %s",
    async (certificate) => {
      await expectRefused({ certificate });
    },
  );

  it("counts as much in a TLS session that is taken up again, and no more", async () => {
    const headers = { "X-apikey": undefined };
    const first = await callByTls("pinned", headers, CALL);
    const again = await callByTls("pinned", headers, CALL, { session: first.session });
    expect([first.status, first.reused, again.status, again.reused]).toEqual([200, false, 200, true]);
    const without = await callByTls(undefined, headers, CALL);
    expect(without.status).toBe(401);
    const withoutAgain = await callByTls(undefined, headers, CALL, { session: without.session });
    expect([withoutAgain.status, withoutAgain.reused]).toEqual([401, true]);
  });

  it("cannot be exchanged on an open connection (TLS 1.2 renegotiation)", async () => {
    const { hostname, port } = new URL(host.url);
    const { certificate: cert, private_key: key } = certificates.get("unknown") as TestCertificate;
    const socket = connect({ host: hostname, port: Number(port), ca: trust, cert, key, maxVersion: "TLSv1.2" });
    await once(socket, "secureConnect");
    expect(socket.getProtocol()).toBe("TLSv1.2");
    const refused = await new Promise((resolve) => {
      socket.once("error", resolve);
      socket.renegotiate({}, resolve);
    });
    expect(String(refused)).toMatch(/renegotiation/i);
    socket.destroy();
  });

  it("counts until it expires, on an open connection too", async () => {
    let first: Awaited<ReturnType<typeof callByTls>> | undefined;
    // On a busy machine a short life may be over before the first call.
    for (const lifetime of [2_000, 20_000]) {
      const notAfter = new Date(Date.now() + lifetime);
      certificates.set("short-lived", await authority.issue("any", { dns: ["ns.bank.example"], notAfter }));
      const agent = new Agent({ keepAlive: true, maxSockets: 1 });
      first = await callByTls("short-lived", {}, CALL, { agent });
      if (first.status === 200) {
        await new Promise((done) => setTimeout(done, notAfter.getTime() + 1_000 - Date.now()));
        const again = await callByTls("short-lived", {}, CALL, { agent });
        expect([again.status, again.localPort]).toEqual([401, first.localPort]);
        agent.destroy();
        break;
      }
      agent.destroy();
    }
    expect(first?.status).toBe(200);
  }, 60_000);

  it("is of no use over plain HTTP, which is not answered", async () => {
    await expect(callGetToken(host.url.replace("https:", "http:"))).rejects.toThrow();
  });
});

describe.runIf(RUNTIME === "workerd")("what Cloudflare says on workerd", () => {
  it.each<[string, object]>([
    ["revoked", { certRevoked: "1" }],
    ["not presented", { certPresented: "0" }],
    ["not verified", { certVerified: "NONE" }],
  ])("does not count where the certificate is %s", async (_what, changes) => {
    const tlsClientAuth = { ...cloudflare("pinned"), ...changes };
    const headers = { "X-apikey": undefined, [CF_HEADER]: JSON.stringify({ tlsClientAuth }) };
    expectError(await callGetToken(host.url, { headers }), "caller_unauthenticated");
  });
});
