// What every error response must be: a row of the error table, with its headers and nothing else.

import { expect } from "vitest";
import { ERROR_TABLE, type ErrorCode } from "../../src/core/errors.ts";
import type { Answered } from "./call.ts";

/** Part of bodies and values that tests send; no response may repeat it. */
export const MARKER = "do-not-repeat-this-marker";

/** Those of bugs and of callers that are gone may never come back. */
export type TableCode = Exclude<ErrorCode, "internal" | "caller_gone">;

/** Headers that an error may carry beside those that every one has, and those of the connection. */
const EXTRA = new Set(["allow", "retry-after", "www-authenticate", "date", "connection", "keep-alive"]);

/** @returns the error_description */
export function expectError(answer: Answered, code: TableCode): string {
  expect(code).not.toBe("internal");
  const [status, error] = ERROR_TABLE[code];
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
