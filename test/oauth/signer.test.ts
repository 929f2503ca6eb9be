// A Signer in place of a key: it must fit the file, and its signature must fit its public key.

import { sign as signWith } from "node:crypto";
import { importJWK, type JWK, jwtVerify } from "jose";
import { afterEach, describe, expect, it, vi } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { importSigner, type Signer } from "../../src/oauth/signer.ts";
import { importSigningKey, KeyError, SIGNING_ALGORITHMS, type SigningAlgorithm } from "../../src/oauth/signing-key.ts";
import { sha256, thrownBy } from "../support/fakes.ts";
import { makeKey, makeSelfSigned } from "../support/keys.ts";

/** A Signer over a key of ours. */
async function signerOf(alg: SigningAlgorithm, changes: Partial<Signer> = {}): Promise<Signer> {
  const { pem, jwk } = await makeKey(alg);
  const key = await importSigningKey({ kid: "k", alg, key: new Secret(pem), certificate: undefined }, { sha256 });
  const sign = async (bytes: Uint8Array) => {
    // A JWS whose first part is what is to be signed cannot be had from a key, so sign by Node.
    const hash = { ES256: "sha256", ES384: "sha384", RS256: "sha256", PS256: "sha256", EdDSA: null }[alg];
    const padding = alg === "PS256" ? { padding: 6, saltLength: 32 } : {};
    return signWith(hash, bytes, { key: pem, dsaEncoding: "ieee-p1363", ...padding });
  };
  return { alg, kid: key.kid, publicJwk: jwk, sign, ...changes };
}

const load = (signer: Signer, alg: SigningAlgorithm = signer.alg, certificate?: string) =>
  importSigner(
    { kid: "k", alg, certificate: certificate === undefined ? undefined : new Secret(certificate) },
    { signers: [signer], sha256 },
  );

describe.each(SIGNING_ALGORITHMS)("a Signer for %s", (alg) => {
  it("signs what its public key verifies, and publishes only that", async () => {
    const signer = await signerOf(alg); // its JWK is the private one
    const key = await load(signer);
    const { payload, protectedHeader } = await jwtVerify(
      await key.sign({ kid: "k", typ: "JWT", alg: "none" }, '{"sub":"é"}'),
      await importJWK(key.publicJwk as JWK, alg),
    );
    expect([payload, protectedHeader]).toEqual([{ sub: "é" }, { kid: "k", typ: "JWT", alg }]);
    expect(key).toMatchObject({ kid: "k", alg, isRemote: true, publicJwk: { use: "sig", kid: "k", alg } });
    expect(Object.keys(key.publicJwk)).not.toEqual(expect.arrayContaining(["d"]));
  });
});

it("a Signer may have the certificate of its key", async () => {
  const { certificate, private_key } = await makeSelfSigned("certified");
  const own = await importSigningKey(
    { kid: "k", alg: "ES256", key: new Secret(private_key), certificate: undefined },
    { sha256 },
  );
  const sign = async (bytes: Uint8Array) => signWith("sha256", bytes, { key: private_key, dsaEncoding: "ieee-p1363" });
  const key = await load({ alg: "ES256", kid: "k", publicJwk: own.publicJwk, sign }, "ES256", certificate);
  expect(key.x5tS256).toMatch(/^[\w-]{43}$/);
  const other = (await makeSelfSigned("other")).certificate;
  const error = await thrownBy(() => load({ alg: "ES256", kid: "k", publicJwk: own.publicJwk, sign }, "ES256", other));
  expect(error).toMatchObject({ part: "certificate" });
});

describe("a Signer is refused at the start", () => {
  afterEach(() => vi.useRealTimers());
  const messageOf = async (run: () => Promise<unknown>) => {
    const error = await thrownBy(run);
    expect(error).toBeInstanceOf(KeyError);
    return (error as Error).message;
  };

  it("with another kid or algorithm than in the file", async () => {
    const signer = await signerOf("ES256");
    expect(await messageOf(() => load({ ...signer, kid: "other" }))).toMatch(
      /^is signer, but no Signer has this kid and alg/,
    );
    expect(await messageOf(() => load(signer, "ES384"))).toMatch(/^is signer, but no Signer has this kid and alg/);
  });

  it("if its signature is in DER, or of another key", async () => {
    const signer = await signerOf("ES256");
    const { pem } = await makeKey("ES256");
    const der = async (bytes: Uint8Array) => signWith("sha256", bytes, pem);
    const wrong = "has a private and a public half of different keys";
    expect(await messageOf(() => load({ ...signer, sign: der }))).toBe(wrong);
    expect(await messageOf(async () => load({ ...signer, publicJwk: (await makeKey("ES256")).jwk }))).toBe(wrong);
  });

  it("if it fails, returns nothing, or throws at once", async () => {
    const signer = await signerOf("ES256");
    for (const sign of [
      () => Promise.reject(new Error("canary")),
      () => Promise.resolve(undefined as unknown as Uint8Array),
      () => {
        throw new Error("canary");
      },
    ]) {
      expect(await messageOf(() => load({ ...signer, sign }))).toBe("is a Signer that fails");
    }
  });

  it("if it does not sign within 10 s", async () => {
    vi.useFakeTimers();
    const signer = await signerOf("ES256", { sign: () => new Promise(() => {}) });
    const message = messageOf(() => load(signer));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await message).toBe("is a Signer that did not sign within 10 s");
    expect(vi.getTimerCount()).toBe(0);
  });
});

it("a Signer that fails later is signing_failed, and its cause is for the log only", async () => {
  const signer = await signerOf("ES256");
  let works = true;
  const cause = new Error("the token was removed");
  const sign = (bytes: Uint8Array) => (works ? signer.sign(bytes) : Promise.reject(cause));
  const key = await load({ ...signer, sign });
  works = false;
  expect(await thrownBy(() => key.sign({}, ""))).toMatchObject({
    code: "signing_failed",
    message: 'the Signer of the key "k" failed',
    cause,
  });
});
