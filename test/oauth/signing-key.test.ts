// A key that signs is checked against its algorithm and its certificate when it is loaded; of it only the public half is told.

import { createHash, generateKeyPairSync, X509Certificate } from "node:crypto";
import { inspect } from "node:util";
import { decodeProtectedHeader, importJWK, type JWK, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { createNodeJwsSigner } from "../../src/node/sign.ts";
import {
  type CreateJwsSigner,
  importSigningKey,
  KeyError,
  SIGNING_ALGORITHMS,
  type SigningAlgorithm,
} from "../../src/oauth/signing-key.ts";
import { asyncSha256, sha256, thrownBy } from "../support/fakes.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";

const EC = await makeKey("ES256");
const [RSA, OTHER_RSA] = [await makeKey("PS256"), await makeKey("PS256")];
/** Of a length that ends in "=", so that what stands behind it cannot be decoded with it. */
const CERTIFIED = await (async () => {
  for (let name = "certified"; ; name += "_") {
    const certified = await makeSelfSigned(name);
    if (/=\s*-----END/.test(certified.certificate)) return certified;
  }
})();
const OTHER = await makeSelfSigned("other");

function load(
  key: string,
  alg: SigningAlgorithm = "ES256",
  certificate?: string,
  hash = sha256,
  createJwsSigner?: CreateJwsSigner,
) {
  const given = { kid: "2026-11", alg, key: new Secret(key) };
  return importSigningKey(
    { ...given, certificate: certificate === undefined ? undefined : new Secret(certificate) },
    { sha256: hash, createJwsSigner },
  );
}

describe.each(SIGNING_ALGORITHMS)("a key for %s", (alg) => {
  it("is the same from PEM and from a JWK, and gives its public half alone", async () => {
    const { pem, jwk } = await makeKey(alg);
    const keys = await Promise.all([load(pem, alg), load(JSON.stringify(jwk), alg)]);
    const { kty, crv, x, y, n, e } = jwk;
    const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
    for (const key of keys) {
      expect(key).toMatchObject({ kid: "2026-11", alg, x5tS256: undefined });
      expect(key.publicJwk).toEqual({ ...Object.fromEntries(members), kid: "2026-11", alg, use: "sig" });
    }
  });

  it.each<[string, CreateJwsSigner | undefined]>([
    ["WebCrypto", undefined],
    ["node:crypto", createNodeJwsSigner],
  ])(
    "signs by %s what its public half verifies, by its own algorithm whatever the header says",
    async (_by, signer) => {
      const key = await load((await makeKey(alg)).pem, alg, undefined, sha256, signer);
      const jws = await key.sign({ typ: "JWT", alg: "none" }, '{"sub":"alice"}');
      expect(decodeProtectedHeader(jws)).toEqual({ typ: "JWT", alg });
      const { payload } = await jwtVerify(jws, await importJWK(key.publicJwk as JWK, alg));
      expect(payload).toEqual({ sub: "alice" });
    },
  );
});

it("whose halves are of two keys is found out whoever signs", async () => {
  const key = JSON.stringify({ ...RSA.jwk, n: OTHER_RSA.jwk.n });
  expect(await thrownBy(() => load(key, "PS256", undefined, sha256, createNodeJwsSigner))).toBeInstanceOf(KeyError);
});

describe("a key may be written", () => {
  it.each<[string, string, SigningAlgorithm?]>([
    ["with spaces and line breaks around", `\n ${EC.pem}\n\n`],
    ["with line ends of Windows", EC.pem.replaceAll("\n", "\r\n")],
    ["as a JWK with line breaks", `\n${JSON.stringify(EC.jwk, null, 2)}\n`],
    ["as a JWK for something else", JSON.stringify({ ...EC.jwk, use: "enc", key_ops: ["verify"], ext: false })],
    ["as a JWK with another kid", JSON.stringify({ ...EC.jwk, kid: "theirs" })],
    ["as a JWK with its own alg", JSON.stringify({ ...EC.jwk, alg: "ES256" })],
    ["in PEM for either algorithm of RSA", RSA.pem, "RS256"],
  ])("%s", async (_, key, alg) => {
    expect(await load(key, alg)).toMatchObject({ kid: "2026-11", publicJwk: { kid: "2026-11", use: "sig" } });
  });
});

const pkcs8 = (label: string) => EC.pem.replaceAll("PRIVATE KEY", label);
const { d: _d, ...PUBLIC } = EC.jwk;
const convert = (label: string) =>
  `is ${label} and not PKCS#8: convert it with "openssl pkcs8 -topk8 -nocrypt -in FILE -out FILE"`;
const mismatch = (alg: string, needs: string) => `is not a key for ${alg}, which needs ${needs}, or is damaged`;
const P521 = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey.export({ type: "pkcs8", format: "pem" });
const SMALL = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;

describe("a key that cannot be used is told with its cure:", () => {
  it.each<[string, string, SigningAlgorithm, string]>([
    ["neither form", "Zq7xWv4kPj", "ES256", "is neither PEM nor a JWK"],
    ["something before PEM", `key:\n${EC.pem}`, "ES256", "is neither PEM nor a JWK"],
    ["a public key", pkcs8("PUBLIC KEY"), "ES256", "is a public key (PUBLIC KEY): the private one is needed to sign"],
    [
      "a public RSA key",
      pkcs8("RSA PUBLIC KEY"),
      "RS256",
      "is a public key (RSA PUBLIC KEY): the private one is needed to sign",
    ],
    [
      "a certificate",
      CERTIFIED.certificate,
      "ES256",
      "is a public key (CERTIFICATE): the private one is needed to sign",
    ],
    [
      "an encrypted key",
      pkcs8("ENCRYPTED PRIVATE KEY"),
      "ES256",
      'is encrypted: decrypt it with "openssl pkcs8 -in FILE -out FILE"',
    ],
    ["PKCS#1", pkcs8("RSA PRIVATE KEY"), "RS256", convert("RSA PRIVATE KEY")],
    ["SEC 1", pkcs8("EC PRIVATE KEY"), "ES256", convert("EC PRIVATE KEY")],
    ["OpenSSH", pkcs8("OPENSSH PRIVATE KEY"), "EdDSA", convert("OPENSSH PRIVATE KEY")],
    ["broken JSON", '{"kty":"EC", Zq7xWv4kPj', "ES256", "looks like a JWK, but is not JSON"],
    [
      "a symmetric JWK",
      '{"kty":"oct","k":"Zq7xWv4kPj"}',
      "ES256",
      "is a symmetric key, whose public half would be the key itself",
    ],
    [
      "a public JWK",
      JSON.stringify(PUBLIC),
      "ES256",
      'is a public JWK (it has no "d"): the private one is needed to sign',
    ],
    [
      "a JWK of another alg",
      JSON.stringify({ ...EC.jwk, alg: "ES384" }),
      "ES256",
      'is a JWK with another "alg" than ES256',
    ],
    ["RSA for ES256", RSA.pem, "ES256", mismatch("ES256", "an EC key on P-256")],
    ["RSA in a JWK for ES256", JSON.stringify(RSA.jwk), "ES256", mismatch("ES256", "an EC key on P-256")],
    ["P-256 for ES384", EC.pem, "ES384", mismatch("ES384", "an EC key on P-384")],
    ["P-256 in a JWK for ES384", JSON.stringify(EC.jwk), "ES384", mismatch("ES384", "an EC key on P-384")],
    ["P-521", String(P521), "ES256", mismatch("ES256", "an EC key on P-256")],
    ["EC for PS256", EC.pem, "PS256", mismatch("PS256", "an RSA key")],
    ["EC for RS256", EC.pem, "RS256", mismatch("RS256", "an RSA key")],
    ["EC for EdDSA", EC.pem, "EdDSA", mismatch("EdDSA", "an Ed25519 key")],
    [
      "PEM that is cut",
      `${EC.pem.slice(0, 80)}\n-----END PRIVATE KEY-----`,
      "ES256",
      mismatch("ES256", "an EC key on P-256"),
    ],
    [
      "a JWK whose halves do not fit",
      JSON.stringify({ ...EC.jwk, d: "AAAA" }),
      "ES256",
      mismatch("ES256", "an EC key on P-256"),
    ],
    [
      "a JWK of two keys",
      JSON.stringify({ ...RSA.jwk, n: OTHER_RSA.jwk.n }),
      "PS256",
      "has a private and a public half that do not belong together",
    ],
    [
      "a small RSA key",
      String(SMALL.export({ type: "pkcs8", format: "pem" })),
      "RS256",
      "is an RSA key of 1024 bits: make one of 2048 or more",
    ],
    [
      "a small RSA key in a JWK",
      JSON.stringify(SMALL.export({ format: "jwk" })),
      "PS256",
      "is an RSA key of 1024 bits: make one of 2048 or more",
    ],
  ])("%s", async (_, key, alg, message) => {
    const error = await thrownBy(() => load(key, alg));
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ message, part: "private_key" });
    expect((error as Error).cause).toBeUndefined();
  });
});

