// The keys that this proxy signs with: imported once at start, checked against their algorithm, never printed.

import {
  CompactSign,
  calculateJwkThumbprint,
  compactVerify,
  exportJWK,
  importJWK,
  importPKCS8,
  importX509,
  type JWK,
} from "jose";
import type { Sha256 } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";

/** What each algorithm needs of a key (RFC 7518 §3.1, RFC 8037 §3.1), in words for the fault of one that is something else. */
const ALGORITHMS = {
  ES256: "an EC key on P-256",
  ES384: "an EC key on P-384",
  PS256: "an RSA key",
  RS256: "an RSA key",
  EdDSA: "an Ed25519 key",
} as const;

export type SigningAlgorithm = keyof typeof ALGORITHMS;
export const SIGNING_ALGORITHMS = Object.keys(ALGORITHMS) as [SigningAlgorithm, ...SigningAlgorithm[]];

/** RFC 7518 §3.3 asks for 2048 bits or more. */
const MIN_RSA_BITS = 2_048;

export interface SigningKey {
  readonly kid: string;
  readonly alg: SigningAlgorithm;
  /** The public half, as it is published in the JWKS (RFC 7517). */
  readonly publicJwk: Readonly<JWK>;
  /** SHA-256 of the certificate (RFC 7515 §4.1.8), where the key has one. */
  readonly x5tS256: string | undefined;
  /** @returns a JWS in compact form (RFC 7515 §7.1) */
  sign: SignJws;
}

export type SignJws = (header: Readonly<Record<string, unknown>>, payload: string) => string | Promise<string>;

/** How the host signs; where it has no way of its own, jose does by WebCrypto. */
export type CreateJwsSigner = (key: CryptoKey, alg: SigningAlgorithm) => SignJws;

const signByWebCrypto: CreateJwsSigner = (key, alg) => {
  const encoder = new TextEncoder();
  return (header, payload) => new CompactSign(encoder.encode(payload)).setProtectedHeader({ ...header, alg }).sign(key);
};

/** A key or its certificate cannot be used. The message follows the path of `part` in the file and never quotes the key. */
export class KeyError extends Error {
  override readonly name = "KeyError";
  readonly part: "private_key" | "certificate";

  constructor(message: string, part: KeyError["part"] = "private_key") {
    super(message);
    this.part = part;
  }
}

/**
 * @param key PKCS#8 in PEM, or a private JWK
 * @param certificate X.509 in PEM, whose public key must be the key's
 * @throws {KeyError}
 */
export async function importSigningKey(
  { kid, alg, key, certificate }: { kid: string; alg: SigningAlgorithm; key: Secret; certificate: Secret | undefined },
  { sha256, createJwsSigner = signByWebCrypto }: { sha256: Sha256; createJwsSigner?: CreateJwsSigner | undefined },
): Promise<SigningKey> {
  const text = key.reveal().trim();
  const importAs = text.startsWith("{") ? jwkImporter(text, alg) : pemImporter(text, alg);
  // Twice: once to learn the public half, and once for signing, so that what is kept cannot be exported; where the host signs, it
  // makes a key of its own of it.
  const privateJwk = await exportJWK(await importAs(true));
  const publicJwk = { ...publicHalf(privateJwk), kid, alg, use: "sig" };
  const signingKey = await importAs(createJwsSigner !== signByWebCrypto);
  const { modulusLength } = signingKey.algorithm as { modulusLength?: number };
  if (modulusLength !== undefined && modulusLength < MIN_RSA_BITS) {
    throw new KeyError(`is an RSA key of ${modulusLength} bits: make one of ${MIN_RSA_BITS} or more`);
  }
  if (certificate !== undefined) await assertSameKey(publicJwk, certificate.reveal(), alg);
  const sign = createJwsSigner(signingKey, alg);
  await assertPair(sign, publicJwk, alg);
  return {
    kid,
    alg,
    publicJwk,
    x5tS256: certificate === undefined ? undefined : await thumbprint(certificate.reveal(), sha256),
    sign,
  };
}

