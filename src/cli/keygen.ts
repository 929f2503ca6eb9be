// The command `keygen`: a new signing key. Its private half goes into a file that its owner alone can read, and nowhere else.

import { randomBytes } from "node:crypto";
import { type FileHandle, lstat, open, rename, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { UsageError } from "../core/errors.ts";
import { SIGNING_ALGORITHMS, type SigningAlgorithm } from "../oauth/signing-key.ts";

export interface KeygenOptions {
  alg: string;
  kid?: string;
  out?: string;
  force?: boolean;
}

/** The first one is the default. */
export const KEY_ALGORITHMS = SIGNING_ALGORITHMS;

/** As much work to break as P-256 (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3_072;
const OWNER_ONLY = 0o600;
const MAX_KID_CHARS = 256;
/** Of the thumbprint, as hexadecimal digits: enough to tell apart the few keys of one day. */
const KID_DIGITS = 6;

/**
 * Standard output gets the public JWK alone, as the proxy will publish it, so that it can be piped to where a provider wants it.
 * @returns true
 * @throws {UsageError} where the file cannot be written; then there is none
 */
export async function keygen({ alg: given, kid: chosen, out, force = false }: KeygenOptions): Promise<boolean> {
  const alg = algorithmOf(given);
  const path = pathOf(out);
  if (chosen !== undefined) assertKid(chosen);

  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, modulusLength: RSA_BITS });
  const jwk = await exportJWK(publicKey);
  const created = new Date().toISOString().slice(0, "2026-11-24".length);
  const kid = chosen ?? `${created}-${await ending(jwk)}`;
  await write(path, await exportPKCS8(privateKey), force);

  console.log(JSON.stringify({ ...jwk, kid, alg, use: "sig" }));
  console.error(nextSteps(path, { kid, alg, created }));
  return true;
}

function algorithmOf(given: string): SigningAlgorithm {
  const alg = SIGNING_ALGORITHMS.find((known) => known === given);
  if (alg !== undefined) return alg;
  throw new UsageError(`--alg must be one of ${SIGNING_ALGORITHMS.join(", ")}`);
}

function pathOf(out: string | undefined): string {
  if (out !== undefined && out !== "" && out !== "-") return out;
  throw new UsageError(
    "--out FILE says where the private key goes: it is never printed, since a terminal, a pipe or a log would keep it",
  );
}

function assertKid(kid: string): void {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
  if (kid !== "" && kid.length <= MAX_KID_CHARS && !/[\u0000-\u001f\u007f]/.test(kid)) return;
  throw new UsageError(`--kid must have 1 to ${MAX_KID_CHARS} characters, and no control characters`);
}

/**
 * A date alone tells a person the age of a key, but two of one day would have one name; and a provider that remembers our keys by
 * their kid would go on verifying with the first one. So some of the thumbprint (RFC 7638) stands behind it.
 */
async function ending(jwk: Parameters<typeof calculateJwkThumbprint>[0]): Promise<string> {
  return Buffer.from(await calculateJwkThumbprint(jwk), "base64url")
    .toString("hex")
    .slice(0, KID_DIGITS);
}

/** With `force`, the old key is there until the new one is there whole. */
async function write(path: string, pem: string, force: boolean): Promise<void> {
  let target = path;
  if ((await isThere(path)) && force) target = `${path}.${randomBytes(KID_DIGITS).toString("hex")}.tmp`;
  let file: FileHandle | undefined;
  try {
    file = await open(target, "wx", OWNER_ONLY);
    await file.writeFile(pem);
    await file.sync();
    await file.close();
    if (target !== path) await rename(target, path);
  } catch (error) {
    await file?.close().catch(() => {});
    if (file !== undefined) await rm(target, { force: true }); // half a key is none
    throw new UsageError(`cannot write the private key to "${path}" ${reason(error as NodeJS.ErrnoException)}`);
  }
}

/** @throws {UsageError} for a folder, and for a device or a link, which --force must not replace by a file */
async function isThere(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined); // if there is more to it than that it is not there, writing tells
  if (found?.isDirectory() === true) throw new UsageError(`"${path}" is a folder: name a file in it`);
  if (found !== undefined && !found.isFile()) {
    throw new UsageError(`"${path}" is no regular file, which is all that --force replaces: name another file`);
  }
  return found !== undefined;
}

function reason({ code, name }: NodeJS.ErrnoException): string {
  const cures: Readonly<Record<string, string>> = {
    EEXIST: "it exists already: name another file, or give --force where nothing needs the old key any more",
    ENOENT: "its folder does not exist: create that first, with mode 700",
    ENOTDIR: "a part of its path is no folder: correct it",
    EACCES: "its folder may not be written to: let this user write to it, or name another",
    EROFS: "its file system is read-only: name another folder",
    ENOSPC: "its disk is full: make room, or name another",
  };
  const cure = code === undefined ? undefined : cures[code];
  return `(${code ?? name})${cure === undefined ? "" : `: ${cure}`}`;
}

function nextSteps(path: string, { kid, alg, created }: { kid: string; alg: string; created: string }): string {
  const quoted = (text: string) => JSON.stringify(text); // a JSON text is one of YAML too
  const key = `kid: ${quoted(kid)}, alg: ${alg}, private_key: { file: ${quoted(resolve(path))} }, created: ${created}`;
  return `The private key is in ${path} (PKCS#8, mode 600); its public half is on standard output.

As the first key of all, under "signing" of the configuration file:
  keys:
    - { ${key} }

To take over from another key:
1. Add it behind the key that signs now, as one that is published only, and reload (SIGHUP, or a restart):
    - { ${key}, use: verify }
2. Wait until every provider has read it: for as long as they cache keys, and at least the 300 s of our max-age.
3. Put it first without "use: verify", give the old key "use: verify", and reload.
4. When the last JWT of the old key has run out, take the old key out of the file, reload, and delete its file.`;
}
