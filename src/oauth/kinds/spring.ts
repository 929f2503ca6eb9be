// Spring Authorization Server; jwt-bearer is its owner's code, around a JwtDecoder.

import type { Kind } from "./kind.ts";

export const spring: Kind = {
  seenIn: "7.0.6",
  metadata: /\/oauth2\/token .*\/oauth2\/jwks$/,
  userClaim: "sub",
  errors: [
    ["proxy", "invalid_grant", "aud", "aud is not what it expects", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*aud claim*", "aud is not what it expects", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*iss claim*", "iss is not the issuer that it trusts", "signing.issuer"],
    ["proxy", "invalid_grant", "*nvalid signature*", "it has another key", "signing.keys"],
    ["proxy", "invalid_grant", "*no matching key*", "it has another key, or remembers another alg", "signing.keys"],
    ["proxy", "invalid_grant", "*typ value*", "it wants another typ", "jwt.user.header.typ"],
    ["proxy", "invalid_grant", "*Jwt expired*", "expired on arrival: clocks differ", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*JWK set*", "it cannot reach our JWKS", "signing.issuer"],
    ["proxy", "unsupported_token_type", "*", "it wants another type of token", "params.subject_token_type"],
    ["credential", "invalid_client", "*", "a different secret, or no jwkSetUrl or algorithm there", "client_id"],
  ],
};
