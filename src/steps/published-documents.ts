// Who this proxy is when it signs: the documents by which Keycloak, Hydra, Okta or Entra verify its JWTs by discovery.

import type { SigningKey } from "../oauth/signing-key.ts";

export interface WellKnownDocument {
  path: string;
  body: string;
}

/** Long enough to spare both sides, short enough that a new key is known before it signs for long. */
const MAX_AGE_SECONDS = 300;

/**
 * The JWKS (RFC 7517) and metadata under an issuer: OpenID Connect Discovery appends its path, RFC 8414 §3.1 inserts its own.
 * @param keys all that shall verify; only their public halves are in here
 */
export function wellKnownDocuments(issuer: string, keys: readonly SigningKey[]): WellKnownDocument[] {
  const base = new URL(issuer).pathname.replace(/\/$/, "");
  const jwksPath = `${base}/.well-known/jwks.json`;
  const algorithms = [...new Set(keys.map(({ alg }) => alg))];
  const metadata = JSON.stringify({
    issuer,
    jwks_uri: `${issuer.replace(/\/$/, "")}/.well-known/jwks.json`,
    // Required members of OpenID Connect Discovery §3; this proxy has no login and issues JWTs to providers alone.
    response_types_supported: ["id_token"],
    subject_types_supported: ["public"],
    id_token_signing_alg_values_supported: algorithms,
  });
  return [
    { path: jwksPath, body: JSON.stringify({ keys: keys.map(({ publicJwk }) => publicJwk) }) },
    { path: `${base}/.well-known/openid-configuration`, body: metadata },
    { path: `/.well-known/oauth-authorization-server${base}`, body: metadata },
  ];
}

export function wellKnownResponse({ body }: WellKnownDocument): Response {
  return new Response(body, {
    headers: {
      "Content-Type": "application/json",
      "Cache-Control": `public, max-age=${MAX_AGE_SECONDS}`,
      "X-Content-Type-Options": "nosniff",
    },
  });
}
