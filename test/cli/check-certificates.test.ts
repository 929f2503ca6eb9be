// What `check` prints about certificates: pins as openssl computes them, and warnings in time.

import { execFileSync, spawnSync } from "node:child_process";
import { hash, X509Certificate } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createServer } from "node:tls";
import { describe, expect, it, onTestFinished } from "vitest";
import { adviseOnSilence } from "../../src/cli/check-certificates.ts";
import type { ProxyFor } from "../../src/core/transport.ts";
import { fileConfig } from "../support/config.ts";
import { makeAuthority, makeKey, makeSelfSigned, type TestCertificate } from "../support/keys.ts";
import { listenLocally } from "../support/port.ts";
import { json, startRecordingProvider } from "../support/recording-provider.ts";
import { useCheck } from "./use-check.ts";

const DAY_MS = 86_400_000;
const OPENSSL = "openssl";
const hasOpenssl = spawnSync(OPENSSL, ["version"]).status === 0;

const { folder, check } = useCheck();

describe("the advice about a request without an answer", () => {
  /** A TLS server, how many connections it got, and the advice about a request to it. */
  async function setUp() {
    const pair = await makeSelfSigned("127.0.0.1");
    let connections = 0;
    const server = createServer({ cert: pair.certificate, key: pair.private_key });
    server.on("connection", () => {
      connections += 1;
    });
    const url = `https://127.0.0.1:${await listenLocally(server)}`;
    onTestFinished(() => void server.close());
    const advise = (code: string, proxyFor?: ProxyFor) => adviseOnSilence(url, code, "nextauth.url", proxyFor);
    return { advise, connections: () => connections };
  }

  it("makes no connection past an egress proxy", async () => {
    const { advise, connections } = await setUp();
    const text = await advise("UNABLE_TO_VERIFY_LEAF_SIGNATURE", () => ({ url: "http://egress.example:3128" }));
    expect(text).toMatch(/^the egress proxy http:\/\/egress\.example:3128 is in between: .*127\.0\.0\.1\?.*tls\.ca\?$/);
    expect(connections()).toBe(0);
  });

  it.each([
    ["ECONNREFUSED", /^nothing listens on 127\.0\.0\.1:\d+: is it running, and is the port right \(nextauth\.url\)\?$/],
    ["ENOTFOUND", /^the host 127\.0\.0\.1 does not exist: correct nextauth\.url$/],
    ["UND_ERR_CONNECT_TIMEOUT", /^does 127\.0\.0\.1 \(nextauth\.url\) answer slowly, or is a firewall in between\?$/],
    ["session_check_timeout", /firewall/],
    ["EHOSTUNREACH", /^is the host 127\.0\.0\.1 right \(nextauth\.url\), and does the network let us reach it\?$/],
  ])("says what %s means", async (code, expected) => {
    const { advise, connections } = await setUp();
    expect(await advise(code)).toMatch(expected);
    expect(connections()).toBe(0);
  });

  it("names the usual port if the URL has none", async () => {
    expect(await adviseOnSilence("https://[::1]/", "ECONNREFUSED", "issuer")).toContain(" on [::1]:443: ");
    expect(await adviseOnSilence("http://localhost/", "ECONNREFUSED", "issuer")).toContain(" on localhost:80: ");
  });

  it.each([
    ["UND_ERR_SOCKET", "closed the connection"],
    ["ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED", "refuses our TLS"],
  ])("names the client certificate if the server ends the connection (%s)", async (code, what) => {
    const { advise } = await setUp();
    expect(await advise(code)).toMatch(new RegExp(`^127\\.0\\.0\\.1 ${what}: .*tls\\.certificate`));
  });
});

const ENDPOINT = "http://127.0.0.1:1/token";
const TLS = { certificate: { env: "CERTIFICATE" }, private_key: { env: "PRIVATE_KEY" } };

const checkServer = ({ certificate, private_key }: TestCertificate) =>
  check(fileConfig(ENDPOINT, { file: { server: { tls: TLS } } }), [], {
    CERTIFICATE: certificate,
    PRIVATE_KEY: private_key,
  });

