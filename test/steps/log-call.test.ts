// Every call is one line in the log, with codes and names in it and nothing that a user or a provider wrote.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../src/core/call-report.ts";
import { asCallError, type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import { TransportError } from "../../src/core/transport.ts";
import { logCall } from "../../src/steps/log-call.ts";
import { fakeLog } from "../support/fakes.ts";

const FAILED: CallReport = {
  requestId: "r-1",
  traceId: undefined,
  route: "/getToken",
  caller: "ns",
  provider: "main",
  nextauth: undefined,
  outcome: "error",
  status: 502,
  errorCode: "provider_error",
  providerStatus: undefined,
  providerError: undefined,
  attempts: 1,
  duration: 12.345,
  durations: { session_check: 3, provider: 8.25 },
  callBytes: 80,
  bytes: undefined,
};
const CANARY = "Zq7xWv4kPj";

/** The line for a failed call. */
function logged(error: TokenProxyError | undefined, report = FAILED) {
  const { log, lines } = fakeLog();
  logCall(log, report, { user: "u-1", session: undefined }, error);
  expect(lines).toHaveLength(1);
  return lines[0] as (typeof lines)[number];
}

const withCode = (code: string, cause?: unknown) => Object.assign(new Error(CANARY, { cause }), { code });

describe("an answer of the provider", () => {
  const token: CallReport = {
    ...FAILED,
    outcome: "token",
    status: 200,
    errorCode: undefined,
    providerStatus: 200,
    bytes: 500,
  };

  it("that is a token is told by sizes, statuses and durations", () => {
    expect(logged(undefined, token)).toEqual({
      level: "info",
      event: "call",
      fields: {
        request_id: "r-1",
        route: "/getToken",
        caller: "ns",
        provider: "main",
        outcome: "token",
        status: 200,
        provider_status: 200,
        attempts: 1,
        duration_ms: 12.3,
        session_check_ms: 3,
        provider_ms: 8.3,
        call_bytes: 80,
        bytes: 500,
        user: "u-1",
      },
    });
  });

  it("that refuses is told with its error code and the provider's own status", () => {
    const refused: CallReport = { ...token, outcome: "refused", status: 403, providerError: "access_denied" };
    expect(logged(undefined, refused)).toMatchObject({
      level: "info",
      fields: { outcome: "refused", status: 403, provider_status: 200, provider_error: "access_denied" },
    });
  });
});

describe("a failed call", () => {
  it("is told with code, reason, detail and what is known of the call", () => {
    const error = new TokenProxyError("provider_error", 'the provider "providers.main" answered with status 500', {
      detail: { provider_status: 500 },
    });
    expect(logged(error)).toEqual({
      level: "warn",
      event: "call",
      fields: {
        request_id: "r-1",
        route: "/getToken",
        caller: "ns",
        provider: "main",
        outcome: "error",
        status: 502,
        error_code: "provider_error",
        reason: 'the provider "providers.main" answered with status 500',
        provider_status: 500,
        attempts: 1,
        duration_ms: 12.3,
        session_check_ms: 3,
        provider_ms: 8.3,
        call_bytes: 80,
        user: "u-1",
      },
    });
  });

  it.each<[ErrorCode, string]>([
    ["internal", "error"],
    ["provider_rejected_proxy", "error"],
    ["provider_unreachable", "warn"],
    ["provider_busy", "warn"],
    ["caller_unauthenticated", "warn"],
    ["call_invalid", "warn"],
    ["not_found", "warn"],
  ])("with %s is a line of level %s", (code, level) => {
    expect(logged(new TokenProxyError(code, "m")).level).toBe(level);
  });

  it.each([
    [0.04, 0],
    [0.05, 0.1],
    [1_234.56, 1_234.6],
  ])("that took %d ms is said to have taken %d", (duration, told) => {
    expect(logged(new TokenProxyError("internal", "m"), { ...FAILED, duration }).fields.duration_ms).toBe(told);
  });
});

describe("causes", () => {
  const causeOf = (cause: unknown) => logged(new TokenProxyError("provider_unreachable", "m", { cause })).fields.cause;

  it.each<[string, unknown, string | undefined]>([
    ["a code", withCode("ECONNREFUSED"), "ECONNREFUSED"],
    ["a name where there is no code", new TypeError(CANARY), "TypeError"],
    ["a name where the code is no code", withCode(`bad ${CANARY}`), "Error"],
    ["a name where the code is too long", withCode("E".repeat(65)), "Error"],
    ["a chain", withCode("UND_ERR_SOCKET", withCode("ECONNRESET")), "UND_ERR_SOCKET < ECONNRESET"],
    ["an exchange", new TransportError("truncated", withCode("ECONNRESET")), "TransportError < ECONNRESET"],
    ["a text", CANARY, "thrown string"],
    ["a text within", new TypeError("m", { cause: CANARY }), "TypeError"],
    ["an object", { message: CANARY, code: "EFAKE" }, "thrown object"],
    ["nothing", undefined, undefined],
  ])("are told by codes and names: %s", (_, cause, told) => {
    expect(causeOf(cause)).toBe(told);
  });

  it("are followed four deep, and not round in circles", () => {
    const error = new Error("m");
    error.cause = error;
    expect(causeOf(error)).toBe("Error < Error < Error < Error");
  });

  it("come without their messages, whatever the error", () => {
    const chain = new TypeError(`${CANARY} 1`, { cause: new Error(`${CANARY} 2`, { cause: withCode("E") }) });
    for (const code of ["internal", "provider_unreachable"] as const) {
      expect(JSON.stringify(logged(new TokenProxyError(code, "m", { cause: chain })))).not.toContain(CANARY);
    }
  });
});

describe("a bug", () => {
  it("is told with where it happened", () => {
    const { fields } = logged(asCallError(new TypeError(CANARY)));
    expect(fields).toMatchObject({ error_code: "internal", cause: "TypeError" });
    expect(fields.stack).toMatch(/^at .*log-call\.test\.ts/);
    expect(JSON.stringify(fields)).not.toContain(CANARY);
  });

  it("is told without a stack where it is no bug", () => {
    const { fields } = logged(new TokenProxyError("provider_unreachable", "m", { cause: new Error("x") }));
    expect(fields).not.toHaveProperty("stack");
  });

  it.each([
    ["several lines", `first\nsecond ${CANARY}`],
    ["a line that looks like a frame", `unexpected token\n    at ${CANARY}`],
    ["a line that looks like a frame with its place", `x\n  at ${CANARY} (file.ts:1:1)\ny`],
  ])("leaves its message out even with %s", (_, message) => {
    expect(JSON.stringify(logged(asCallError(new SyntaxError(message))))).not.toContain(CANARY);
  });

  it("without a stack is told by its name", () => {
    const error = new RangeError(CANARY);
    delete error.stack;
    const { fields } = logged(asCallError(error));
    expect(fields.cause).toBe("RangeError");
    expect(fields).not.toHaveProperty("stack");
  });
});

describe("what a call failed with", () => {
  it("stays what it is where it is an error of ours", () => {
    const error = new TokenProxyError("call_invalid", "m");
    expect(asCallError(error)).toBe(error);
  });

  it.each([new TypeError(CANARY), CANARY, undefined, null, { code: "call_invalid" }])(
    "is internal otherwise, with nothing of it in the message: %s",
    (thrown) => {
      const error = asCallError(thrown);
      expect(error.code).toBe("internal");
      expect(error.message).toBe("the proxy failed; its log has the reason under this request_id");
      expect(error.cause).toBe(thrown);
    },
  );
});
