// What every error response must be: a row of the error table, with its headers and nothing else.

import { expect } from "vitest";
import type { Answered } from "./call.ts";

/** Part of bodies and values that tests send; no response may repeat it. */
export const MARKER = "do-not-repeat-this-marker";

/** Status and `error` of each `error_code`, as callers know them. */
const TABLE = {
  caller_unauthenticated: [401, "invalid_client"],
  caller_not_allowed: [403, "access_denied"],
  call_too_large: [413, "invalid_request"],
  call_invalid: [400, "invalid_request"],
  call_timeout: [408, "invalid_request"],
  call_deadline: [504, "server_error"],
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
  provider_refused_user: [403, "access_denied"],
  provider_rejected_proxy: [502, "server_error"],
  provider_wrong_endpoint: [502, "server_error"],
  provider_busy: [503, "temporarily_unavailable"],
  provider_error: [502, "server_error"],
  provider_redirected: [502, "server_error"],
  provider_not_json: [502, "server_error"],
  provider_no_token: [502, "server_error"],
  provider_too_large: [502, "server_error"],
  provider_truncated: [502, "server_error"],
  provider_wrong_subject: [502, "server_error"],
  provider_wrong_audience: [502, "server_error"],
  provider_wrong_scope: [502, "server_error"],
  provider_wrong_lifetime: [502, "server_error"],
  provider_forbidden_member: [502, "server_error"],
  provider_unreachable: [502, "server_error"],
  provider_timeout: [504, "server_error"],
  provider_suspended: [503, "temporarily_unavailable"],
  overloaded: [503, "temporarily_unavailable"],
} as const satisfies Record<string, readonly [status: number, error: string]>;

export type TableCode = keyof typeof TABLE;

/** Headers that an error may carry beside those that every one has, and those of the connection. */
const EXTRA = new Set(["allow", "retry-after", "www-authenticate", "date", "connection", "keep-alive"]);

/** @returns the error_description */
export function expectError(answer: Answered, code: TableCode): string {
  const [status, error] = TABLE[code];
  const { error_description, ...body } = answer.json() as Record<string, string>;
  const requestId = answer.headers["x-request-id"];
  // Code and status first: they tell most about what went wrong.
  expect({ status: answer.status, ...body }).toEqual({ status, error, error_code: code, request_id: requestId });
  expect(requestId).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
  expect(error_description).toMatch(/^\S.{9,}$/);
  expect(answer.text).not.toContain(MARKER);
  expect(Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !EXTRA.has(name)))).toEqual({
    "cache-control": "no-store",
    "content-length": String(answer.body.length),
    "content-type": "application/json",
    pragma: "no-cache",
    "x-content-type-options": "nosniff",
    "x-request-id": requestId,
  });
  expect(answer.headers["www-authenticate"] !== undefined).toBe(status === 401);
  expect(answer.headers.allow !== undefined).toBe(status === 405);
  expect(answer.headers["retry-after"] !== undefined).toBe(status === 503 || status === 429);
  return error_description as string;
}

/** As expectError; the description must say which provider of the file it is about. */
export function expectProviderError(answer: Answered, code: TableCode, key = "providers.main"): void {
  expect(expectError(answer, code)).toContain(`"${key}"`);
}
