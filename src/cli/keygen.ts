// The command `keygen`: a new signing key, in a file that only its owner can read.

import { lstat, rename, rm, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair } from "jose";
import { UsageError } from "../core/errors.ts";
import type { SigningAlgorithm } from "../oauth/signing-key.ts";

interface KeygenOptions {
  alg: SigningAlgorithm;
  kid?: string;
  out: string;
  force?: boolean;
}

/** As strong as P-256 (NIST SP 800-57 part 1, table 2). */
const RSA_BITS = 3_072;
const OWNER_ONLY = 0o600;
/** Hexadecimal digits of the thumbprint: enough to tell the keys of one day apart. */
const KID_DIGITS = 6;

const REPLACED = `
The key that was in this file is gone. A running proxy picks up the new one, under the kid that its file has: providers
that know that kid refuse our JWTs until they fetch the keys again. Next time, make a new file with a new kid.
`;

/**
 * Prints only the public JWK to standard output, as the proxy will publish it.
 * @returns true
 * @throws {UsageError} if the file cannot be written; then no part of it is left behind
 */
export async function keygen({ alg, kid: chosen, out, force = false }: KeygenOptions): Promise<boolean> {
  if (chosen !== undefined && !/^\P{Cc}{1,256}$/u.test(chosen)) {
    throw new UsageError("--kid must have 1 to 256 characters, and no control characters");
  }
  const { kid, created, pem, jwk } = await createKey(alg, chosen);
  // Only a file is replaced, not a link or a device. The old key is there until the new one is.
  const isOld = force && (await lstat(out).catch(() => undefined))?.isFile();
  const written = await writeNew(isOld ? `${out}.new` : out, pem);
  if (isOld) await rename(written, out);

  console.log(jwk);
  // A JSON text is also a YAML text.
  const file = JSON.stringify(resolve(out));
  const key = `kid: ${JSON.stringify(kid)}, alg: ${alg}, private_key: { file: ${file} }, created: ${created}`;
  console.error(`The private key is in ${out} (PKCS#8, mode 600). The public key is on standard output.
${isOld ? REPLACED : ""}
If it is your first key, add it to "signing" in the configuration file:
  keys:
    - { ${key} }

If it replaces another key:
1. Add it after the current key so that it is only published, and reload (SIGHUP, or a restart):
    - { ${key}, use: verify }
2. Wait until every provider has fetched it: as long as they cache keys, but at least the 300 s of our max-age.
   Ory Hydra fetches nothing: add the new key to its trusted issuers.
3. Move it to the first place without "use: verify", add "use: verify" to the old key, and reload.
4. When the last JWT of the old key has expired, remove the old key from the file, reload, and delete its file.
   Keycloak keeps it until its key cache is cleared, and Hydra until the trust is deleted: see docs/providers.md.`);
  return true;
}

/** @returns the private key in PKCS#8, and the public JWK as JSON */
export async function createKey(alg: SigningAlgorithm, chosen?: string) {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true, modulusLength: RSA_BITS });
  const jwk = await exportJWK(publicKey);
  const created = new Date().toISOString().slice(0, "2026-11-24".length);
  // Two keys of one day need different names: a provider may have cached the first.
  const thumbprint = Buffer.from(await calculateJwkThumbprint(jwk), "base64url").toString("hex");
  const kid = chosen ?? `${created}-${thumbprint.slice(0, KID_DIGITS)}`;
  return { kid, created, pem: await exportPKCS8(privateKey), jwk: JSON.stringify({ ...jwk, kid, alg, use: "sig" }) };
}

/** @returns the path. @throws {UsageError} if it exists or cannot be written; no part is left */
export async function writeNew(path: string, text: string, mode = OWNER_ONLY): Promise<string> {
  try {
    await writeFile(path, text, { flag: "wx", mode, flush: true });
    return path;
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (code !== "EEXIST") await rm(path, { force: true }).catch(() => {});
    const cure =
      code === "EEXIST"
        ? "name another, or remove it; keygen --force replaces a file, but no link"
        : "name a file in a folder that exists and in which you may write";
    throw new UsageError(`cannot write "${path}" (${code}): ${cure}`);
  }
}
