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

/** A signature by a curve takes some 30 µs, less than to hand it over; one by RSA a millisecond, in which others would wait. */
function signerOf(key: KeyObject, alg: Parameters<CreateJwsSigner>[1]): (data: Buffer) => Buffer | Promise<Buffer> {
  switch (alg) {
    case "ES256":
      return (data) => sign("sha256", data, { key, dsaEncoding: "ieee-p1363" });
    case "ES384":
      return (data) => sign("sha384", data, { key, dsaEncoding: "ieee-p1363" });
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

function base64url(text: string): string {
  return Buffer.from(text).toString("base64url");
}
