// Keycloak: JWT authorization grant, token exchange V1 and V2, password grant.

import type { Kind } from "./kind.ts";

const OTHER_KEY = "the JWKS URL there is wrong, or it has cached another key (run clear-keys-cache)";

export const keycloak: Kind = {
  seenIn: "26.7.3",
  metadata: /\/protocol\/openid-connect\/token /,
  userClaim: "preferred_username", // sub is an internal id
  errors: [
    ["user", "invalid_grant", "User not found", "no user has this link to us", "jwt.user.claims.sub"],
    ["user", "invalid_grant", "User is not enabled", "the user is disabled"],
    ["user", "invalid_grant", "Account disabled", "the user is disabled"],
    ["user", "invalid_grant", "Account is not fully set up", "the user has required actions"],
    ["user", "invalid_grant", "Invalid user credentials", "wrong name or password, or locked out"],
    ["unclear", "invalid_request", "Invalid token", "expired, logged out or not Keycloak's", "params.subject_token"],
    ["outage", "invalid_grant", "*JDBC*", "its database is unreachable"],
    ["outage", "invalid_grant", "Database operation failed*", "its database fails"],
    ["outage", "access_denied", "Realm not enabled", "the realm is disabled"],
    ["proxy", "invalid_grant", "Invalid token audience", "aud is not the issuer", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "Multiple audiences*", "aud must be one text", "jwt.user.claims.aud"],
    ["proxy", "invalid_grant", "No Identity Provider for*", "no identity provider has our issuer", "signing.issuer"],
    ["proxy", "invalid_grant", "Identity Provider is not*", "the client may not use ours, or it is off", "client_id"],
    ["proxy", "invalid_grant", "Invalid signature algorithm", "it wants another alg", "signing.keys"],
    ["proxy", "invalid_grant", "Invalid signature", OTHER_KEY, "signing.keys"],
    ["proxy", "invalid_grant", "Token was issued*", "in its future or 300 s ago: clocks differ", "jwt.user.backdate"],
    ["proxy", "invalid_grant", "Token is not active", "expired on arrival: clocks differ", "jwt.user.ttl"],
    ["proxy", "invalid_grant", "Token reuse detected", "the jti was used before", "jwt.user.claims.jti"],
    ["proxy", "invalid_grant", "*claim*", "a claim is missing", "jwt.user.claims"],
    ["proxy", "invalid_grant", "*assertion*", "the assertion is missing or no JWT", "params.assertion"],
    ["proxy", "invalid_grant", "JWT Authorization Grant is not*", "turn the grant on at the client", "client_id"],
    ["proxy", "invalid_grant", "Public client not allowed*", "the client must be confidential", "client_id"],
    ["proxy", "invalid_scope", "*", "no such scope, or the client does not have it", "scope"],
    ["proxy", "invalid_request", "Standard token exchange*", "turn token exchange on at the client", "client_id"],
    ["proxy", "invalid_request", "Parameter '*", "a parameter is missing or not supported", "params"],
    ["proxy", "invalid_request", "*token*type*", "it wants another type of token", "params.subject_token_type"],
    ["proxy", "access_denied", "Client is not within*", "the subject token's aud lacks this client", "client_id"],
    ["unclear", "access_denied", "Client not allowed to*", "no permission, or no such user", "params"],
    ["credential", "unauthorized_client", "Invalid client*", "no such client, or a different secret", "client_secret"],
    ["credential", "invalid_client", "*", "no such client, or a wrong secret or assertion", "client_id"],
  ],
};
