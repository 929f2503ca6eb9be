// Signs JWS on Node by node:crypto in one shot. WebCrypto, by which jose signs, hands each signature to another thread and back.

import { constants, KeyObject, type SignKeyObjectInput, sign } from "node:crypto";
import { promisify } from "node:util";
import type { CreateJwsSigner } from "../../oauth/signing-key.ts";

const signElsewhere = promisify(sign) as (
  digest: string,
  data: Buffer,
  key: KeyObject | SignKeyObjectInput,
) => Promise<Buffer>;

/** @returns what signs a JWS in compact form (RFC 7515 §7.1) */
export const createNodeJwsSigner: CreateJwsSigner = (cryptoKey, alg) => {
  const key = KeyObject.from(cryptoKey);
  const signBytes = signerOf(key, alg);
  let last = { header: {}, encoded: "" };
  return (header, payload) => {
    // Mostly the same object time after time (oauth/jwt.ts).
    if (last.header !== header) last = { header, encoded: base64url(JSON.stringify({ ...header, alg })) };
    const input = `${last.encoded}.${base64url(payload)}`;
    const signature = signBytes(Buffer.from(input));
    return signature instanceof Promise
      ? signature.then((bytes) => `${input}.${bytes.toString("base64url")}`)
      : `${input}.${signature.toString("base64url")}`;
  };
};

/**
 * A signature by a curve takes some 20 µs, less than to hand it over; one by RSA a millisecond, in which others would wait. The key
 * alone, and not with `dsaEncoding: "ieee-p1363"`: asked so, an ES256 signature takes 35 µs and not 18.
 */
function signerOf(key: KeyObject, alg: Parameters<CreateJwsSigner>[1]): (data: Buffer) => Buffer | Promise<Buffer> {
  switch (alg) {
    case "ES256":
      return (data) => toJoseSignature(sign("sha256", data, key), 32);
    case "ES384":
      return (data) => toJoseSignature(sign("sha384", data, key), 48);
    case "EdDSA":
      return (data) => sign(null, data, key);
    case "RS256":
      return (data) => signElsewhere("sha256", data, key);
    case "PS256": {
      const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
      return (data) => signElsewhere("sha256", data, { key, padding, saltLength });
    }
  }
}

/**
 * @param der an ECDSA-Sig-Value (RFC 3279 §2.2.3) whose lengths are of one byte, as those of P-256 and P-384 are
 * @param size bytes of each number
 * @returns both numbers, one after the other (RFC 7518 §3.4)
 */
export function toJoseSignature(der: Buffer, size: number): Buffer {
  const joined = Buffer.alloc(2 * size);
  let at = 2; // behind the tag and the length of the whole
  for (const end of [size, 2 * size]) {
    const start = at + 2;
    at = start + (der[at + 1] as number);
    // A number has no more bytes than it needs, but a zero before a first bit that is set.
    const from = Math.max(start, at - size);
    der.copy(joined, end - (at - from), from, at);
  }
  if (at !== der.length) throw new RangeError("the lengths in an ECDSA signature are not of one byte each");
  return joined;
}

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
