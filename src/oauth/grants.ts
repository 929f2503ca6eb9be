// What each grant type sends when the file does not say: the parameters and the JWT that its specification requires.

import type { SecretReference } from "../core/secret.ts";
import type { JsonValue } from "./json-template.ts";
import type { JwtSettings } from "./jwt.ts";

/** A parameter as the file gives it: a template, several (the parameter is repeated), or a secret that goes out as it is. */
export type Param = string | readonly string[] | SecretReference;
export type Params = Readonly<Record<string, Param>>;

/** The templates of a parameter or header; a secret has none. */
export function templatesOf(param: Param): readonly string[] {
  if (typeof param === "string") return [param];
  return isList(param) ? param : [];
}

function isList(param: readonly string[] | SecretReference): param is readonly string[] {
  return Array.isArray(param);
}

export const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
export const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt";

/** The JWT that a grant takes where the file names no other: one about the user of the call. */
export const USER_JWT = "user";
const USER_JWT_PLACE = `{{jwt.${USER_JWT}}}`;

/** @returns the parameters implied by a grant type and by those that the file names, which stand above them */
export function defaultParams(grantType: string, params: Params): Params {
  switch (grantType) {
    case "authorization_code":
      // RFC 6749 §4.1.3, with the session's nonce (for a webNonce exchange the webNonce itself) as the code.
      return { code: "{{nonce}}" };
    case JWT_BEARER:
      return { assertion: USER_JWT_PLACE }; // RFC 7523 §2.1
    case TOKEN_EXCHANGE:
      // RFC 8693 §2.1. Keycloak's first version names the user by requested_subject and takes no subject_token; for a
      // subject_token of the file's own its type must be said, which check-provider.ts sees to.
      if (params.requested_subject !== undefined || params.subject_token !== undefined) return {};
      return { subject_token: USER_JWT_PLACE, subject_token_type: params.subject_token_type ?? JWT_TOKEN_TYPE };
    default:
      return {};
  }
}

/**
 * Whether a token request may go out again where it is not known for certain that the first one reached nobody. Not where what it
 * brings may be good for one use: a code, a subject token of somebody else's making, whatever a grant of the provider's own takes.
 * A JWT of ours is made anew each time.
 */
export function isRepeatable(grantType: string, params: Params): boolean {
  switch (grantType) {
    case "client_credentials":
      return true;
    case JWT_BEARER:
      return isOurJwt(params.assertion ?? USER_JWT_PLACE);
    case TOKEN_EXCHANGE:
      return isOurJwt(params.subject_token ?? USER_JWT_PLACE);
    default:
      return false;
  }
}

function isOurJwt(param: Param): boolean {
  return typeof param === "string" && /^\{\{ *jwt\.[^{}]+\}\}$/.test(param);
}

const DEFAULT_TTL_MS = 60_000;

/** A JWT as far as the file says it. */
type WrittenJwt = { [Key in keyof JwtSettings]?: JwtSettings[Key] | undefined };

/**
 * A JWT of the file with what is implied: who signs, whom it is about, and for whom it is (RFC 7523 §3). `null` takes a
 * member away.
 * @param issuer whether the provider has one; without, the assertion is for the token endpoint, as §3 allows too
 */
export function withDefaults(jwt: WrittenJwt, issuer: boolean): JwtSettings {
  const claims: Record<string, JsonValue> = {
    iss: "{{signing_issuer}}",
    sub: "{{userid}}",
    aud: issuer ? "{{issuer}}" : "{{token_endpoint}}",
  };
  return {
    ttl: jwt.ttl ?? DEFAULT_TTL_MS,
    backdate: jwt.backdate ?? 0,
    ...(jwt.kid === undefined ? {} : { kid: jwt.kid }),
    header: { typ: "JWT", ...jwt.header },
    claims: { ...claims, ...jwt.claims },
  };
}
