// Secrets, keys and certificates on Node: from variables and files, checked with Node's own TLS.

import { isUtf8 } from "node:buffer";
import { createPrivateKey, hash, type KeyObject, X509Certificate } from "node:crypto";
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { buffer } from "node:stream/consumers";
import { createSecureContext } from "node:tls";
import { type CredentialHost, SecretError } from "../config/credentials.ts";
import { inTime } from "../core/deadline.ts";
import type { TlsCredentials } from "../core/transport.ts";
import { nodeClock, nodeSha256 } from "./host.ts";
import { createNodeJwsSigner } from "./sign.ts";

/** Larger than any key or certificate chain. */
const MAX_SECRET_FILE_BYTES = 65_536;
/** A network mount whose server is gone would hold up a reload for ever. */
const READ_TIMEOUT_MS = 3_000;

/** @param directory base of a relative `{ file: PATH }`: the folder of the configuration file */
export function createNodeCredentialHost(env: NodeJS.ProcessEnv, directory: string, openFile = open): CredentialHost {
  const readFile = (file: string) => readSecretFile(resolve(directory, file), file, openFile);
  return {
    read: (reference) => ("env" in reference ? readVariable(env, reference.env) : readFile(reference.file)),
    readFile,
    signers: [],
    sha256: nodeSha256,
    createJwsSigner: createNodeJwsSigner,
    listens: true,
    resolvePath: (file) => resolve(directory, file),
    connectionFault: undefined,
    async environmentProxy(fault) {
      if (!env.https_proxy && !env.HTTPS_PROXY) return undefined;
      return (await import("./outbound/proxy.ts")).proxyOfEnvironment(env, fault);
    },
    pinFault: (_pin, { tls }) =>
      tls?.client_ca === undefined
        ? 'needs "server.tls" with a client_ca; otherwise callers are not asked for a certificate'
        : undefined,
    rateLimitFault: () => undefined,
    tlsFault,
    certificateFault,
  };
}

function readVariable(env: NodeJS.ProcessEnv, name: string): string {
  const text = Object.hasOwn(env, name) ? env[name] : undefined; // not an inherited property
  if (text === undefined)
    throw new SecretError(
      `names the environment variable ${name}, which is not set: set it, or put it into a file for --env-file`,
    );
  return text;
}

const CURES: Readonly<Record<string, string>> = {
  ENOENT: ": there is no such file",
  ENOTDIR: ": a part of its path is not a folder",
  EISDIR: ": it is a folder, so name a file in it",
  EACCES: ": allow the user that runs this to read it",
};

/** @returns what to do about an unreadable file, to append to a message */
export const cureOfUnreadable = (code = ""): string => CURES[code] ?? "";

/** Reading it holds one of Node's four threads, which DNS and signatures need too. */
let hanging: string | undefined;

async function withoutHanging<T>(written: string, read: () => Promise<T>): Promise<T> {
  if (hanging !== undefined) {
    throw new SecretError(`was not read, because reading this file still hangs: ${hanging}`);
  }
  const reading = read();
  return inTime(reading, READ_TIMEOUT_MS, nodeClock.elapsed, () => {
    hanging = written;
    process.once("exit", killProcess);
    const end = () => {
      hanging = undefined;
      process.off("exit", killProcess);
    };
    reading.then(end, end);
    return new SecretError(`names a file that could not be read within ${READ_TIMEOUT_MS / 1000} s: ${written}`);
  });
}

/** @returns what another or a changed file has differently; undefined while its mount hangs */
export const fileState = (path: string): Promise<string | undefined> =>
  withoutHanging(path, () => stat(path, { bigint: true })).then(
    ({ dev, ino, size, ctimeNs }) => `${dev} ${ino} ${size} ${ctimeNs}`,
    ({ code }: NodeJS.ErrnoException) => code,
  );

