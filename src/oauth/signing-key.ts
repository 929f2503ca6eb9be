// The keys that this proxy signs with: imported and checked at start, never printed.

import * as jose from "jose";
import { TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { Sha256 } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";

/** The key that each algorithm needs (RFC 7518 section 3.1, RFC 8037 section 3.1). */
const ALGORITHMS = {
  ES256: "an EC key on P-256",
  ES384: "an EC key on P-384",
  PS256: "an RSA key",
  RS256: "an RSA key",
  EdDSA: "an Ed25519 key",
} as const;

export type SigningAlgorithm = keyof typeof ALGORITHMS;
export const SIGNING_ALGORITHMS = Object.keys(ALGORITHMS) as [SigningAlgorithm, ...SigningAlgorithm[]];

/** RFC 7518 section 3.3. */
const MIN_RSA_BITS = 2_048;

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** The public half, as the JWKS publishes it (RFC 7517). */
  readonly publicJwk: Readonly<jose.JWK>;
  /** SHA-256 of the certificate (RFC 7515 section 4.1.8), if the key has one. */
  readonly x5tS256: string | undefined;
  /** Whether it signs elsewhere, which may take any time. */
  readonly isRemote?: boolean;
  sign: SignJws;
}

/** @returns a JWS in compact form (RFC 7515 section 7.1) */
export type SignJws = (header: Readonly<Record<string, unknown>>, payload: string) => string | Promise<string>;

/** How the host signs. Without it, jose signs by WebCrypto. */
export type CreateJwsSigner = (key: CryptoKey, alg: SigningAlgorithm) => SignJws;

export function signByWebCrypto(key: CryptoKey | Uint8Array, alg: string): SignJws {
  return (header, payload) =>
    new jose.CompactSign(new TextEncoder().encode(payload)).setProtectedHeader({ ...header, alg }).sign(key);
}

/** The message follows the key of `part` in the file, and never quotes the key. */
export class KeyError extends Error {
  override readonly name = "KeyError";
  readonly part: "private_key" | "certificate";

  constructor(message: string, part: KeyError["part"] = "private_key") {
    super(message);
    this.part = part;
  }
}

export type NamedKey = Pick<SigningKey, "kid" | "alg"> & { certificate: Secret | undefined };

/**
 * @param key PKCS#8 in PEM, or a private JWK
 * @param certificate X.509 in PEM for the same key; a chain may follow it
 * @throws {KeyError}
 */
export async function importSigningKey(
  { key, ...named }: NamedKey & { key: Secret },
  { sha256, createJwsSigner }: { sha256: Sha256; createJwsSigner?: CreateJwsSigner | undefined },
): Promise<SigningKey> {
  const { alg } = named;
  const exportable = await importPrivateKey(key.reveal().trim(), alg).catch((error) => {
    if (error instanceof KeyError) throw error;
    throw new KeyError(`is not a key for ${alg}, which needs ${ALGORITHMS[alg]}, or is damaged`);
  });
  const { modulusLength = MIN_RSA_BITS } = exportable.algorithm as { modulusLength?: number };
  if (modulusLength < MIN_RSA_BITS) {
    throw new KeyError(`is an RSA key of ${modulusLength} bits: make one of ${MIN_RSA_BITS} or more`);
  }
  const privateJwk = await jose.exportJWK(exportable);
  // The key that stays in memory cannot be exported, unless the host has to make its own from it.
  const sign =
    createJwsSigner === undefined
      ? signByWebCrypto((await jose.importJWK(privateJwk, alg, { extractable: false })) as CryptoKey, alg)
      : createJwsSigner(exportable, alg);
  return completeKey(named, privateJwk, sign, sha256);
}

/** @throws {KeyError} if its halves do not belong together */
export async function completeKey(named: NamedKey, jwk: jose.JWK, sign: SignJws, sha256: Sha256): Promise<SigningKey> {
  const { kid, alg, certificate } = named;
  // Only the public members of RFC 7518 section 6 and RFC 8037 section 2, so nothing private slips
  // through. JSON leaves out those that are undefined.
  const { kty, crv, x, y, n, e } = jwk;
  const publicJwk = { kty, crv, x, y, n, e, kid, alg, use: "sig" } as jose.JWK;
  // A JWK can have members of two keys. Its published half would then verify nothing.
  try {
    await jose.compactVerify(await sign({}, ""), await jose.importJWK(publicJwk, alg));
  } catch (error) {
    if (error instanceof TokenProxyError) throw new KeyError("is a Signer that fails");
    throw new KeyError("has a private and a public half of different keys");
  }
  const x5tS256 = certificate && (await certificateThumbprint(certificate.reveal(), publicJwk, alg, sha256));
  return { kid, alg, publicJwk, x5tS256, sign };
}

type CryptoKey = Awaited<ReturnType<typeof jose.importPKCS8>>;

async function importPrivateKey(text: string, alg: SigningAlgorithm): Promise<CryptoKey> {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(text)?.[1];
  if (label === "PRIVATE KEY") return jose.importPKCS8(text, alg, { extractable: true });
  if (label !== undefined) {
    const cure = /PUBLIC|CERTIFICATE/.test(label)
      ? "use the private key"
      : 'convert it with "openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE"';
    throw new KeyError(`is ${label}, not PRIVATE KEY (PKCS#8): ${cure}`);
  }
  // The file says what the key is for, so members that restrict it are ignored.
  const { key_ops: _keyOps, use: _use, ext: _ext, ...material }: jose.JWK = readJsonObject(text) ?? {};
  if (typeof material.d !== "string") throw new KeyError('is neither PEM nor a private JWK, which has a "d"');
  return (await jose.importJWK({ ...material, alg } as jose.JWK, alg, { extractable: true })) as CryptoKey;
}

async function certificateThumbprint(pem: string, publicJwk: jose.JWK, alg: SigningAlgorithm, sha256: Sha256) {
  // The key's certificate comes first, possibly after readable attributes and before its issuers.
  const first = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem) ?? ["", ""];
  const certified = await jose
    .importX509(first[0], alg, { extractable: true })
    .then(jose.exportJWK)
    .catch(() => {
      throw new KeyError(`is not an X.509 certificate in PEM with a key for ${alg}`, "certificate");
    });
  if ((await jose.calculateJwkThumbprint(certified)) !== (await jose.calculateJwkThumbprint(publicJwk))) {
    throw new KeyError("is a certificate of another key", "certificate");
  }
  const der = Uint8Array.from(atob((first[1] as string).replaceAll(/\s/g, "")), (byte) => byte.charCodeAt(0));
  return jose.base64url.encode(await sha256(der));
}
