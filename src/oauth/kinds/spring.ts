// Spring Authorization Server, with a jwt-bearer provider of its owner that uses a JwtDecoder.

import type { Kind } from "./kind.ts";

export const spring: Kind = {
  seenIn: "7.0.6",
  metadata: /\/oauth2\/token .*\/oauth2\/jwks$/,
  userClaim: "sub",
  errors: [
    ["proxy", "invalid_grant", "aud", "aud is not what it expects", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*aud claim*", "aud is not what it expects", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "*iss claim*", "iss is not the issuer that it trusts", "signing.issuer"],
    ["proxy", "invalid_grant", "*nvalid signature*", "it does not have this key", "signing.keys"],
    ["proxy", "invalid_grant", "*no matching key*", "it remembers another alg, or not this key", "signing.keys"],
    ["proxy", "invalid_grant", "*typ value*", "it wants another typ", "jwt.user.header.typ"],
    ["proxy", "invalid_grant", "*Jwt expired*", "expired on arrival: the clocks differ", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "*Jwt used before*", "the clocks differ", "jwt.user.backdate"],
    ["proxy", "invalid_grant", "*JWK set*", "it cannot reach our JWKS", "signing.issuer"],
    ["proxy", "unsupported_token_type", "*", "another type of token is needed", "params.subject_token_type"],
    ["credential", "invalid_client", "*", "wrong secret, or the client lacks jwkSetUrl or its algorithm", "client_id"],
  ],
};