type Importer = (extractable: boolean) => Promise<CryptoKey>;
type CryptoKey = Awaited<ReturnType<typeof importPKCS8>>;

function pemImporter(pem: string, alg: SigningAlgorithm): Importer {
  const label = /^-----BEGIN ([A-Z0-9 ]+)-----/.exec(pem)?.[1];
  if (label === undefined) throw new KeyError("is neither PEM nor a JWK");
  if (label.endsWith("PUBLIC KEY") || label === "CERTIFICATE") {
    throw new KeyError(`is a public key (${label}): the private one is needed to sign`);
  }
  if (label === "ENCRYPTED PRIVATE KEY") {
    throw new KeyError('is encrypted: decrypt it with "openssl pkcs8 -in FILE -out FILE"');
  }
  if (label !== "PRIVATE KEY") {
    throw new KeyError(
      `is ${label} and not PKCS#8: convert it with "openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE"`,
    );
  }
  return (extractable) => importPKCS8(pem, alg, { extractable }).catch(() => mismatch(alg));
}

function jwkImporter(text: string, alg: SigningAlgorithm): Importer {
  let jwk: JWK;
  try {
    jwk = JSON.parse(text);
  } catch {
    throw new KeyError("looks like a JWK, but is not JSON");
  }
  if (jwk.kty === "oct") throw new KeyError("is a symmetric key, whose public half would be the key itself");
  if (typeof jwk.d !== "string")
    throw new KeyError('is a public JWK (it has no "d"): the private one is needed to sign');
  if (jwk.alg !== undefined && jwk.alg !== alg) throw new KeyError(`is a JWK with another "alg" than ${alg}`);
  // Members that only narrow what the key is for are left out: what it is for is said in the file.
  const { key_ops: _keyOps, use: _use, ext: _ext, ...material } = jwk;
  return (extractable) =>
    importJWK({ ...material, alg }, alg, { extractable }).catch(() => mismatch(alg)) as Promise<CryptoKey>;
}

function mismatch(alg: SigningAlgorithm): never {
  throw new KeyError(`is not a key for ${alg}, which needs ${ALGORITHMS[alg]}, or is damaged`);
}

/** Only the members that RFC 7518 §6 and RFC 8037 §2 name as public: nothing private can slip through. */
function publicHalf({ kty, crv, x, y, n, e }: JWK): JWK {
  const members = { kty, crv, x, y, n, e };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as JWK;
}

/** The members of a JWK can be of two keys: then what is published would verify nothing that is signed. */
async function assertPair(sign: SignJws, publicJwk: JWK, alg: SigningAlgorithm): Promise<void> {
  const verified = await Promise.resolve()
    .then(() => sign({}, ""))
    .then(async (jws) => compactVerify(jws, await importJWK(publicJwk, alg)))
    .catch(() => undefined);
  if (verified === undefined) throw new KeyError("has a private and a public half that do not belong together");
}

async function assertSameKey(publicJwk: JWK, certificate: string, alg: SigningAlgorithm): Promise<void> {
  const certified = await importX509(firstCertificate(certificate), alg, { extractable: true })
    .then(exportJWK)
    .catch(() => undefined);
  if (certified === undefined) throw new KeyError(`is no X.509 certificate in PEM of a key for ${alg}`, "certificate");
  if ((await calculateJwkThumbprint(certified)) !== (await calculateJwkThumbprint(publicJwk))) {
    throw new KeyError("is a certificate of another key", "certificate");
  }
}

async function thumbprint(certificate: string, sha256: Sha256): Promise<string> {
  const base64 = firstCertificate(certificate).replaceAll(/-----[A-Z ]+-----|\s/g, "");
  return base64url(await sha256(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))));
}

/** The certificate of the key stands before those that issued it; tools write attributes in clear before it. */
function firstCertificate(pem: string): string {
  return /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/.exec(pem)?.[0] ?? "";
}

/** RFC 7515 App. C. */
function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
