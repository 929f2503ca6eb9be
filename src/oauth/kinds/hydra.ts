// Ory Hydra: JWT grant of a trusted issuer. It has no users: only a token hook refuses one.

import type { Kind } from "./kind.ts";

export const hydra: Kind = {
  seenIn: "2.3.0",
  metadata: /\/oauth2\/token .*\/\.well-known\/jwks\.json$/,
  userClaim: "sub",
  errors: [
    ["user", "access_denied", "*", "a token hook refused this user"],
    ["proxy", "invalid_grant", "*(audience) claim*", "aud is not the token URL", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*No public JWK*", "it trusts no such issuer and kid, or no longer", "signing.keys"],
    ["proxy", "invalid_grant", "*parameter expired*", "expired on arrival: the clocks differ", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*far in the future*", "the JWT lives too long", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*", "it does not accept the assertion", "jwt.user"],
    ["proxy", "server_error", "*Unable to fetch JSON Web Keys*", "it cannot reach our JWKS", "signing.issuer"],
    ["proxy", "invalid_scope", "*", "allow this scope at the client and at the trusted issuer", "scope"],
    ["credential", "invalid_request", "*kid*could not be found*", "it does not have this key", "client_key"],
    ["unclear", "error", "*", "a fault of its own, or the clocks differ by hours"],
  ],
};
