// Secrets come from environment variables or files; OpenSSL checks what TLS uses.

import { generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { SecretError } from "../../src/config/credentials.ts";
import { Secret, type SecretReference } from "../../src/core/secret.ts";
import type { TlsCredentials } from "../../src/core/transport.ts";
import { createNodeCredentialHost } from "../../src/node/credentials.ts";
import { thrownBy } from "../support/fakes.ts";
import { makeAuthority, makeSelfSigned } from "../support/keys.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "secrets-"));
  await mkdir(join(folder, "keys"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const reader = (env: NodeJS.ProcessEnv, from: string) => createNodeCredentialHost(env, from).read;
const read = (file: string) => reader({}, folder)({ file });

async function messageFor(run: () => unknown): Promise<string> {
  const error = await thrownBy(run);
  expect(error).toBeInstanceOf(SecretError);
  return (error as Error).message;
}

describe("an environment variable", () => {
  const readEnv = reader({ KEY: "from the environment\n", EMPTY: "" }, "/nowhere");

  it("is used unchanged", async () => {
    expect(await readEnv({ env: "KEY" })).toBe("from the environment\n");
    expect(await readEnv({ env: "EMPTY" })).toBe("");
  });

  it("that is not set is named in the error", async () => {
    expect(await messageFor(() => readEnv({ env: "MISSING" }))).toBe(
      "names the environment variable MISSING, which is not set: set it, or put it into a file for --env-file",
    );
  });

  it.each(["toString", "constructor", "hasOwnProperty"])("is not an inherited property: %s", async (name) => {
    const readProcess = reader(process.env, "/nowhere");
    expect(await messageFor(() => readProcess({ env: name }))).toBe(
      `names the environment variable ${name}, which is not set: set it, or put it into a file for --env-file`,
    );
  });
});

describe("a file", () => {
  it.each([
    ["no line break at its end", "secret", "secret"],
    ["one line break", "secret\n", "secret"],
    ["one line break of Windows", "secret\r\n", "secret"],
    ["two line breaks, of which one is taken off", "secret\n\n", "secret\n"],
    ["only a line break", "\n", ""],
    ["spaces around", " secret ", " secret "],
    ["a line break within", "first\nsecond\n", "first\nsecond"],
    ["text that is not ASCII", "sécret\n", "sécret"],
  ])("may have %s", async (_, content, secret) => {
    await writeFile(join(folder, "secret"), content);
    expect(await read("secret")).toBe(secret);
  });

  it("is relative to the folder of the configuration file", async () => {
    await writeFile(join(folder, "keys", "key"), "nested");
    expect(await read("keys/key")).toBe("nested");
    expect(await read("./keys/../keys/key")).toBe("nested");
  });

  it("may have an absolute path", async () => {
    await writeFile(join(folder, "absolute"), "absolute");
    expect(await reader({}, "/nowhere")({ file: join(folder, "absolute") })).toBe("absolute");
  });

  it("that cannot be read is named with the reason", async () => {
    expect(await messageFor(() => read("missing"))).toBe(
      "names a file that cannot be read (ENOENT): missing: there is no such file",
    );
    expect(await messageFor(() => read("keys"))).toBe(
      "names a file that cannot be read (EISDIR): keys: it is a folder, so name a file in it",
    );
  });

  it("of up to 65536 bytes is read, and one of more is refused", async () => {
    await writeFile(join(folder, "large"), "x".repeat(65_536));
    expect(await read("large")).toHaveLength(65_536);
    await writeFile(join(folder, "large"), "x".repeat(65_537));
    expect(await messageFor(() => read("large"))).toBe("names a file of more than 65536 bytes: large");
  });

  it("that is not UTF-8 is refused, because decoding would change the secret", async () => {
    await writeFile(join(folder, "latin1"), Buffer.from("s\xe9cret", "latin1"));
    expect(await messageFor(() => read("latin1"))).toBe("names a file that is not UTF-8: latin1");
  });

  it("with a byte order mark is read without it", async () => {
    await writeFile(join(folder, "bom"), "\ufeffsecret\r\n");
    expect(await read("bom")).toBe("secret");
  });
});

const DAY_MS = 86_400_000;
const AUTHORITY = await makeAuthority();
const CLIENT = await AUTHORITY.issue("client");
const OTHER = await makeSelfSigned("other");
const EXPIRED = await makeSelfSigned("expired", { notAfter: new Date(Date.now() - DAY_MS) });

function encrypted(type: "pkcs8" | "pkcs1"): string {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return privateKey.export({ type, format: "pem", cipher: "aes-256-cbc", passphrase: "x" }).toString();
}

const BOTH = `${CLIENT.certificate}\n${CLIENT.private_key}`;
const RSA_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 })
  .privateKey.export({ type: "pkcs8", format: "pem" })
  .toString();

/** Without the second of its lines. */
const damaged = (pem: string) => pem.split("\n").toSpliced(1, 1).join("\n");

describe("TLS credentials", () => {
  const { tlsFault } = createNodeCredentialHost({}, "/nowhere");
  const secrets = (texts: Record<string, string>) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, new Secret(text)])) as TlsCredentials;

  it.each([
    ["certificate and key", { certificate: CLIENT.certificate, private_key: CLIENT.private_key }],
    ["a chain", { certificate: `${CLIENT.certificate}\n${AUTHORITY.certificate}`, private_key: CLIENT.private_key }],
    ["only a CA", { ca: AUTHORITY.certificate }],
    ["certificate and key in one file", { certificate: BOTH, private_key: BOTH }],
    [
      "an expired certificate, which is checked elsewhere",
      { certificate: EXPIRED.certificate, private_key: EXPIRED.private_key },
    ],
    ["nothing", {}],
  ])("of %s are accepted", (_, texts) => {
    expect(tlsFault(secrets(texts), "ca")).toBeUndefined();
  });

  it.each<[string, Record<string, string>, string | RegExp]>([
    [
      "a key of another certificate",
      { certificate: CLIENT.certificate, private_key: OTHER.private_key },
      "has a private_key that does not match its certificate: use a matching pair, and put the key's certificate first in a chain",
    ],
    [
      "a chain in the wrong order",
      { certificate: `${AUTHORITY.certificate}\n${CLIENT.certificate}`, private_key: CLIENT.private_key },
      /^has a private_key that does not match its certificate: /,
    ],
    [
      "an encrypted key",
      { certificate: CLIENT.certificate, private_key: encrypted("pkcs8") },
      'has a private_key that is encrypted: decrypt it with "openssl pkey -in FILE -out FILE"',
    ],
    [
      "an encrypted key in the old form",
      { certificate: CLIENT.certificate, private_key: encrypted("pkcs1") },
      'has a private_key that is encrypted: decrypt it with "openssl pkey -in FILE -out FILE"',
    ],
    [
      "a key that is not PEM",
      { certificate: CLIENT.certificate, private_key: "Zq7xWv4kPj" },
      /^has a private_key that is not proper PEM \([A-Z0-9_]+\)$/,
    ],
    [
      "a certificate that is not PEM",
      { certificate: "Zq7xWv4kPj", private_key: CLIENT.private_key },
      /^has a certificate that is not proper PEM \([A-Z0-9_]+\)$/,
    ],
    [
      "a CA that is damaged",
      { certificate: CLIENT.certificate, private_key: CLIENT.private_key, ca: damaged(AUTHORITY.certificate) },
      /^has a ca that is (?:not proper PEM \([A-Z0-9_]+\)|not a PEM certificate)$/,
    ],
    ["a CA that is not PEM", { ca: "Zq7xWv4kPj" }, "has a ca that is not a PEM certificate"],
    [
      "a key of another kind than the certificate's",
      { certificate: CLIENT.certificate, private_key: RSA_KEY },
      /^has a private_key that does not match its certificate: /,
    ],
  ])("with %s are refused", (_, texts, message) => {
    expect(tlsFault(secrets(texts), "ca")).toEqual(
      typeof message === "string" ? message : expect.stringMatching(message),
    );
  });

  it("are named as in the file", () => {
    expect(tlsFault(secrets({ ca: "Zq7xWv4kPj" }), "client_ca")).toBe("has a client_ca that is not a PEM certificate");
  });

  it("cannot be a binding, which only Workers have", () => {
    expect(tlsFault({ binding: "MTLS" }, "ca")).toBe(
      "has a binding, which only Workers have: use certificate and private_key",
    );
  });
});