const inDays = (days: number) => new Date(Date.now() + days * DAY_MS + 3_600_000);

/** The commands of every guide to pinning. */
function opensslPin(certificate: string): string {
  const pem = execFileSync(OPENSSL, ["x509", "-pubkey", "-noout"], { input: certificate });
  const der = execFileSync(OPENSSL, ["pkey", "-pubin", "-outform", "der"], { input: pem });
  const digest = execFileSync(OPENSSL, ["dgst", "-sha256", "-binary"], { input: der });
  return `sha256/${digest.toString("base64")}`;
}

async function opensslCertificate(): Promise<TestCertificate> {
  const files = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "certificate.pem")];
  const subject = ["-subj", "/C=NL/O=Bank, N.V./CN=tokens.bank.example", "-days", "400"];
  execFileSync(OPENSSL, ["req", "-x509", "-nodes", "-newkey", "ed25519", ...subject, ...files], { stdio: "ignore" });
  return {
    certificate: await readFile(join(folder, "certificate.pem"), "utf8"),
    private_key: await readFile(join(folder, "key.pem"), "utf8"),
  };
}

describe("the certificate of server.tls", () => {
  it.skipIf(!hasOpenssl)("is described with its subject, its end and the pin that openssl computes", async () => {
    const pair = await opensslCertificate();
    const { status, out } = await checkServer(pair);
    expect(status).toBe(0);
    expect(out).toMatch(
      /^ {2}certificate +C=NL, O=Bank\\, N\.V\., CN=tokens\.bank\.example, until \w{3} .+ GMT \((399|400) days left\)$/m,
    );
    expect(/^ {2}pin +(\S+)$/m.exec(out)?.[1]).toBe(opensslPin(pair.certificate));
    expect(out).not.toContain("warning");
    expect(out).not.toContain(pair.private_key.split("\n")[1]);
  });

  it.skipIf(!hasOpenssl)("is described with its chain, each certificate with its pin", async () => {
    const authority = await makeAuthority();
    const leaf = await authority.issue("tokens.bank.example", { notAfter: inDays(90) });
    const { out } = await checkServer({ ...leaf, certificate: `${leaf.certificate}\n${authority.certificate}\n` });
    const lines = out.split("\n").slice(2, 7);
    expect(lines[0]).toMatch(/^ {2}certificate +CN=tokens\.bank\.example, until .+ \(90 days left\)$/);
    expect(lines[1]).toMatch(/^ {2}pin +sha256\/[A-Za-z0-9+/]{43}=$/);
    expect(lines[2]).toMatch(/^ {2}issued by +CN=Test authority, until .+ \(\d+ days left\)$/);
    expect(lines.filter((line) => line.includes("  pin")).map((line) => line.split(/ +/)[2])).toEqual([
      opensslPin(leaf.certificate),
      opensslPin(authority.certificate),
    ]);
    // The authority is valid for a day.
    expect(lines[4]).toMatch(/^ {2}warning +it expires in less than 30 days: renew it$/);
  });

  it.each([
    [29, true],
    [30, false],
  ])("that expires in %d days is warned of: %s", async (days, warned) => {
    const { status, out } = await checkServer(await makeSelfSigned("proxy", { notAfter: inDays(days) }));
    expect(status).toBe(0);
    expect(out).toContain(`(${days} days left)`);
    expect(out.includes("it expires in less than 30 days: renew it; if the key changes, first give its pin")).toBe(
      warned,
    );
  });

  it("may have an expired one in its chain, which is warned of", async () => {
    const [leaf, old] = [
      await makeSelfSigned("proxy", { notAfter: inDays(90) }),
      await makeSelfSigned("old root", { notAfter: new Date("2021-09-30") }),
    ];
    const { status, out } = await checkServer({ ...leaf, certificate: `${leaf.certificate}\n${old.certificate}` });
    expect(status).toBe(0);
    expect(out).toMatch(
      /CN=old root, until Sep 30 .+ 2021 GMT \(-\d+ days left\)\n.+\n {2}warning +it has expired: renew it\n/,
    );
  });
});

