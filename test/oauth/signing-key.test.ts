// A signing key is checked against its algorithm and certificate at start, and shows only its
// public half.

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
const PAIRS = { ES256: EC, ES384: await makeKey("ES384"), PS256: RSA, RS256: RSA, EdDSA: await makeKey("EdDSA") };
/** Its base64 ends in "=", so decoding it together with the chain would fail. */
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
  it("is the same from PEM and from a JWK, and publishes only its public half", async () => {
    const { pem, jwk } = PAIRS[alg];
    const { kty, crv, x, y, n, e } = jwk;
    const members = Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined);
    for (const key of [await load(pem, alg), await load(JSON.stringify(jwk), alg)]) {
      expect(key).toMatchObject({ kid: "2026-11", alg, x5tS256: undefined });
      expect(key.publicJwk).toEqual({ ...Object.fromEntries(members), kid: "2026-11", alg, use: "sig" });
    }
  });

  it.each<[string, CreateJwsSigner | undefined]>([
    ["WebCrypto", undefined],
    ["node:crypto", createNodeJwsSigner],
  ])("signs by %s what its public half verifies, whatever alg the header has", async (_, signer) => {
    const key = await load(PAIRS[alg].pem, alg, undefined, sha256, signer);
    const jws = await key.sign({ typ: "JWT", alg: "none" }, '{"sub":"alice"}');
    expect(decodeProtectedHeader(jws)).toEqual({ typ: "JWT", alg });
    const { payload } = await jwtVerify(jws, await importJWK(key.publicJwk as JWK, alg));
    expect(payload).toEqual({ sub: "alice" });
  });
});

describe("a key can be written", () => {
  it.each([
    ["with white space around it", `\n ${EC.pem}\n\n`],
    ["with the line ends of Windows", EC.pem.replaceAll("\n", "\r\n")],
    ["as a JWK with line breaks", `\n${JSON.stringify(EC.jwk, null, 2)}\n`],
    ["as a JWK for another use", JSON.stringify({ ...EC.jwk, use: "enc", key_ops: ["verify"], ext: false })],
    ["as a JWK with another kid and alg", JSON.stringify({ ...EC.jwk, kid: "theirs", alg: "ES384" })],
  ])("%s", async (_, key) => {
    expect(await load(key)).toMatchObject({ kid: "2026-11", publicJwk: { kid: "2026-11", use: "sig" } });
  });
});

const pkcs8 = (label: string) => EC.pem.replaceAll("PRIVATE KEY", label);
const { d: _d, ...PUBLIC } = EC.jwk;
const convert = (label: string) => `is ${label}, not PRIVATE KEY (PKCS#8): convert it with "openssl `;
const PUBLIC_KEY = "not PRIVATE KEY (PKCS#8): use the private key";
const NEITHER = 'is neither PEM nor a private JWK, which has a "d"';
const needs = (alg: SigningAlgorithm, key: string) => `is not a key for ${alg}, which needs ${key}, or is damaged`;
const P521 = generateKeyPairSync("ec", { namedCurve: "P-521" }).privateKey.export({ type: "pkcs8", format: "pem" });
const SMALL = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey.export({ type: "pkcs8", format: "pem" });
const TWO_KEYS = JSON.stringify({ ...RSA.jwk, n: OTHER_RSA.jwk.n });

describe("refuses, and says what to do:", () => {
  it.each<[string, string, SigningAlgorithm, string]>([
    ["any other text", "Zq7xWv4kPj", "ES256", NEITHER],
    ["text before PEM", `key:\n${EC.pem}`, "ES256", NEITHER],
    ["a public key", pkcs8("PUBLIC KEY"), "ES256", `is PUBLIC KEY, ${PUBLIC_KEY}`],
    ["a certificate", CERTIFIED.certificate, "ES256", `is CERTIFICATE, ${PUBLIC_KEY}`],
    ["an encrypted key", pkcs8("ENCRYPTED PRIVATE KEY"), "ES256", convert("ENCRYPTED PRIVATE KEY")],
    ["PKCS#1", pkcs8("RSA PRIVATE KEY"), "RS256", convert("RSA PRIVATE KEY")],
    ["SEC 1", pkcs8("EC PRIVATE KEY"), "ES256", convert("EC PRIVATE KEY")],
    ["broken JSON", '{"kty":"EC", Zq7xWv4kPj', "ES256", NEITHER],
    ["a symmetric JWK", '{"kty":"oct","k":"x"}', "ES256", NEITHER],
    ["a public JWK", JSON.stringify(PUBLIC), "ES256", NEITHER],
    ["RSA for ES256", RSA.pem, "ES256", needs("ES256", "an EC key on P-256")],
    ["P-256 for ES384", EC.pem, "ES384", needs("ES384", "an EC key on P-384")],
    ["P-521 for ES256", String(P521), "ES256", needs("ES256", "an EC key on P-256")],
    ["EC for PS256", EC.pem, "PS256", needs("PS256", "an RSA key")],
    ["EC for EdDSA", EC.pem, "EdDSA", needs("EdDSA", "an Ed25519 key")],
    ["cut PEM", `${EC.pem.slice(0, 80)}\n-----END PRIVATE KEY-----`, "ES256", needs("ES256", "an EC key on P-256")],
    ["a JWK with a wrong d", JSON.stringify({ ...EC.jwk, d: "AAAA" }), "ES256", needs("ES256", "an EC key on P-256")],
    ["a small RSA key", String(SMALL), "RS256", "is an RSA key of 1024 bits: make one of 2048 or more"],
  ])("%s", async (_, key, alg, message) => {
    const error = await thrownBy(() => load(key, alg));
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ message: expect.stringContaining(message), part: "private_key" });
    expect((error as Error).cause).toBeUndefined();
  });

  // Node 24.22 and later refuse to import it; before, our own check does.
  it.each([undefined, createNodeJwsSigner])("a JWK of two keys, signed with %o", async (createSigner) => {
    const error = await thrownBy(() => load(TWO_KEYS, "PS256", undefined, sha256, createSigner));
    expect(error).toBeInstanceOf(KeyError);
  });
});

describe("a certificate", () => {
  it.each([sha256, asyncSha256])(
    "gives the thumbprint of its DER, also with text before and a chain after it",
    async (hash) => {
      const thumbprint = createHash("sha256")
        .update(new X509Certificate(CERTIFIED.certificate).raw)
        .digest("base64url");
      const chain = `subject=CN=certified\n${CERTIFIED.certificate}\n${OTHER.certificate}`;
      for (const certificate of [CERTIFIED.certificate, chain]) {
        expect((await load(CERTIFIED.private_key, "ES256", certificate, hash)).x5tS256).toBe(thumbprint);
      }
    },
  );

  const NONE = "is not an X.509 certificate in PEM with a key for ES256";
  it.each([
    ["of another key", OTHER.certificate, "is a certificate of another key"],
    ["that is a key", EC.pem, NONE],
    ["that is damaged", CERTIFIED.certificate.replace("MI", "AA"), NONE],
  ])("%s is refused", async (_, certificate, message) => {
    const error = await thrownBy(() => load(CERTIFIED.private_key, "ES256", certificate));
    expect(error).toBeInstanceOf(KeyError);
    expect(error).toMatchObject({ message, part: "certificate" });
  });
});

it("a loaded key shows nothing private", async () => {
  const key = await load(JSON.stringify(EC.jwk));
  const shown = inspect(key, { depth: 9, showHidden: true }) + JSON.stringify(key);
  expect(shown).not.toContain(EC.jwk.d);
});
