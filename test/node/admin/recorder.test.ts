// The last calls, the outcome per provider and nextAuth Server, and its recent calls.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../../src/core/call-report.ts";
import {
  createRecorder,
  MAX_RECENT,
  MINUTE_MS,
  RECENT_CALLS,
  RECENT_MINUTES,
  type Recorder,
} from "../../../src/node/admin/recorder.ts";
import { NOW, report } from "../../support/status-snapshot.ts";

function setUp() {
  const clock = { now: NOW };
  const recorder = createRecorder(() => clock.now);
  return { clock, recorder };
}

const failed = (error_code: NonNullable<CallReport["error_code"]>, changes: Partial<CallReport> = {}): CallReport =>
  report({ outcome: "error", status: 502, error_code, ...changes });

const outcomes = (recorder: Recorder) => recorder.provider("retail").recent.map(({ outcome }) => outcome);

it("the recorder keeps the last fifty calls, newest first", () => {
  const { recorder } = setUp();
  for (let i = 0; i < 123; i++) recorder.record(report({ request_id: `r-${i}` }));
  const ids = recorder.calls().map((call) => call.report.request_id);
  expect(ids).toEqual(Array.from({ length: RECENT_CALLS }, (_, i) => `r-${122 - i}`));
});

describe("the last outcome of a provider", () => {
  it("is that of the last call that chose it", () => {
    const { clock, recorder } = setUp();
    for (const one of [
      report({ provider: "main" }),
      failed("provider_unreachable", { provider: "main" }),
      failed("caller_unauthenticated", { provider: undefined }),
      report({ provider: "other", outcome: "refused" }),
    ]) {
      clock.now += 1_000;
      recorder.record(one);
    }
    expect(recorder.provider("main").last).toMatchObject({ outcome: "provider_unreachable", at: NOW + 2_000 });
    expect(recorder.provider("other").last).toMatchObject({ outcome: "refused", at: NOW + 4_000 });
    expect(recorder.provider("unused")).toMatchObject({ last: undefined, last_token: undefined, recent: [] });
  });
});

it("a token of an earlier provider counts for it, with its own time; a failure counts for that provider only", () => {
  const { clock, recorder } = setUp();
  const durations = { "token.home": 20, provider: 70 };
  recorder.record(report({ provider: "retail", duration_ms: 90, durations }));
  clock.now += 1_000;
  recorder.record(failed("provider_error", { provider: "home", durations: { "token.home": 20 } }));
  recorder.record(failed("provider_error", { provider: "retail", durations }));
  const { last_token, recent } = recorder.provider("home");
  expect({ last_token, recent }).toEqual({
    last_token: NOW,
    recent: [
      { outcome: "token", at: NOW, duration: 20 },
      { outcome: "provider_error", at: NOW + 1_000, duration: 12.4 },
    ],
  });
  expect(outcomes(recorder)).toEqual(["token", "provider_error"]);
});

it("the time of a provider's last token stays through other outcomes", () => {
  const { clock, recorder } = setUp();
  for (const one of [report(), report({ outcome: "refused" }), failed("provider_timeout")]) {
    recorder.record(one);
    clock.now += 1_000;
  }
  expect(recorder.provider("retail").last_token).toBe(NOW);
});

describe("the last outcome of a nextAuth Server", () => {
  it.each([
    [report({ nextauth: "nextauth" }), "answered"],
    [failed("session_not_logged_in", { nextauth: "nextauth" }), "answered"],
    [failed("provider_timeout", { nextauth: "nextauth" }), "answered"],
    [failed("session_check_failed", { nextauth: "nextauth" }), "session_check_failed"],
    [failed("session_check_timeout", { nextauth: "nextauth" }), "session_check_timeout"],
    [failed("attributes_failed", { nextauth: "nextauth" }), "attributes_failed"],
    [failed("attributes_timeout", { nextauth: "nextauth" }), "attributes_timeout"],
  ])("says whether it answered (%#)", (one, outcome) => {
    const { recorder } = setUp();
    recorder.record(one);
    expect(recorder.nextauth("nextauth").last).toEqual({ outcome, at: NOW });
  });
});

it("does not know whether a nextAuth Server answered a call that was cut off", () => {
  const { recorder } = setUp();
  recorder.record({ ...failed("session_check_failed"), nextauth: "nextauth" });
  for (const code of ["call_deadline", "caller_gone"] as const) {
    recorder.record({ ...failed(code), nextauth: "nextauth" });
  }
  expect(recorder.nextauth("nextauth").last?.outcome).toBe("session_check_failed");
});

describe("the recent calls of a provider", () => {
  it.each([
    ...(["session_not_logged_in", "session_mismatch", "session_check_failed", "attribute_missing"] as const),
    ...(["attributes_timeout", "call_invalid", "call_deadline", "caller_gone"] as const),
  ])("do not include %s, because the provider was not asked", (errorCode) => {
    const { recorder } = setUp();
    recorder.record(report());
    recorder.record(failed(errorCode));
    expect(outcomes(recorder)).toEqual(["token"]);
    expect(recorder.provider("retail").last?.outcome).toBe("token");
  });

  it("include a call that was cut off while the provider was asked", () => {
    const { recorder } = setUp();
    recorder.record(failed("call_deadline", { durations: { session_check: 5, discovery: 300 } }));
    recorder.record(failed("caller_gone", { durations: { session_check: 5, provider: 300 } }));
    recorder.record(failed("call_deadline", { durations: { "token.retail": 300, "token.other": 5 } }));
    expect(outcomes(recorder)).toEqual(["call_deadline", "caller_gone", "call_deadline"]);
  });

  it("are those of the last five minutes", () => {
    const { clock, recorder } = setUp();
    for (let i = 0; i < 100; i++, clock.now += MINUTE_MS) recorder.record(report());
    clock.now -= MINUTE_MS;
    expect(outcomes(recorder)).toHaveLength(RECENT_MINUTES);
    clock.now += 2 * MINUTE_MS;
    expect(outcomes(recorder)).toHaveLength(RECENT_MINUTES - 2);
    clock.now += 3 * MINUTE_MS;
    expect(outcomes(recorder)).toEqual([]);
    expect(recorder.provider("retail").last?.outcome).toBe("token");
  });

  it("are limited, the oldest forgotten first", () => {
    const { recorder } = setUp();
    for (let i = 0; i < MAX_RECENT + 7; i++) recorder.record(report({ duration_ms: i }));
    const { recent } = recorder.provider("retail");
    expect([recent.length, recent[0]?.duration]).toEqual([MAX_RECENT, 7]);
  });

  it("are still there after the clock was set back", () => {
    const { clock, recorder } = setUp();
    recorder.record(report());
    clock.now -= 10 * MINUTE_MS;
    recorder.record(report());
    expect(outcomes(recorder)).toHaveLength(2);
  });
});
