// Signs JWS with node:crypto. jose uses WebCrypto, which signs in a thread: slow for curves.

import { constants, KeyObject, type SignKeyObjectInput, sign } from "node:crypto";
import { promisify } from "node:util";
import type { CreateJwsSigner, SigningAlgorithm } from "../oauth/signing-key.ts";

const signInThread = promisify(sign) as (digest: string | null, data: Buffer, key: KeyObject) => Promise<Buffer>;

/** @returns a function that returns a JWS in compact form (RFC 7515 section 7.1) */
export const createNodeJwsSigner: CreateJwsSigner = (cryptoKey, alg) => {
  const { digest, ...options } = PARAMETERS[alg];
  const isRsa = alg === "RS256" || alg === "PS256";
  // Node reads the options from the key itself too. With { key, ...options } it first looks for
  // internals of a key, which throws and doubles the time: 80 instead of 40 µs for ES256.
  const key = Object.assign(KeyObject.from(cryptoKey), options);
  return (header, payload) => {
    const input = `${base64url(JSON.stringify({ ...header, alg }))}.${base64url(payload)}`;
    const join = (signature: Buffer) => `${input}.${signature.toString("base64url")}`;
    // Curves take microseconds, less than a thread switch. RSA would block the event loop for a
    // millisecond.
    if (isRsa) return signInThread(digest, Buffer.from(input), key).then(join);
    return join(sign(digest, Buffer.from(input), key));
  };
};

const PARAMETERS: Record<SigningAlgorithm, { digest: string | null } & Omit<SignKeyObjectInput, "key">> = {
  // JOSE's ECDSA signatures are two numbers of fixed length (RFC 7518 section 3.4), not DER.
  ES256: { digest: "sha256", dsaEncoding: "ieee-p1363" },
  ES384: { digest: "sha384", dsaEncoding: "ieee-p1363" },
  EdDSA: { digest: null },
  RS256: { digest: "sha256" },
  PS256: { digest: "sha256", padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST },
};

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
