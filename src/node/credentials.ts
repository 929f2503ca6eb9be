// Secrets, keys and certificates on Node: environment variables and files, checked with Node's own TLS.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { type CredentialHost, SecretError } from "../config/credentials.ts";
import type { TlsCredentials } from "../core/transport.ts";
import { nodeSha256 } from "./host.ts";
import { createNodeJwsSigner } from "./sign.ts";

/** Larger than any key or certificate chain. */
const MAX_SECRET_FILE_BYTES = 65_536;

/**
 * @param env where `{ env: NAME }` is looked up
 * @param directory base of a relative `{ file: PATH }`: the folder of the configuration file
 */
export function createNodeCredentialHost(env: NodeJS.ProcessEnv, directory: string): CredentialHost {
  return {
    read: (reference) =>
      "env" in reference
        ? readVariable(env, reference.env)
        : readSecretFile(resolve(directory, reference.file), reference.file),
    sha256: nodeSha256,
    createJwsSigner: createNodeJwsSigner,
    listens: true,
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
  const text = Object.hasOwn(env, name) ? env[name] : undefined;
  if (text === undefined) throw new SecretError(`names the environment variable ${name}, which is not set`);
  return text;
}

const UNREADABLE = new Map([
  ["ENOENT", ": there is no such file"],
  ["ENOTDIR", ": a part of its path is not a folder"],
  ["EISDIR", ": it is a folder, so name a file in it"],
  ["EACCES", ": let the user that runs this read it"],
]);

/** @returns what to do about an unreadable file, to append to a message */
export function cureOfUnreadable(code: string | undefined): string {
  return UNREADABLE.get(code ?? "") ?? "";
}

async function readSecretFile(path: string, written: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    // `end` is inclusive: one byte too many shows that the file, perhaps an endless device, is too large.
    for await (const chunk of createReadStream(path, { end: MAX_SECRET_FILE_BYTES })) chunks.push(chunk);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw new SecretError(`names a file that cannot be read (${code ?? name}): ${written}${cureOfUnreadable(code)}`);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_SECRET_FILE_BYTES) {
    throw new SecretError(`names a file of more than ${MAX_SECRET_FILE_BYTES} bytes: ${written}`);
  }
  try {
    // Editors and `kubectl create secret` end a file with a line break that is not part of the secret.
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes).replace(/\r?\n$/, "");
  } catch {
    throw new SecretError(`names a file that is not UTF-8: ${written}`);
  }
}

function tlsFault({ certificate, private_key, ca, binding }: TlsCredentials, caKey = "ca"): string | undefined {
  if (binding !== undefined) return "has a binding, which only Workers have: use certificate and private_key";
  const [cert, key, authorities] = [certificate?.reveal(), private_key?.reveal(), ca?.reveal()];
  if (key !== undefined && ENCRYPTED.test(key)) {
    return 'has a private_key that is encrypted: decrypt it with "openssl pkey -in FILE -out FILE"';
  }
  for (const [name, part] of [
    ["certificate", { cert }],
    ["private_key", { key }],
    [caKey, { ca: authorities }],
  ] as const) {
    const code = secureContextFault(part);
    if (code !== undefined) return `has a ${name} that is not proper PEM (${code})`;
  }
  // OpenSSL keeps one pair per kind of key, so it misses an RSA key beside an EC certificate.
  if (secureContextFault({ cert, key }) !== undefined || !isPair(cert, key)) {
    return "has a private_key that does not belong to its certificate: give those of one pair, a chain beginning with the certificate of the key";
  }
  // Node accepts a ca without any certificate.
  if (authorities !== undefined && !isCertificate(authorities)) return `has a ${caKey} that is not a PEM certificate`;
  return undefined;
}

/** PKCS#8, and the older form with a header. */
const ENCRYPTED = /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** @returns OpenSSL's error code; its message may quote the file */
function secureContextFault(options: SecureContextOptions): string | undefined {
  try {
    createSecureContext(options);
    return undefined;
  } catch (error) {
    return (error as { code?: string }).code ?? "unusable";
  }
}

function isPair(certificate: string | undefined, privateKey: string | undefined): boolean {
  if (certificate === undefined || privateKey === undefined) return true;
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return true; // a form that only createSecureContext reads, which has accepted it
  }
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function certificateFault(pem: string): string | undefined {
  const { validFromDate, validToDate, validFrom, validTo } = new X509Certificate(pem);
  if (validToDate.getTime() < Date.now())
    return `is a certificate that expired on ${validTo}: put a new one in its place`;
  if (validFromDate.getTime() > Date.now()) {
    return `is a certificate that is valid only from ${validFrom}: wait, or correct the clock of this machine`;
  }
  return undefined;
}

/**
 * @param pem a valid certificate with its chain
 * @returns when the first of them expires, in milliseconds since the epoch
 */
export function expiryOf(pem: string): number {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return Math.min(...blocks.map((block) => new X509Certificate(block).validToDate.getTime()));
}