async function readSecretFile(path: string, written: string, openFile: typeof open): Promise<string> {
  const bytes = await withoutHanging(written, () => readRegularFile(path, written, openFile));
  if (bytes.length > MAX_SECRET_FILE_BYTES) {
    throw new SecretError(`names a file of more than ${MAX_SECRET_FILE_BYTES} bytes: ${written}`);
  }
  if (!isUtf8(bytes)) throw new SecretError(`names a file that is not UTF-8: ${written}`);
  // Editors may add a byte order mark, and a line break at the end. Neither is part of the secret.
  const text = bytes.toString().replace(/^\ufeff/, "");
  return text.replace(/\r?\n$/, "");
}

/** At its exit, Node would wait for the thread that hangs, so SIGTERM would not end the process. */
function killProcess(): void {
  process.kill(process.pid, "SIGKILL");
}

/** @returns one byte too many if the file is too large */
async function readRegularFile(path: string, written: string, openFile: typeof open): Promise<Buffer> {
  try {
    // Opening a named pipe would otherwise wait for its writer.
    const file = await openFile(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if ((await file.stat()).isFile()) return await buffer(file.createReadStream({ end: MAX_SECRET_FILE_BYTES }));
    await file.close();
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw new SecretError(`names a file that cannot be read (${code ?? name}): ${written}${cureOfUnreadable(code)}`);
  }
  throw new SecretError(`names a folder, pipe or device, not a regular file: ${written}`);
}

function tlsFault({ certificate, private_key, ca, binding }: TlsCredentials, caKey = "ca"): string | undefined {
  if (binding !== undefined) return "has a binding, which only Workers have: use certificate and private_key";
  const [cert, key, authorities] = [certificate?.reveal(), private_key?.reveal(), ca?.reveal()];
  const caCode = codeOfFault(() => {
    createSecureContext({ ca: authorities });
    if (authorities !== undefined) new X509Certificate(authorities); // Node accepts any text
  });
  if (caCode !== undefined) return `has a ${caKey} that is not a PEM certificate (${caCode})`;
  let code = codeOfFault(() => createSecureContext({ cert, key }));
  // OpenSSL keeps one pair per kind of key, so it misses an RSA key beside an EC certificate.
  // checkPrivateKey finds that, but cannot read every form that Node's TLS accepts.
  codeOfFault(() => {
    if (cert && key && !new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) code ??= "MISMATCH";
  });
  if (code === undefined) return undefined;
  return `has a certificate and a private_key that cannot be used together (${code}): both must be PEM, the key not encrypted, and its certificate the first of a chain`;
}

/** @returns OpenSSL's error code; its message may quote the file */
function codeOfFault(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? "unusable";
  }
}

/** @returns the pin of a public key (RFC 7469 section 2.4) */
export function pinOf(key: KeyObject): string {
  return `sha256/${hash("sha256", key.export({ type: "spki", format: "der" }), "base64")}`;
}

function certificateFault(pem: string, pins?: readonly string[]): string | undefined {
  const { publicKey, validFromDate, validToDate, validFrom, validTo } = new X509Certificate(pem);
  const now = Date.now();
  if (validToDate.getTime() < now || validFromDate.getTime() > now) {
    return `is a certificate that is valid only from ${validFrom} to ${validTo}: replace it, or correct this machine's clock`;
  }
  const pin = pinOf(publicKey);
  if (pins?.includes(pin) === false) {
    return `has the key ${pin}, which is not one of server.tls.pins, so apps that pin our keys would refuse it. Certificate managers change the key at renewal: let yours keep the key, or first give the new pin to the apps, then add it to pins`;
  }
  return undefined;
}

const CERTIFICATE = /-----BEGIN (?:X509 )?CERTIFICATE-----[^-]+-----END (?:X509 )?CERTIFICATE-----/g;

export function certificatesOf(pem: string): X509Certificate[] {
  return (pem.match(CERTIFICATE) ?? []).map((one) => new X509Certificate(one));
}
