// Secrets come from environment variables or files, and OpenSSL checks what TLS uses.

import { spawnSync } from "node:child_process";
import { generateKeyPairSync, hash, X509Certificate } from "node:crypto";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { SecretError } from "../../src/config/credentials.ts";
import { Secret } from "../../src/core/secret.ts";
import type { TlsCredentials } from "../../src/core/transport.ts";
import { createNodeCredentialHost, fileState } from "../../src/node/credentials.ts";
import { thrownBy } from "../support/fakes.ts";
import { makeAuthority, makeSelfSigned } from "../support/keys.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const { tlsFault, certificateFault, pinFault, rateLimitFault } = createNodeCredentialHost({}, "/nowhere");

const folder = temporaryFolder();
beforeAll(async () => {
  await mkdir(join(folder, "keys"));
});

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

  it.each(["MISSING", "toString", "constructor"])("that is not set is named in the error: %s", async (env) => {
    expect(await messageFor(() => readEnv({ env }))).toBe(
      `names the environment variable ${env}, which is not set: set it, or put it into a file for --env-file`,
    );
  });
});

describe("a file", () => {
  it.each([
    ["no line break at its end", "secret", "secret"],
    ["one line break", "secret\n", "secret"],
    ["one line break of Windows, and a byte order mark", "\ufeffsecret\r\n", "secret"],
    ["two line breaks, of which one is removed", "secret\n\n", "secret\n"],
    ["only a line break", "\n", ""],
    ["spaces around", " secret ", " secret "],
    ["a line break within", "first\nsecond\n", "first\nsecond"],
    ["text that is not ASCII", "sécret\n", "sécret"],
    ["65536 bytes", "x".repeat(65_536), "x".repeat(65_536)],
  ])("may have %s", async (_, content, secret) => {
    await writeFile(join(folder, "secret"), content);
    expect(await read("secret")).toBe(secret);
  });

  it("is relative to the folder of the configuration file, unless its path is absolute", async () => {
    await writeFile(join(folder, "keys", "key"), "nested");
    expect(await read("./keys/../keys/key")).toBe("nested");
    expect(await reader({}, "/nowhere")({ file: join(folder, "keys", "key") })).toBe("nested");
  });

  it.each([
    ["missing", undefined, "names a file that cannot be read (ENOENT): missing: there is no such file"],
    ["keys", undefined, "names a folder, pipe or device, not a regular file: keys"],
    ["large", "x".repeat(65_537), "names a file of more than 65536 bytes: large"],
    ["latin1", Buffer.from("s\xe9cret", "latin1"), "names a file that is not UTF-8: latin1"],
  ])("is refused with the reason: %s", async (name, content, message) => {
    if (content !== undefined) await writeFile(join(folder, name), content);
    expect(await messageFor(() => read(name))).toBe(message);
  });

  it("is never a pipe, whose writer would hold up a reload and the stop", async () => {
    spawnSync("mkfifo", [join(folder, "pipe")]);
    expect(await messageFor(() => read("pipe"))).toBe("names a folder, pipe or device, not a regular file: pipe");
  });

  // A mock, because no file system here can hang.
  it("on a mount that hangs is given up after 3 s, and until it is back, no file is opened", async () => {
    vi.useFakeTimers();
    try {
      const listeners = process.listeners("exit");
      const { promise, reject } = Promise.withResolvers<never>();
      const opened = vi.fn(() => promise);
      const message = messageFor(() => createNodeCredentialHost({}, folder, opened).read({ file: "secret" }));
      await vi.advanceTimersByTimeAsync(3_000);
      expect(await message).toBe("names a file that could not be read within 3 s: secret");
      // Each would hold one of Node's four threads.
      const next = () => messageFor(() => createNodeCredentialHost({}, folder, opened).read({ file: "other" }));
      expect(await next()).toBe("was not read, because reading this file still hangs: secret");
      expect(await fileState(folder)).toBeUndefined();
      expect(opened).toHaveBeenCalledOnce();
      // Node's exit would wait for that thread, so SIGTERM would not end the process.
      const kill = vi.spyOn(process, "kill").mockReturnValue(true);
      for (const listener of process.listeners("exit").filter((one) => !listeners.includes(one))) listener(0);
      expect(kill.mock.calls).toEqual([[process.pid, "SIGKILL"]]);
      kill.mockRestore();
      reject(Object.assign(new Error(), { code: "EIO" }));
      await vi.advanceTimersByTimeAsync(0);
      expect(await next()).toBe("names a file that cannot be read (EIO): other");
      expect(process.listeners("exit")).toEqual(listeners);
    } finally {
      vi.useRealTimers();
    }
  });
});

const DAY_MS = 86_400_000;
const AUTHORITY = await makeAuthority();
const CLIENT = await AUTHORITY.issue("client");
const OTHER = await makeSelfSigned("other");
const EXPIRED = await makeSelfSigned("expired", { notAfter: new Date(Date.now() - DAY_MS) });
const BOTH = `${CLIENT.certificate}\n${CLIENT.private_key}`;
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const rsaKey = (type: "pkcs8" | "pkcs1", encryption: object = {}) =>
  privateKey.export({ type, format: "pem", ...encryption }).toString();
