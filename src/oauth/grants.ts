// What each grant type sends if the file does not say: parameters and the JWT of its specification.

import type { SecretReference } from "../core/secret.ts";
import type { JwtSettings } from "./jwt.ts";
import type { JsonValue } from "./template.ts";

/** A template, several (the parameter is repeated), or a secret, which is sent as it is. */
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

/** Name of the JWT about the user of the call, which a grant sends by default. */
export const USER_JWT = "user";
const USER_JWT_PLACE = `{{jwt.${USER_JWT}}}`;

interface Grant {
  /** Parameters that are added to those of the file, unless the file has them. */
  defaults(params: Params): Params;
  /**
   * Whether a token request may be repeated although the first one may have arrived. Not if it
   * carries something that works only once: a code, or a subject token that somebody else made.
   */
  isRepeatable(params: Params): boolean;
}

const GRANTS: Readonly<Record<string, Grant>> = {
  client_credentials: {
    defaults: () => ({}),
    isRepeatable: () => true,
  },
  // RFC 6749 section 4.1.3, with the session's nonce as the code.
  authorization_code: {
    defaults: () => ({ code: "{{nonce}}" }),
    isRepeatable: () => false,
  },
  // RFC 7523 section 2.1.
  [JWT_BEARER]: {
    defaults: () => ({ assertion: USER_JWT_PLACE }),
    isRepeatable: ({ assertion = USER_JWT_PLACE }) => isOurJwt(assertion),
  },
  // RFC 8693 section 2.1. Keycloak's first version names the user in requested_subject instead.
  [TOKEN_EXCHANGE]: {
    defaults: ({ requested_subject, subject_token, subject_token_type = JWT_TOKEN_TYPE }) =>
      requested_subject === undefined && subject_token === undefined
        ? { subject_token: USER_JWT_PLACE, subject_token_type }
        : {},
    isRepeatable: ({ subject_token = USER_JWT_PLACE }) => isOurJwt(subject_token),
  },
};

/** For grant types that are not in the table. */
const OTHER_GRANT: Grant = { defaults: () => ({}), isRepeatable: () => false };

function grantOf(grantType: string): Grant {
  return (Object.hasOwn(GRANTS, grantType) ? GRANTS[grantType] : undefined) ?? OTHER_GRANT;
}

export interface RequestParameters {
  grant_type: string;
  scope?: string | undefined;
  params: Params;
}

/** All parameters but grant_type, in the order in which they are sent. */
export function allParams({ grant_type, scope, params }: RequestParameters): Params {
  return { ...grantOf(grant_type).defaults(params), ...params, ...(scope === undefined ? {} : { scope }) };
}

export function isRepeatable({ grant_type, params }: RequestParameters): boolean {
  return grantOf(grant_type).isRepeatable(params);
}

/** A JWT of ours is signed again for each request. */
function isOurJwt(param: Param): boolean {
  return typeof param === "string" && /^\{\{ *jwt\.[^{}]+\}\}$/.test(param);
}

const DEFAULT_TTL_MS = 60_000;

/** A JWT as far as the file describes it. */
type WrittenJwt = { [Key in keyof JwtSettings]?: JwtSettings[Key] | undefined };

/**
 * Adds issuer, subject and audience (RFC 7523 section 3). `null` in the file removes a member.
 * @param hasIssuer without one, the audience is the token endpoint
 */
export function withDefaults(jwt: WrittenJwt, hasIssuer: boolean): JwtSettings {
  const claims: Record<string, JsonValue> = {
    iss: "{{signing_issuer}}",
    sub: "{{userid}}",
    aud: hasIssuer ? "{{issuer}}" : "{{token_endpoint}}",
  };
  return {
    ttl: jwt.ttl ?? DEFAULT_TTL_MS,
    backdate: jwt.backdate ?? 0,
    ...(jwt.kid === undefined ? {} : { kid: jwt.kid }),
    header: { typ: "JWT", ...jwt.header },
    claims: { ...claims, ...jwt.claims },
  };
}
