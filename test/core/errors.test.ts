// Errors of a call and of the file. The rows of the error table are compared with docs/http-api.md.

import { describe, expect, it } from "vitest";
import {
  asCallError,
  ConfigError,
  ERROR_TABLE,
  type ErrorCode,
  EXCHANGE_ERROR_TABLE,
  framesOf,
  STATUS_NAMES,
  TokenProxyError,
  withStatuses,
} from "../../src/core/errors.ts";

it("the error table of an exchange differs only in session_not_logged_in", () => {
  expect(EXCHANGE_ERROR_TABLE).toEqual({ ...ERROR_TABLE, session_not_logged_in: [400, "invalid_grant"] });
});

describe("withStatuses", () => {
  it("changes the status of one code, and nothing else", () => {
    expect(withStatuses({})).toEqual(ERROR_TABLE);
    const changed = withStatuses({ provider_timeout: 502 });
    expect(changed).toEqual({ ...ERROR_TABLE, provider_timeout: [502, "server_error"] });
  });

  it("changes a class, in which a code wins", () => {
    const statuses = { user_refusals: 401, call_errors: 422, our_errors: 500, provider_busy: 503, no_route: 421 };
    const changed = withStatuses(statuses);
    const codesWith = (status: number) =>
      Object.entries(changed).flatMap(([code, [found]]) => (found === status ? [code] : []));
    expect(codesWith(401)).toEqual([
      "session_not_logged_in",
      "session_mismatch",
      "attribute_missing",
      "provider_refused_user",
    ]);
    expect(codesWith(422)).toEqual([
      ...["caller_unauthenticated", "caller_not_allowed", "call_too_large", "call_invalid", "call_timeout"],
      "rate_limited",
    ]);
    expect([codesWith(503), codesWith(421)]).toEqual([["provider_busy"], ["no_route"]]);
    // No getToken call gets these.
    const others = ["method_not_allowed", "not_found", "grant_type_unsupported", "caller_gone"] as const;
    for (const code of others) expect(changed[code]).toEqual(ERROR_TABLE[code]);
    const kept = [...codesWith(401), ...codesWith(422), "provider_busy", "no_route", ...others];
    for (const code of Object.keys(ERROR_TABLE) as ErrorCode[]) {
      if (!kept.includes(code)) expect(changed[code], code).toEqual([500, ERROR_TABLE[code][1]]);
    }
  });

  it("has a name for each class and code of a call, for the file", () => {
    expect(STATUS_NAMES.slice(0, 4)).toEqual(["user_refusals", "call_errors", "our_errors", "caller_unauthenticated"]);
    expect(STATUS_NAMES).toHaveLength(Object.keys(ERROR_TABLE).length - 4 + 3);
  });
});

it("asCallError returns a TokenProxyError unchanged", () => {
  const error = new TokenProxyError("call_invalid", "m");
  expect(asCallError(error)).toBe(error);
});

it.each([new TypeError("canary"), undefined, { code: "call_invalid" }])(
  "asCallError turns anything else into an internal error with a fixed message: %s",
  (thrown) => {
    const { code, message, cause } = asCallError(thrown);
    expect([code, message]).toEqual(["internal", "the proxy failed; its log has the reason under this request_id"]);
    expect(cause).toBe(thrown);
  },
);

it("TokenProxyError has code, message, cause and the options", () => {
  const options = { cause: new Error("inside"), retryAfter: 5, challenge: "c", allow: "POST", detail: { a: 1 } };
  const error = new TokenProxyError("internal", "m", options);
  expect(error).toMatchObject({ name: "TokenProxyError", message: "m", code: "internal", ...options });
});

it("ConfigError has one line per fault, without a path for a fault of the whole file", () => {
  const faults = [
    { line: 1, column: 2, path: "", message: "is empty", excerpt: "" },
    { line: 30, column: 4, path: "routes[0]", message: "is never reached", excerpt: "   30 | routes:\n      |    ^" },
  ];
  const error = new ConfigError("dir/file.yaml", faults);
  expect(error.message).toBe('dir/file.yaml:1:2 is empty\ndir/file.yaml:30:4 "routes[0]" is never reached');
  expect(error).toMatchObject({ name: "ConfigError", faults });
  expect(error.details).toBe(`${error.message}\n${faults[1]?.excerpt}`);
});

// The frames of an error say where it happened, without a word of its message.
class Renamed extends Error {
  override readonly name = "Another";
}

it.each<[string, Error]>([
  ["a message with several lines", new TypeError("text of\nsome lines")],
  ["a message that looks like a frame", new RangeError("text\n    at text (text.ts:1:1)")],
  ["a name that is set after the stack", new Renamed("text")],
  ["a code", new TokenProxyError("internal", "text")],
])("returns the frames of an error with %s", (_, error) => {
  expect(framesOf(error)[0]).toMatch(/^at .*errors\.test\.ts:\d+:\d+\)?$/);
  expect(framesOf(error).join()).not.toContain("text");
});

const withStack = (message: string, stack: unknown) => Object.assign(new Error(message), { stack }) as Error;

// As Node writes them, outside of the test runner.
it.each([
  ["a code in its stack", "is no text", "TypeError [ERR_A_B]: is no text"],
  ["no message", "", "Error"],
])("returns the frames of an error with %s", (_, message, head) => {
  const error = withStack(message, `${head}\n    at a (a.ts:1:1)\n    at async b (b.ts:2:2)`);
  expect(framesOf(error)).toEqual(["at a (a.ts:1:1)", "at async b (b.ts:2:2)"]);
});

it.each<[string, Error]>([
  ["has another message", withStack("other", "Error: secret\n    at secret (a.ts:1:1)")],
  ["has a longer message", withStack("sec", "Error: secret\n    at secret (a.ts:1:1)")],
  ["starts with a source line", withStack("m", "a.ts:1\n    at secret\nSyntaxError: m\n    at b (b.ts:1:1)")],
  ["has no name", withStack("", "\n    at secret (a.ts:1:1)")],
  ["is missing", withStack("m", undefined)],
  ["is not text", withStack("m", { toString: () => "Error: m\n    at secret" })],
])("returns nothing if the stack %s", (_, error) => {
  expect(framesOf(error)).toEqual([]);
});

it("ConfigError shows fifty faults and how many more there are", () => {
  const faults = Array.from({ length: 52 }, () => ({ line: 1, column: 1, path: "", message: "is wrong", excerpt: "" }));
  const lines = (count: number) => new ConfigError("f", faults.slice(0, count)).message.split("\n");
  expect([lines(50).length, lines(50).at(-1)]).toEqual([50, "f:1:1 is wrong"]);
  expect([lines(52).length, lines(52).at(-1)]).toEqual([51, "and 2 more"]);
});
