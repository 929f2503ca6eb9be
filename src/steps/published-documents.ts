// The documents in which providers find the public keys for our JWTs: JWKS and metadata.

import type { SigningKey } from "../oauth/signing-key.ts";

const HEADERS = {
  "Content-Type": "application/json",
  "Cache-Control": "public, max-age=300", // so that providers see a new key soon
  "X-Content-Type-Options": "nosniff",
};

/**
 * JWKS (RFC 7517) and metadata: OpenID Connect Discovery appends the well-known path to the
 * issuer's path, RFC 8414 section 3.1 puts it in front.
 * @param issuer undefined publishes nothing
 */
export function publishedDocuments(issuer: string | undefined, keys: readonly SigningKey[]) {
  if (issuer === undefined) return [];
  const base = new URL(issuer).pathname.replace(/\/$/, "");
  const metadata = JSON.stringify({
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`,
    // Required by OpenID Connect Discovery section 3, although this proxy has no login.
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: [...new Set(keys.map(({ alg }) => alg))],
  });
  const document = (path: string, body: string) => ({
    path,
    serve: (): Response => new Response(body, { headers: HEADERS }),
  });
  return [
    document(`${base}/.well-known/jwks.json`, JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) })),
    document(`${base}/.well-known/openid-configuration`, metadata),
    document(`/.well-known/oauth-authorization-server${base}`, metadata),
  ];
}
