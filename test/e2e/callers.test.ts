// A client certificate, a key or both identify a caller: by TLS on Node, by what Cloudflare has
// verified on Workers.

import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, APIKEY, CALL, callGetToken, collectAnswer } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { expectError } from "../support/expect-error.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { makeAuthority, makeSelfSigned, type TestCertificate } from "../support/keys.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { CF_HEADER } from "../support/workerd.ts";

const OTHER_APIKEY = "other-apikey-0123456789";

let provider: RecordingProvider;
let host: Host;
const folder = temporaryFolder();
/** By name: certificates of the authority that the proxy trusts, and others. */
const certificates = new Map<string, TestCertificate>();
let trust: string;

/** SHA-256 as the file has it. */
function digest(name: string): string {
  const { fingerprint256 } = new X509Certificate(certificates.get(name)?.certificate as string);
  return fingerprint256.replaceAll(":", "").toLowerCase();
}

/** Cloudflare tells a Worker no names of certificates. */
function callers(): object {
  return {
    "by-fingerprint": { client_certificates: [{ sha256: digest("pinned") }], serverids: [CALL.serverid] },
    "by-both": { apikeys: [{ env: "APIKEY" }], client_certificates: [{ sha256: digest("beside-a-key") }] },
    "by-key": { apikeys: [{ env: "OTHER_APIKEY" }] },
    ...(RUNTIME === "node" ? { "by-name": { client_certificates: [{ san_dns: "NS.bank.example" }] } } : {}),
  };
}

beforeAll(async () => {
  provider = await startRecordingProvider();
  const authority = await makeAuthority();
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
});

interface Presented {
  certificate?: string;
  apikey?: string;
  serverid?: string;
  headers?: Record<string, string>;
}

/** On Node a TLS connection with the certificate; for a Worker what Cloudflare says about one. */
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
    certFingerprintSHA256: digest(certificate),
  };
}

/** @param session of an earlier connection, to resume */
function callByTls(
  certificate: string | undefined,
  headers: Record<string, string | undefined>,
  body: object,
  session?: Buffer,
): Promise<Answered & { session?: Buffer; reused: boolean }> {
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
        ...(session && { session }),
      },
      (incoming) => {
        const reused = (incoming.socket as TLSSocket).isSessionReused();
        collectAnswer(incoming).then(
          (answer) => resolve({ ...answer, reused, ...(ticket && { session: ticket }) }),
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

describe("a caller is accepted", () => {
  it.each<[string, Presented]>([
    ["its certificate by fingerprint", { certificate: "pinned" }],
    ["its key and its certificate", { apikey: APIKEY, certificate: "beside-a-key" }],
    ["only its key", { apikey: OTHER_APIKEY }],
    ["its key, even beside a stranger's certificate", { apikey: OTHER_APIKEY, certificate: "named-by-a-stranger" }],
  ])("with %s", async (_, presented) => {
    expect((await call(presented)).status).toBe(200);
  });

  it.runIf(RUNTIME === "node")("with a DNS name in the subjectAltName of its certificate", async () => {
    expect((await call({ certificate: "named" })).status).toBe(200);
  });

  it("and is logged by its name, not by its certificate", async () => {
    await call({ certificate: "pinned" });
    await expect.poll(() => host.output()).toContain('"caller":"by-fingerprint"');
    expect(host.output().toLowerCase()).not.toContain(digest("pinned"));
  });
});

describe("a caller is refused", () => {
  const pem = () => encodeURIComponent(certificates.get("pinned")?.certificate as string);

  it.each<[string, Presented]>([
    ["nothing", {}],
    ["a certificate that the file does not have", { certificate: "unknown" }],
    ["only the key of a caller with both", { apikey: APIKEY }],
    ["a key and another caller's certificate", { apikey: APIKEY, certificate: "pinned" }],
    ["only the certificate of a caller with both", { certificate: "beside-a-key" }],
    ["a self-signed certificate", { certificate: "self-signed" }],
    ["a certificate that has expired", { certificate: "expired" }],
    ["the caller's name only in the subject of a certificate", { certificate: "named-in-subject" }],
    ["a wildcard", { certificate: "wildcard" }],
    ["a name that only begins with the caller's", { certificate: "longer-name" }],
    ["the caller's name in a certificate of another authority", { certificate: "named-by-a-stranger" }],
  ])("with %s", async (_, presented) => {
    await expectRefused(presented);
  });

  it("with a certificate in a header", async () => {
    const names = { "Client-Cert": pem(), "X-SSL-Client-Cert": pem(), "X-SSL-Client-Verify": "SUCCESS" };
    await expectRefused({ headers: { ...names, "X-Client-Cert-SHA256": digest("pinned") } });
  });
});

describe.runIf(RUNTIME === "node")("a TLS connection", () => {
  it("that resumes a session has the certificate of that session, or none", async () => {
    const first = await callByTls("pinned", {}, CALL);
    const again = await callByTls("pinned", {}, CALL, first.session);
    expect([first.status, first.reused, again.status, again.reused]).toEqual([200, false, 200, true]);
    const without = await callByTls(undefined, {}, CALL);
    const withoutAgain = await callByTls(undefined, {}, CALL, without.session);
    expect([without.status, withoutAgain.status, withoutAgain.reused]).toEqual([401, 401, true]);
  });

  it("cannot change its certificate by renegotiation (TLS 1.2)", async () => {
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

  it("is required: plain HTTP gets no answer", async () => {
    await expect(callGetToken(host.url.replace("https:", "http:"))).rejects.toThrow();
  });
});