describe("server.tls.pins", () => {
  const pinOf = ({ certificate }: TestCertificate) => {
    const key = new X509Certificate(certificate).publicKey.export({ type: "spki", format: "der" });
    return `sha256/${hash("sha256", key, "base64")}`;
  };
  const checkPins = async (served: TestCertificate, pins: string[], args: string[] = []) => {
    const file = fileConfig(ENDPOINT, { file: { server: { tls: { ...TLS, pins } } } });
    return check(file, args, { CERTIFICATE: served.certificate, PRIVATE_KEY: served.private_key });
  };

  it("without a backup are warned of, and a certificate with the key of no pin is a fault", async () => {
    const [served, backup] = (await Promise.all(
      ["served", "backup"].map((name) => makeSelfSigned(name, { notAfter: inDays(90) })),
    )) as [TestCertificate, TestCertificate];
    const both = await checkPins(served, [pinOf(backup), pinOf(served)]);
    expect([both.status, both.out.includes("warning")]).toEqual([0, false]);
    expect((await checkPins(served, [pinOf(served), pinOf(served)])).out).toMatch(
      / {2}warning +server\.tls\.pins has no backup: if this key is lost, the apps cannot connect: make a second key/,
    );
    const renewed = await checkPins(served, [pinOf(backup)]);
    expect(renewed).toMatchObject({ status: 2, out: "", err: expect.stringContaining(pinOf(served)) });
  });

  it("can get the pin of a key in a file: of its certificate, its private and its public key", async () => {
    const backup = await makeSelfSigned("backup");
    const { publicKey } = new X509Certificate(backup.certificate);
    const public_key = publicKey.export({ type: "spki", format: "pem" }) as string;
    const path = join(folder, "backup.pem");
    for (const pem of [...Object.values(backup), public_key]) {
      await writeFile(path, pem);
      const { out } = await check(fileConfig(ENDPOINT), ["--pin", path]);
      expect(out).toContain(`pin               ${pinOf(backup)} of ${path}\n`);
    }
    await writeFile(path, "no key");
    expect(await check(fileConfig(ENDPOINT), ["--pin", path])).toMatchObject({
      status: 2,
      err: `cannot read ${path}, or it has no certificate or key in PEM: correct --pin\n`,
    });
  });
});

it("the client certificate for a provider is described with its end", async () => {
  const { certificate, private_key } = await makeSelfSigned("token-proxy", { notAfter: inDays(12) });
  const changes = { token_endpoint_auth_method: "tls_client_auth", client_secret: undefined, tls: TLS };
  const { status, out } = await check(fileConfig("https://idp.example/token", { provider: changes }), [], {
    CERTIFICATE: certificate,
    PRIVATE_KEY: private_key,
  });
  expect(status).toBe(0);
  expect(out).toMatch(
    / {2}certificate +CN=token-proxy, until .+ \(12 days left\)\n {2}warning +it expires in less than 30/,
  );
});

it("our published keys are compared by thumbprint, next to keys of others that we cannot read", async () => {
  const server = await startRecordingProvider();
  try {
    const { pem, jwk } = await makeKey("ES256");
    const issuer = new URL(server.tokenEndpoint).origin;
    const signing = { issuer, keys: [{ kid: "ours", alg: "ES256", private_key: { env: "KEY" } }] };
    const warnings = async (keys: unknown) => {
      server.answer = json({ keys });
      const { out } = await check(fileConfig(ENDPOINT, { file: { signing } }), [], { KEY: pem });
      return out.split("\n").filter((line) => line.includes("jwks.json"));
    };
    const { d: _, ...published } = jwk;
    expect(await warnings([{ kty: "of others" }, null, published])).toEqual([]);
    for (const lacking of [[{ kty: "of others" }], "text", null]) {
      expect(await warnings(lacking)).toEqual([
        expect.stringMatching(/lacks keys of signing\.keys: ours: does the proxy there run another file\?/),
      ]);
    }
  } finally {
    await server.close();
  }
});