const ENCRYPTION = { cipher: "aes-256-cbc", passphrase: "x" };

/** The text without its second line. */
const damaged = (pem: string) => pem.split("\n").toSpliced(1, 1).join("\n");

describe("TLS credentials", () => {
  const secrets = (texts: object) =>
    Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, new Secret(text)])) as TlsCredentials;

  it.each<[string, object]>([
    ["certificate and key", CLIENT],
    ["a chain", { ...CLIENT, certificate: `${CLIENT.certificate}\n${AUTHORITY.certificate}` }],
    ["only a CA", { ca: AUTHORITY.certificate }],
    ["certificate and key in one file", { certificate: BOTH, private_key: BOTH }],
    ["an expired certificate, which is checked elsewhere", EXPIRED],
    ["nothing", {}],
  ])("may be %s", (_, texts) => {
    expect(tlsFault(secrets(texts), "ca")).toBeUndefined();
  });

  const unfit = (code: string) =>
    new RegExp(
      `^has a certificate and a private_key that cannot be used together \\(${code}\\): both must be PEM, the key not encrypted, and its certificate the first of a chain$`,
    );
  const NO_CA = /^has a ca that is not a PEM certificate \([A-Z0-9_]+\)$/;
  it.each<[string, object, RegExp]>([
    ["a key of another certificate", { private_key: OTHER.private_key }, unfit("ERR_OSSL_X509_KEY_VALUES_MISMATCH")],
    ["a key of another type", { private_key: rsaKey("pkcs8") }, unfit("MISMATCH")],
    [
      "a chain in the wrong order",
      { certificate: `${AUTHORITY.certificate}\n${CLIENT.certificate}` },
      unfit("ERR_OSSL_X509_KEY_VALUES_MISMATCH"),
    ],
    ["an encrypted key", { private_key: rsaKey("pkcs8", ENCRYPTION) }, unfit("[A-Z0-9_]+")],
    ["an encrypted key in the old form", { private_key: rsaKey("pkcs1", ENCRYPTION) }, unfit("[A-Z0-9_]+")],
    ["a key that is not PEM", { private_key: "Zq7xWv4kPj" }, unfit("[A-Z0-9_]+")],
    ["a certificate that is not PEM", { certificate: "Zq7x" }, unfit("[A-Z0-9_]+")],
    ["a CA that is not PEM", { ca: "Zq7xWv4kPj" }, NO_CA],
    ["a damaged CA", { ca: damaged(AUTHORITY.certificate) }, NO_CA],
  ])("with %s are refused", (_, texts, message) => {
    expect(tlsFault(secrets({ ...CLIENT, ...texts }), "ca")).toMatch(message);
  });

  it("are named as in the file", () => {
    expect(tlsFault(secrets({ ca: "Zq7xWv4kPj" }), "client_ca")).toContain("has a client_ca that is not a PEM");
  });

  it("cannot be a binding, which only Workers have", () => {
    expect(tlsFault({ binding: "MTLS" }, "ca")).toBe(
      "has a binding, which only Workers have: use certificate and private_key",
    );
  });
});

it("a certificate must be valid now; the date is in the message", () => {
  expect(certificateFault(CLIENT.certificate)).toBeUndefined();
  expect(certificateFault(EXPIRED.certificate)).toMatch(
    /^is a certificate that is valid only from \w{3} .* GMT to \w{3} .* GMT: replace it, or/,
  );
  vi.useFakeTimers({ now: Date.now() - 2 * DAY_MS, toFake: ["Date"] });
  expect(certificateFault(CLIENT.certificate)).toContain("is valid only from");
  vi.useRealTimers();
});

it("a certificate must have the key of a pin, and the message says which pin it has, and why", () => {
  const { publicKey } = new X509Certificate(CLIENT.certificate);
  const pin = `sha256/${hash("sha256", publicKey.export({ type: "spki", format: "der" }), "base64")}`;
  const backup = `sha256/${"A".repeat(43)}=`;
  expect(certificateFault(CLIENT.certificate, [backup, pin])).toBeUndefined();
  expect(certificateFault(CLIENT.certificate, [backup])).toBe(
    `has the key ${pin}, which is not one of server.tls.pins, so apps that pin our keys would refuse it. Certificate managers change the key at renewal: let yours keep the key, or first give the new pin to the apps, then add it to pins`,
  );
});

it.each([{ sha256: "a".repeat(64) }, { san_dns: "ns.bank.example" }])(
  "callers are identified by %j only with a client_ca",
  (pin) => {
    const reference = { env: "X" };
    const server = (tls?: object) => ({ tls }) as Parameters<typeof pinFault>[1];
    const keys = { certificate: reference, private_key: reference };
    expect(pinFault(pin, server({ ...keys, client_ca: reference }))).toBeUndefined();
    for (const without of [server(), server(keys)]) {
      expect(pinFault(pin, without)).toBe(
        'needs "server.tls" with a client_ca; otherwise callers are not asked for a certificate',
      );
    }
  },
);

it("a rate limit needs no setup", () => {
  expect(rateLimitFault({ binding: "X" })).toBeUndefined();
});
