// Ory Hydra: JWT grant of a trusted issuer. It has no users: only a token hook refuses one.

import type { Kind } from "./kind.ts";

export const hydra: Kind = {
  seenIn: "2.3.0",
  metadata: /\/oauth2\/token .*\/\.well-known\/jwks\.json$/,
  userClaim: "sub",
  errors: [
    ["user", "access_denied", "*", "a token hook refused this user"],
    ["proxy", "invalid_grant", "*(audience) claim*", "aud is not the token URL", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*No public JWK*", "no such issuer, kid or user: allow_any_subject", "signing.keys"],
    ["proxy", "invalid_grant", "*parameter expired*", "expired on arrival: clocks differ", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*far in the future*", "the JWT lives too long", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*", "it does not accept the assertion", "jwt.user"],
    ["proxy", "server_error", "*fetch JSON Web Keys*", "it cannot reach our JWKS", "signing.issuer"],
    ["proxy", "invalid_scope", "*", "neither client nor trusted issuer may have this scope", "scope"],
    ["proxy", "jti_known", "*", "the jti was used before", "jwt.user.claims.jti"],
    ["credential", "invalid_request", "*kid*could not be found*", "it does not have this key", "client_key"],
    ["unclear", "error", "*", "a fault of its own, or clocks that differ by hours"],
  ],
};