describe("a certificate", () => {
  const { certificateFault } = createNodeCredentialHost({}, "/nowhere");

  it("that is valid now is accepted", () => {
    expect(certificateFault(CLIENT.certificate)).toBeUndefined();
  });

  it("that has expired is refused with the date", () => {
    expect(certificateFault(EXPIRED.certificate)).toMatch(
      /^is a certificate that expired on \w{3} .* GMT: replace it$/,
    );
  });

  it("that is not yet valid is refused with the date", () => {
    vi.useFakeTimers({ now: Date.now() - 2 * DAY_MS, toFake: ["Date"] });
    expect(certificateFault(CLIENT.certificate)).toMatch(
      /^is a certificate that is valid only from \w{3} .* GMT: wait, or correct the clock of this machine$/,
    );
    vi.useRealTimers();
  });
});

describe("a caller's certificate", () => {
  const { pinFault } = createNodeCredentialHost({}, "/nowhere");
  const reference = { env: "X" };
  const server = (tls?: {
    certificate: SecretReference;
    private_key: SecretReference;
    client_ca?: SecretReference;
  }) => ({
    listen: { host: "127.0.0.1", port: 8080 },
    admin: { host: "127.0.0.1", port: 9613 },
    admin_hosts: [],
    trusted_proxies: [],
    max_in_flight: 1,
    shutdown_delay: 0,
    shutdown_grace: 1,
    tls,
  });

  it.each([{ sha256: "a".repeat(64) }, { san_dns: "ns.bank.example" }])(
    "is identified by %j only with a client_ca",
    (pin) => {
      const keys = { certificate: reference, private_key: reference };
      expect(pinFault(pin, server({ ...keys, client_ca: reference }))).toBeUndefined();
      for (const without of [server(), server(keys)]) {
        expect(pinFault(pin, without)).toBe(
          'needs "server.tls" with a client_ca; otherwise callers are not asked for a certificate',
        );
      }
    },
  );
});

it("a rate limit needs no setup", () => {
  expect(createNodeCredentialHost({}, "/nowhere").rateLimitFault({ binding: "X" })).toBeUndefined();
});
