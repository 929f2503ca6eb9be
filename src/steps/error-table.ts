// The one table from an error to the status and `error` of our response.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";

export type ErrorTable = Readonly<Record<ErrorCode, readonly [status: number, error: string]>>;

export const ERROR_TABLE = {
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
} as const satisfies ErrorTable;

/** In an exchange the webNonce is the grant: RFC 6749 section 5.2 has a code for an invalid one. */
export const EXCHANGE_ERROR_TABLE: ErrorTable = { ...ERROR_TABLE, session_not_logged_in: [400, "invalid_grant"] };

/** @returns the error itself, or `internal` for anything that nobody expected */
export function asCallError(thrown: unknown): TokenProxyError {
  if (thrown instanceof TokenProxyError) return thrown;
  return new TokenProxyError("internal", "the proxy failed; its log has the reason under this request_id", {
    cause: thrown,
  });
}
