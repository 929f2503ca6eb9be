// The log line of a call has codes and names, and nothing that a user or a provider wrote.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../src/core/call-report.ts";
import { asCallError, type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import { TransportError } from "../../src/core/transport.ts";
import { logCall } from "../../src/steps/log-call.ts";
import { fakeLog } from "../support/fakes.ts";

const FAILED: CallReport = {
  request_id: "r-1",
  trace_id: undefined,
  method: "POST",
  route: "/getToken",
  caller: "ns",
  provider: "main",
  nextauth: undefined,
  outcome: "error",
  status: 502,
  error_code: "provider_error",
  provider_status: undefined,
  provider_error: undefined,
  judged_by: undefined,
  attempts: 1,
  duration_ms: 12.345,
  durations: { session_check: 3, attributes: 1, discovery: 2, signing: 0.04, provider: 8.25 },
  call_bytes: 80,
  bytes: undefined,
  delivered: true,
};
/** The fields that the lines of a token and of an error have in common. */
const COMMON_FIELDS = {
  request_id: "r-1",
  method: "POST",
  route: "/getToken",
  caller: "ns",
  provider: "main",
  attempts: 1,
  duration_ms: 12.3,
  session_check_ms: 3,
  attributes_ms: 1,
  discovery_ms: 2,
  signing_ms: 0,
  provider_ms: 8.3,
  call_bytes: 80,
  delivered: true,
  user: "u-1",
  session: "s-1",
};
const CANARY = "Zq7xWv4kPj";

function lineOf(error: TokenProxyError | undefined, report = FAILED) {
  const { log, lines } = fakeLog();
  logCall(log, report, { user: "u-1", session: "s-1" }, error);
  expect(lines).toHaveLength(1);
  return lines[0] as (typeof lines)[number];
}

const withCode = (code: string, cause?: unknown) => Object.assign(new Error(CANARY, { cause }), { code });

it("has sizes, statuses and durations of a token", () => {
  const found = { outcome: "token", status: 200, provider_status: 200, bytes: 500 } as const;
  const token = { ...FAILED, ...found, error_code: undefined };
  const fields = { ...COMMON_FIELDS, outcome: "token", status: 200, provider_status: 200, bytes: 500 };
  expect(lineOf(undefined, token)).toEqual({ level: "info", event: "call", fields });
});

it("has the provider's error code and status of a refusal, which is no fault", () => {
  const refused = { ...FAILED, outcome: "refused", provider_error: "access_denied" } as const;
  const fields = { outcome: "refused", provider_error: "access_denied" };
  expect(lineOf(undefined, refused)).toMatchObject({ level: "info", fields });
});

it("has code, reason and detail of an error", () => {
  const reason = 'the provider "providers.main" answered with status 500';
  const error = new TokenProxyError("provider_error", reason, { detail: { provider_status: 500 } });
  const fields = { outcome: "error", status: 502, error_code: "provider_error", reason, provider_status: 500 };
  expect(lineOf(error)).toEqual({ level: "warn", event: "call", fields: { ...COMMON_FIELDS, ...fields } });
});

it.each<[ErrorCode, string]>([
  ["internal", "error"],
  ["provider_rejected_proxy", "error"],
  ["provider_wrong_endpoint", "error"],
  ["proxy_refused", "error"],
  ["provider_unreachable", "warn"],
  ["caller_unauthenticated", "warn"],
])("is for %s a line of level %s", (code, level) => {
  expect(lineOf(new TokenProxyError(code, "m")).level).toBe(level);
});

describe("the cause of an error", () => {
  it.each<[string, unknown, string | undefined]>([
    ["a code", withCode("ECONNREFUSED"), "ECONNREFUSED"],
    ["a name without a code", new TypeError(CANARY), "TypeError"],
    ["a name if the code is text", withCode(`bad ${CANARY}`), "Error"],
    ["a name if the code is too long", withCode("E".repeat(65)), "Error"],
    ["a chain of names and codes", new TransportError("truncated", withCode("EPIPE")), "TransportError < EPIPE"],
    ["the type of a thrown text", CANARY, "thrown string"],
    ["a name without the text that caused it", new TypeError("m", { cause: CANARY }), "TypeError"],
    ["left out if there is none", undefined, undefined],
  ])("is logged as %s", (_, cause, logged) => {
    const { fields } = lineOf(new TokenProxyError("provider_unreachable", "m", { cause }));
    expect(fields.cause).toBe(logged);
    expect(fields).not.toHaveProperty("stack");
  });

  it("is followed four levels deep", () => {
    const error = new Error("m");
    error.cause = error;
    const { fields } = lineOf(new TokenProxyError("provider_unreachable", "m", { cause: error }));
    expect(fields.cause).toBe("Error < Error < Error < Error");
  });
});

describe("a bug", () => {
  it("is logged with its stack frames and without its message", () => {
    const bug = new TypeError(`x\n  at ${CANARY} (file.ts:1:1)\ny`, { cause: new Error(CANARY) });
    const { fields } = lineOf(asCallError(bug));
    expect(fields).toMatchObject({ error_code: "internal", cause: "TypeError < Error" });
    expect(fields.stack).toMatch(/^at .*log-call\.test\.ts/);
    expect(JSON.stringify(fields)).not.toContain(CANARY);
  });

  it("is logged with its name if it has no stack", () => {
    const error = new RangeError(CANARY);
    delete error.stack;
    const { fields } = lineOf(asCallError(error));
    expect(fields.cause).toBe("RangeError");
    expect(fields).not.toHaveProperty("stack");
  });
});