describe("a certificate", () => {
  it.each([sha256, asyncSha256])("gives the thumbprint of its bytes", async (hash) => {
    const { x5tS256 } = await load(CERTIFIED.private_key, "ES256", CERTIFIED.certificate, hash);
    const { raw } = new X509Certificate(CERTIFIED.certificate);
    expect(x5tS256).toBe(createHash("sha256").update(raw).digest("base64url"));
  });

  it("may bring words before it and the chain behind it, and is the first one then", async () => {
    const chain = `subject=CN=certified\n${CERTIFIED.certificate}\n${OTHER.certificate}`;
    const alone = await load(CERTIFIED.private_key, "ES256", CERTIFIED.certificate);
    expect((await load(CERTIFIED.private_key, "ES256", chain)).x5tS256).toBe(alone.x5tS256);
  });

  it.each([
    ["of another key", OTHER.certificate, "is a certificate of another key"],
    ["that is none", "Zq7xWv4kPj", "is no X.509 certificate in PEM of a key for ES256"],
    ["that is a key", EC.pem, "is no X.509 certificate in PEM of a key for ES256"],
    ["that is damaged", CERTIFIED.certificate.replace("MI", "AA"), "is no X.509 certificate in PEM of a key for ES256"],
  ])("%s is refused", async (_, certificate, message) => {
    const error = await thrownBy(() => load(CERTIFIED.private_key, "ES256", certificate));
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ message, part: "certificate" });
  });
});

it("a key that is loaded shows nothing private", async () => {
  const key = await load(JSON.stringify(EC.jwk));
  const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  expect(shown).not.toContain(EC.jwk.d);
});
