// A key that signs elsewhere, in an HSM or a cloud KMS, for a program that embeds the proxy.

import { base64url, type JWK } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import type { Sha256 } from "../core/ports.ts";
import { completeKey, KeyError, type NamedKey, type SigningAlgorithm, type SigningKey } from "./signing-key.ts";

export interface Signer {
  readonly alg: SigningAlgorithm;
  /** Of the key in the configuration file that it signs for. */
  readonly kid: string;
  /** Gets published, without private members. */
  readonly publicJwk: Readonly<JWK>;
  /**
   * May take as long as a call has time.
   * @returns the signature of a JWS (RFC 7518 section 3): for ES256 64 bytes, r and s, not DER
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

const FIRST_SIGNATURE_MS = 10_000;

const utf8 = new TextEncoder();

/** @throws {KeyError} if no signer fits, or its signature does not */
export async function importSigner(
  named: NamedKey,
  { signers, sha256 }: { signers: readonly Signer[]; sha256: Sha256 },
): Promise<SigningKey> {
  const { kid, alg } = named;
  const signer = signers.find((one) => one.kid === kid && one.alg === alg);
  if (signer === undefined) throw new KeyError(NO_SIGNER);

  const sign = async (header: object, payload: string) => {
    const input = `${base64url.encode(JSON.stringify({ ...header, alg }))}.${base64url.encode(payload)}`;
    try {
      return `${input}.${base64url.encode(await signer.sign(utf8.encode(input)))}`;
    } catch (cause) {
      throw new TokenProxyError("signing_failed", `the Signer of the key "${kid}" failed`, { cause });
    }
  };
  const { promise: late, reject } = Promise.withResolvers<never>();
  const problem = `is a Signer that did not sign within ${FIRST_SIGNATURE_MS / 1_000} s`;
  const timer = setTimeout(() => reject(new KeyError(problem)), FIRST_SIGNATURE_MS);
  return Promise.race([completeKey(named, signer.publicJwk, sign, sha256), late])
    .then((key) => ({ ...key, isRemote: true }))
    .finally(() => clearTimeout(timer));
}

const NO_SIGNER =
  "is signer, but no Signer has this kid and alg: pass one to createApp or createWorker, or use { env: NAME } or { file: PATH }";
