// A key that signs elsewhere, in an HSM or a cloud KMS, for a program that embeds the proxy.

import { base64url, type JWK } from "jose";
import { TokenProxyError } from "../core/errors.ts";
import type { Sha256 } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { completeKey, KeyError, type SigningAlgorithm, type SigningKey } from "./signing-key.ts";

export interface Signer {
  readonly alg: SigningAlgorithm;
  /** Of the key in the configuration file that it signs for. */
  readonly kid: string;
  /** Gets published, without private members. */
  readonly publicJwk: Readonly<JWK>;
  /**
   * May take as long as a call has time.
   * @returns the signature as in a JWS (RFC 7518 section 3): for ES256, r and s in 64 bytes, not DER
   */
  sign(bytes: Uint8Array): Promise<Uint8Array>;
}

const FIRST_SIGNATURE_MS = 10_000;

const utf8 = new TextEncoder();

/** @throws {KeyError} if no signer fits, or its signature does not */
export async function importSigner(
  settings: { kid: string; alg: SigningAlgorithm; certificate: Secret | undefined },
  { signers, sha256 }: { signers: readonly Signer[]; sha256: Sha256 },
): Promise<SigningKey> {
  const { kid, alg } = settings;
  const signer = signers.find((one) => one.kid === kid);
  if (signer === undefined) {
    throw new KeyError(
      "is signer, but no Signer has this kid: pass one to createApp or createWorker, or use { env: NAME } or { file: PATH }",
    );
  }
  if (signer.alg !== alg) throw new KeyError(`is a Signer for another algorithm than ${alg}: correct alg`);

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
  const completed = completeKey(settings, signer.publicJwk, sign, sha256);
  return Promise.race([completed, late])
    .then((key) => ({ ...key, isRemote: true }))
    .finally(() => clearTimeout(timer));
}
