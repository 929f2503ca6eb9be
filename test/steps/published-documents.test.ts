// The documents with which providers verify our JWTs are where each specification looks for them.

import { expect, it } from "vitest";
import type { SigningAlgorithm, SigningKey } from "../../src/oauth/signing-key.ts";
import { publishedDocuments } from "../../src/steps/published-documents.ts";

/** A key with a visible private part, so that a test notices if it is published. */
function key(kid: string, alg: SigningAlgorithm): SigningKey {
  const publicJwk = { kty: "EC", kid, alg, use: "sig" };
  return { kid, alg, publicJwk, x5tS256: "thumbprint", sign: async () => "", secret: "private" } as SigningKey;
}

const KEYS = [key("a", "ES256"), key("b", "PS256"), key("c", "ES256")];

it.each([
  ["https://proxy.example", ""],
  ["https://proxy.example:8443/", ""],
  ["https://proxy.example/tokens", "/tokens"],
  ["https://proxy.example/a/b%20c/", "/a/b%20c"],
])("publishes at paths that contain the issuer's path: %s", (issuer, base) => {
  expect(publishedDocuments(issuer, KEYS).map(({ path }) => path)).toEqual([
    `${base}/.well-known/jwks.json`,
    `${base}/.well-known/openid-configuration`,
    `/.well-known/oauth-authorization-server${base}`,
  ]);
});

it("publishes the public keys, and metadata with the issuer exactly as in the file", async () => {
  const issuer = "https://PROXY.example:443/t/";
  const documents = publishedDocuments(issuer, KEYS);
  const [jwks, openid, oauth] = await Promise.all(documents.map(({ serve }) => serve().json()));
  expect(jwks).toEqual({ keys: KEYS.map(({ publicJwk }) => publicJwk) });
  expect(openid).toEqual({
    issuer,
    jwks_uri: `${issuer}.well-known/jwks.json`,
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: ["ES256", "PS256"],
  });
  expect(oauth).toEqual(openid);
});

it("publishes JSON that may be cached for five minutes", () => {
  const [document] = publishedDocuments("https://proxy.example", KEYS);
  expect(Object.fromEntries(document?.serve().headers ?? [])).toEqual({
    "cache-control": "public, max-age=300",
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
  });
});

it("publishes nothing without an issuer", () => {
  expect(publishedDocuments(undefined, KEYS)).toEqual([]);
});
