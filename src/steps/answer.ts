// What goes back to the caller: the provider's bytes, or an error of our own as the table of the README has it.

import type { ErrorCode, TokenProxyError } from "../core/errors.ts";
import type { TokenAnswer } from "../oauth/token-response.ts";

/** On every answer: RFC 6749 §5.1 forbids caches, and no browser may guess another type than the one sent. */
const COMMON_HEADERS = {
  "Cache-Control": "no-store",
  Pragma: "no-cache",
  "X-Content-Type-Options": "nosniff",
} as const;

/** Status and `error` of each reason. */
export const WIRE = {
  caller_unauthenticated: [401, "invalid_client"],
  caller_not_allowed: [403, "access_denied"],
  call_too_large: [413, "invalid_request"],
  call_invalid: [400, "invalid_request"],
  method_not_allowed: [405, "invalid_request"],
  not_found: [404, "invalid_request"],
  no_route: [404, "invalid_target"],
  session_not_logged_in: [403, "access_denied"],
  session_mismatch: [403, "access_denied"],
  session_check_failed: [502, "server_error"],
  session_check_timeout: [504, "server_error"],
  attribute_missing: [403, "access_denied"],
  attributes_failed: [502, "server_error"],
  attributes_timeout: [504, "server_error"],
  grant_type_unsupported: [400, "unsupported_grant_type"],
  rate_limited: [429, "temporarily_unavailable"],
  provider_rejected_proxy: [502, "server_error"],
  provider_busy: [503, "temporarily_unavailable"],
  provider_error: [502, "server_error"],
  provider_redirected: [502, "server_error"],
  provider_not_json: [502, "server_error"],
  provider_no_token: [502, "server_error"],
  provider_too_large: [502, "server_error"],
  provider_truncated: [502, "server_error"],
  provider_wrong_subject: [502, "server_error"],
  provider_unreachable: [502, "server_error"],
  provider_timeout: [504, "server_error"],
  provider_suspended: [503, "temporarily_unavailable"],
  overloaded: [503, "temporarily_unavailable"],
  internal: [500, "server_error"],
} as const satisfies Wire;

export type Wire = Record<ErrorCode, readonly [status: number, error: string]>;

/** At the token endpoint of the webNonce exchange the webNonce is a grant, and RFC 6749 §5.2 has words for one that is not good. */
export const EXCHANGE_WIRE: Wire = { ...WIRE, session_not_logged_in: [400, "invalid_grant"] };

/** The provider's answer as it came: nothing of its headers but the type of the body goes along. */
export function relay({ status, contentType, body }: TokenAnswer, requestId: string): Response {
  // TypeScript's Response takes bytes of an ArrayBuffer only; no transport gives shared memory.
  return new Response(body as Uint8Array<ArrayBuffer>, {
    status,
    headers: { ...COMMON_HEADERS, "Content-Type": contentType, "X-Request-Id": requestId },
  });
}

export function errorResponse(error: TokenProxyError, requestId: string, wire: Wire = WIRE): Response {
  const [status, wireError] = wire[error.code];
  const headers: Record<string, string> = {
    ...COMMON_HEADERS,
    "Content-Type": "application/json",
    "X-Request-Id": requestId,
  };
  if (error.challenge !== undefined) headers["WWW-Authenticate"] = error.challenge;
  if (error.allow !== undefined) headers.Allow = error.allow;
  if (error.retryAfter !== undefined) headers["Retry-After"] = String(error.retryAfter);
  const body = {
    error: wireError,
    error_description: error.message,
    error_code: error.code,
    request_id: requestId,
  };
  return new Response(JSON.stringify(body), { status, headers });
}
