// Cloud Foundry UAA: JWT grant. It answers 401 to users, assertions and clients alike.

import type { Kind } from "./kind.ts";

export const uaa: Kind = {
  seenIn: "4.30",
  metadata: /\/oauth\/token .*\/token_keys?$/,
  userClaim: "user_name",
  errors: [
    ["user", "unauthorized", "*must be pre-created*", "no such user, and it creates none (addShadowUserOnLogin)"],
    ["proxy", "unauthorized", "*Unable to map issuer*", "it knows no provider with this issuer", "signing.issuer"],
    ["credential", "unauthorized", "*credentials*", "wrong client or secret", "client_secret"],
    ["proxy", "invalid_token", "*", "aud must be relyingPartyId, alg RS256, and tokenKeyUrl our JWKS", "jwt.user"],
  ],
};
