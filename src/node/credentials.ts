// Secrets, keys and certificates on Node: environment variables and files, checked by Node's own TLS.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { createReadStream } from "node:fs";
import { resolve } from "node:path";
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { type CredentialHost, SecretError } from "../config/credentials.ts";
import type { TlsCredentials } from "../core/transport.ts";
import { nodeSha256 } from "./host.ts";
import { createNodeJwsSigner } from "./sign.ts";

/** No key or certificate chain is larger; what is, is a wrong path. */
const MAX_SECRET_FILE_BYTES = 65_536;

/**
 * @param env where `{ env: NAME }` looks
 * @param directory what a relative `{ file: PATH }` is relative to: the folder of the configuration file
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
        ? 'needs "server.tls" with a client_ca: without, no caller is asked for its certificate'
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

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  ENOTDIR: "a part of its path is no folder",
  EISDIR: "it is a folder, so name a file in it",
  EACCES: "let the user that runs this read it",
};

/** @returns what to do about a file that cannot be read, as a phrase that follows whatever was said of it */
export function cureOfUnreadable(code: string | undefined): string {
  const cure = code === undefined ? undefined : UNREADABLE[code];
  return cure === undefined ? "" : `: ${cure}`;
}

async function readSecretFile(path: string, written: string): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    // One byte more than may be: a device that never ends must not fill the memory.
    for await (const chunk of createReadStream(path, { end: MAX_SECRET_FILE_BYTES })) chunks.push(chunk);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw new SecretError(`names a file that cannot be read (${code ?? name}): ${written}${cureOfUnreadable(code)}`);
  }
  const bytes = Buffer.concat(chunks);
  if (bytes.length > MAX_SECRET_FILE_BYTES) {
    throw new SecretError(`names a file of more than ${MAX_SECRET_FILE_BYTES} bytes: ${written}`);
  }
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes); // which leaves a BOM out
  } catch {
    throw new SecretError(`names a file that is not UTF-8: ${written}`);
  }
  // Editors and `kubectl create secret` end a file with one line break, which is not part of the secret.
  return text.replace(/\r?\n$/, "");
}

function tlsFault({ certificate, private_key, ca, binding }: TlsCredentials, caKey = "ca"): string | undefined {
  if (binding !== undefined) return "has a binding, which only Workers have: use certificate and private_key";
  try {
    createSecureContext({ cert: certificate?.reveal(), key: private_key?.reveal(), ca: ca?.reveal() });
  } catch (error) {
    const { code = "unusable" } = error as { code?: string }; // OpenSSL's message may quote the file
    if (code === "ERR_OSSL_X509_KEY_VALUES_MISMATCH") return FOREIGN_KEY;
    if (private_key !== undefined && isEncrypted(private_key.reveal())) {
      return 'has a private_key that is encrypted: decrypt it with "openssl pkey -in FILE -out FILE"';
    }
    const [part] = [
      ...(isUsable({ cert: certificate?.reveal() }) ? [] : ["certificate"]),
      ...(isUsable({ key: private_key?.reveal() }) ? [] : ["private_key"]),
      ...(isUsable({ ca: ca?.reveal() }) ? [] : [caKey]),
    ];
    return `has a ${part ?? `certificate, private_key or ${caKey}`} that is not proper PEM (${code})`;
  }
  // OpenSSL keeps one pair for each kind of key: an RSA key beside an EC certificate is no fault to it until the first handshake.
  if (certificate !== undefined && private_key !== undefined && !isPair(certificate.reveal(), private_key.reveal())) {
    return FOREIGN_KEY;
  }
  // Node takes a ca in which it finds nothing for an empty list of authorities.
  if (ca !== undefined && !isCertificate(ca.reveal())) return `has a ${caKey} that is no certificate in PEM`;
  return undefined;
}

const FOREIGN_KEY =
  "has a private_key that does not belong to its certificate: give those of one pair, a chain beginning with the certificate of the key";

function isPair(certificate: string, privateKey: string): boolean {
  try {
    return new X509Certificate(certificate).checkPrivateKey(createPrivateKey(privateKey));
  } catch {
    return true; // in a form that only OpenSSL's own reading of TLS credentials takes: it has judged them
  }
}

function isUsable(part: SecureContextOptions): boolean {
  try {
    createSecureContext(part);
    return true;
  } catch {
    return false;
  }
}

/** PKCS#8, and the older form with its header. */
function isEncrypted(pem: string): boolean {
  return /^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(pem);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

function certificateFault(pem: string): string | undefined {
  const { validFrom, validTo } = new X509Certificate(pem);
  if (Date.parse(validTo) < Date.now())
    return `is a certificate that expired on ${validTo}: put a new one in its place`;
  if (Date.parse(validFrom) > Date.now()) {
    return `is a certificate that is valid only from ${validFrom}: wait, or correct the clock of this machine`;
  }
  return undefined;
}
