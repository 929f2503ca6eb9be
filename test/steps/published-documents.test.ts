// The documents by which others find and verify our keys stand where each specification looks for them.

import { describe, expect, it } from "vitest";
import type { SigningAlgorithm, SigningKey } from "../../src/oauth/signing-key.ts";
import { publishedDocuments } from "../../src/steps/published-documents.ts";

/** A key whose private half shows, so that a test can see that it stays inside. */
function key(kid: string, alg: SigningAlgorithm): SigningKey {
  const publicJwk = { kty: "EC", kid, alg, use: "sig" };
  return { kid, alg, publicJwk, x5tS256: "thumbprint", sign: async () => "", secret: "private" } as SigningKey;
}

const KEYS = [key("a", "ES256"), key("b", "PS256"), key("c", "ES256")];

describe("the paths", () => {
  it.each([
    ["https://proxy.example", ""],
    ["https://proxy.example/", ""],
    ["https://proxy.example:8443", ""],
    ["https://proxy.example/tokens", "/tokens"],
    ["https://proxy.example/tokens/", "/tokens"],
    ["https://proxy.example/a/b%20c", "/a/b%20c"],
  ])("of %s have %j before or after their names", (issuer, base) => {
    expect(publishedDocuments(issuer, KEYS).map(({ path }) => path)).toEqual([
      `${base}/.well-known/jwks.json`,
      `${base}/.well-known/openid-configuration`,
      `/.well-known/oauth-authorization-server${base}`,
    ]);
  });
});

describe("the documents", () => {
  const bodiesOf = (issuer: string) => Promise.all(publishedDocuments(issuer, KEYS).map(({ serve }) => serve().json()));

  it("are the public halves of the keys, and the same metadata in two places", async () => {
    const [jwks, openid, oauth] = await bodiesOf("https://proxy.example/tokens");
    expect(jwks).toEqual({ keys: KEYS.map(({ publicJwk }) => publicJwk) });
    expect(openid).toEqual({
      issuer: "https://proxy.example/tokens",
      jwks_uri: "https://proxy.example/tokens/.well-known/jwks.json",
      response_types_supported: ["id_token"],
      subject_types_supported: ["public"],
      id_token_signing_alg_values_supported: ["ES256", "PS256"],
    });
    expect(oauth).toEqual(openid);
  });

  it.each(["https://proxy.example/", "https://PROXY.example:443/t/"])(
    "name the issuer letter for letter, and the keys without a slash too many: %s",
    async (issuer) => {
      expect((await bodiesOf(issuer))[1]).toMatchObject({ issuer, jwks_uri: `${issuer}.well-known/jwks.json` });
    },
  );
});

it("a document is JSON that may be cached for five minutes", () => {
  const [document] = publishedDocuments("https://proxy.example", KEYS);
  expect(Object.fromEntries(document?.serve().headers ?? [])).toEqual({
    "cache-control": "public, max-age=300",
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
  });
});

it("nothing is published without an issuer", () => {
  expect(publishedDocuments(undefined, KEYS)).toEqual([]);
});
