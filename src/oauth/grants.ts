// What each grant type sends by default, as its specification says: parameters and a JWT.

import type { JwtSettings, WrittenProvider } from "./settings.ts";
import type { JsonValue } from "./template.ts";

export type RequestParameters = Pick<WrittenProvider, "grant_type" | "scope" | "params">;
export type Params = RequestParameters["params"];
/** A template, several (the parameter is repeated), JSON, or a secret, which is sent as it is. */
export type Param = Params[string];

export function isJsonParam(param: Param): param is { json: JsonValue } {
  return typeof param === "object" && "json" in param;
}

/** The templates of a parameter or header, each as text or JSON; a secret has none. */
export function templatesOf(param: Param): JsonValue[] {
  return isJsonParam(param) ? [param.json] : [param].flat().filter((part) => typeof part === "string");
}

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt";

/** Name of the JWT about the user of the call, which a grant sends by default. */
export const USER_JWT = "user";
const USER_JWT_PLACE = `{{jwt.${USER_JWT}}}`;

/** All parameters but grant_type, in the order in which they are sent. */
export function allParams({ grant_type, scope, params }: RequestParameters): Params {
  return { ...defaultParams(grant_type, params), ...params, ...(scope === undefined ? {} : { scope }) };
}

/** Parameters that are added to those of the file, unless the file has them. */
function defaultParams(grantType: string, { requested_subject, subject_token }: Params): Params {
  // RFC 6749 section 4.1.3, with the session's nonce as the code
  if (grantType === "authorization_code") return { code: "{{nonce}}" };
  if (grantType === JWT_BEARER) return { assertion: USER_JWT_PLACE }; // RFC 7523 section 2.1
  // Keycloak's first version of the exchange names the user in requested_subject instead.
  if (grantType !== TOKEN_EXCHANGE || (requested_subject ?? subject_token) !== undefined) return {};
  return { subject_token: USER_JWT_PLACE, subject_token_type: JWT_TOKEN_TYPE }; // RFC 8693
}

/**
 * Whether a token request may be repeated although the first one may have arrived. Not if it
 * carries something that works only once: a code, or a subject token that somebody else made.
 */
export function isRepeatable(settings: RequestParameters): boolean {
  const { assertion, subject_token } = allParams(settings);
  // A JWT of ours is signed again for each request.
  const isOurs = (param: Param = USER_JWT_PLACE) => typeof param === "string" && /^\{\{ *jwt\.[^{}]+\}\}$/.test(param);
  const isKnown = ["client_credentials", JWT_BEARER, TOKEN_EXCHANGE].includes(settings.grant_type);
  return isKnown && [assertion, subject_token].every(isOurs);
}

/** Adds issuer, subject and audience (RFC 7523 section 3). `null` in the file removes a member. */
export function withDefaults(jwt: JwtSettings, aud: string): JwtSettings {
  return {
    ...jwt,
    header: { typ: "JWT", ...jwt.header },
    claims: { iss: "{{signing_issuer}}", sub: "{{userid}}", aud, ...jwt.claims },
  };
}
