// Certificates and keys that cannot be served or shown: one line for each, at the start, at check and at a reload.

import "reflect-metadata"; // @peculiar/x509 asks for it
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { X509CertificateGenerator } from "@peculiar/x509";
import { exportPKCS8 } from "jose";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { makeAuthority, makeKey, makeSelfSigned, type TestCertificate } from "../support/keys.ts";
import { type Run, runCli } from "../support/process.ts";

const DAY_MS = 86_400_000;
const ENDPOINT = "http://127.0.0.1:1/token";
const SERVER = { listen: "127.0.0.1:0", admin: "127.0.0.1:0" };

let folder: string;
const runs: Run[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-tls-faults-"));
});
afterEach(() => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (file: object) => writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));

function run(command: "start" | "check"): Run {
  const started = runCli([command], { cwd: folder, env: SECRETS });
  runs.push(started);
  return started;
}

const TLS = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" } };

async function writePair({ certificate, private_key }: TestCertificate): Promise<void> {
  await writeFile(join(folder, "certificate.pem"), certificate);
  await writeFile(join(folder, "key.pem"), private_key);
}

/** makeSelfSigned has no date to begin. */
async function makeFuture(): Promise<TestCertificate> {
  const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
  const keys = await crypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    name: "CN=future",
    keys,
    signingAlgorithm: algorithm,
    notBefore: new Date(Date.now() + DAY_MS),
    notAfter: new Date(Date.now() + 2 * DAY_MS),
  });
  return { certificate: certificate.toString("pem"), private_key: await exportPKCS8(keys.privateKey) };
}

type Fault = [what: string, make: () => Promise<TestCertificate>, path: string, message: RegExp];

const FAULTS: Fault[] = [
  [
    "of another key",
    async () => ({ ...(await makeSelfSigned("a")), private_key: (await makeSelfSigned("b")).private_key }),
    "",
    /^has a private_key that does not belong to its certificate: give those of one pair/,
  ],
  [
    "of another kind than its key", // what OpenSSL takes, until the first handshake
    async () => ({ ...(await makeSelfSigned("a")), private_key: (await makeKey("RS256")).pem }),
    "",
    /^has a private_key that does not belong to its certificate: give those of one pair/,
  ],
  [
    "behind that of its authority",
    async () => {
      const authority = await makeAuthority();
      const issued = await authority.issue("proxy");
      return { ...issued, certificate: `${authority.certificate}\n${issued.certificate}` };
    },
    "",
    /^has a private_key that does not belong to its certificate: .* a chain beginning with the certificate of the key$/,
  ],
  [
    "that expired",
    () => makeSelfSigned("old", { notAfter: new Date("2020-01-02T03:04:05Z") }),
    ".certificate",
    /^is a certificate that expired on Jan {2}2 03:04:05 2020 GMT: put a new one in its place$/,
  ],
  [
    "that is not valid yet",
    makeFuture,
    ".certificate",
    /^is a certificate that is valid only from \w{3} .+ GMT: wait, or correct the clock of this machine$/,
  ],
  [
    "that is none",
    async () => ({ ...(await makeSelfSigned("a")), certificate: "hello" }),
    "",
    /^has a certificate that is not proper PEM \(\w+\)$/,
  ],
];

const overTls = () => fileConfig(ENDPOINT, { file: { server: { ...SERVER, tls: TLS } } });
const towardsProvider = () =>
  fileConfig(ENDPOINT, {
    provider: { token_endpoint_auth_method: "tls_client_auth", client_secret: undefined, tls: TLS },
  });

describe.each([
  ["server.tls", overTls],
  ["providers.main.tls", towardsProvider],
] as const)("a certificate under %s", (place, file) => {
  it.each(FAULTS)("%s stops start and check", async (_, make, path, message) => {
    await writePair(await make());
    for (const command of ["start", "check"] as const) {
      await write(file());
      const ended = run(command);
      expect(await ended.exit()).toBe(2);
      expect(ended.stdout()).toBe("");
      const [line, count, end] = ended.stderr().split("\n");
      expect([count, end]).toEqual(["1 fault in the configuration", ""]);
      const [, where, fault] = /^token-proxy\.yaml:1:\d+ "([^"]+)" (.*)$/.exec(line as string) ?? [];
      expect(where).toBe(`${place}${path}`);
      expect(fault).toMatch(message);
    }
  });
});

describe("a reload with a certificate", () => {
  it("at fault is refused, and the old one is still served", async () => {
    const good = await makeSelfSigned("the first");
    await writePair(good);
    await write(overTls());
    const started = run("start");
    const [, port] = await started.said(/"listen":"https:\/\/127\.0\.0\.1:(\d+)"/);
    let told = 0;
    for (const [what, make, path, message] of FAULTS) {
      await writePair(await make());
      started.process.kill("SIGHUP");
      const count = ++told;
      await expect.poll(() => reasons(started).length, { timeout: 5_000, message: what }).toBe(count);
      const reason = reasons(started).at(-1) as string;
      expect(reason.split("\n")).toHaveLength(1);
      const [, place, fault] = /^\S+ "([^"]+)" (.*)$/.exec(reason) ?? [];
      expect(place).toBe(`server.tls${path}`);
      expect(fault).toMatch(message);
      expect(await servedName(Number(port))).toBe("the first");
    }
    await writePair(await makeSelfSigned("the second"));
    started.process.kill("SIGHUP");
    await started.said(/"event":"reloaded"/);
    expect(await servedName(Number(port))).toBe("the second");
  });
});

function reasons(started: Run): string[] {
  const lines = started.stdout().split("\n").slice(0, -1);
  const events = lines.map((line) => JSON.parse(line) as { event: string; reason?: string });
  return events.filter(({ event }) => event.startsWith("not reloaded")).map(({ reason }) => reason ?? "");
}

async function servedName(port: number): Promise<string | undefined> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { subject } = socket.getPeerCertificate();
  socket.destroy();
  return String(subject.CN);
}
