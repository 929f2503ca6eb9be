// What each grant type sends when the file does not say: the parameters that its specification requires.

/** Parameters of a token request as the file gives them: a list repeats the parameter. */
export type Params = Readonly<Record<string, string | readonly string[]>>;

const AUTHORIZATION_CODE = "authorization_code";
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

/** @returns the parameters implied by a grant type; what the file names itself stands above them */
export function defaultParams(grantType: string): Params {
  // RFC 6749 §4.1.3, with the session's nonce (for a webNonce exchange the webNonce itself) as the code.
  return grantType === AUTHORIZATION_CODE ? { code: "{{nonce}}" } : {};
}

/** @returns the parameters without which a request of this grant type makes no sense, so that their lack is told at start */
export function requiredParams(grantType: string): readonly string[] {
  switch (grantType) {
    case JWT_BEARER:
      return ["assertion"]; // RFC 7523 §2.1
    case TOKEN_EXCHANGE:
      // RFC 8693 §2.1 asks for subject_token; Keycloak's first version goes by requested_subject instead, so only the
      // type that must stand beside a subject_token is left to the provider to miss.
      return [];
    default:
      return [];
  }
}
