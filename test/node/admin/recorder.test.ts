// The last calls, the outcome per provider and nextAuth Server, and the counts per minute.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../../src/core/call-report.ts";
import { createRecorder, MINUTE_MS, RECENT_CALLS, RECENT_MINUTES } from "../../../src/node/admin/recorder.ts";
import { NOW, report } from "../../support/status-snapshot.ts";

function setUp() {
  const clock = { now: NOW };
  const recorder = createRecorder(() => clock.now);
  return { clock, recorder };
}

const failed = (errorCode: NonNullable<CallReport["errorCode"]>, changes: Partial<CallReport> = {}): CallReport =>
  report({ outcome: "error", status: 502, errorCode, ...changes });

it("the recorder keeps the last fifty calls, newest first", () => {
  const { recorder } = setUp();
  for (let i = 0; i < 123; i++) recorder.record(report({ requestId: `r-${i}` }));
  const ids = recorder.calls().map((call) => call.report.requestId);
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
    expect(recorder.provider("main").last).toEqual({ outcome: "provider_unreachable", at: NOW + 2_000 });
    expect(recorder.provider("other").last).toEqual({ outcome: "refused", at: NOW + 4_000 });
    expect(recorder.provider("unused")).toMatchObject({ last: undefined, last_token: undefined, recent: { token: 0 } });
  });
});

it("a token of an earlier provider counts for it, with its own time; a failure counts for that provider only", () => {
  const { clock, recorder } = setUp();
  const durations = { "token.home": 20, provider: 70 };
  recorder.record(report({ provider: "retail", duration: 90, durations }));
  clock.now += 1_000;
  recorder.record(failed("provider_error", { provider: "home", durations: { "token.home": 20 } }));
  recorder.record(failed("provider_error", { provider: "retail", durations }));
  const { last, last_token, recent } = recorder.provider("home");
  expect({ last, last_token, tokens: recent.token, errors: recent.error }).toEqual({
    ...{ last: { outcome: "provider_error", at: NOW + 1_000 }, last_token: NOW, tokens: 1, errors: 1 },
  });
  expect(recent.durations.percentile(1)).toBeLessThan(25_000);
  expect(recorder.provider("retail").recent).toMatchObject({ token: 1, error: 1 });
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
  it("are counted by outcome", () => {
    const { clock, recorder } = setUp();
    recorder.record(report());
    recorder.record(report());
    clock.now += MINUTE_MS;
    recorder.record(report({ outcome: "refused" }));
    recorder.record(failed("provider_timeout"));
    expect(recorder.provider("retail").recent).toMatchObject({ token: 2, refused: 1, error: 1 });
  });

  it.each([
    ...(["session_not_logged_in", "session_mismatch", "session_check_failed", "attribute_missing"] as const),
    ...(["attributes_timeout", "call_invalid", "call_deadline", "caller_gone"] as const),
  ])("do not include %s, because the provider was not asked", (errorCode) => {
    const { recorder } = setUp();
    recorder.record(report());
    recorder.record(failed(errorCode));
    expect(recorder.provider("retail")).toMatchObject({ last: { outcome: "token" }, recent: { token: 1, error: 0 } });
  });

  it("include a call that was cut off while the provider was asked", () => {
    const { recorder } = setUp();
    recorder.record(failed("call_deadline", { durations: { session_check: 5, discovery: 300 } }));
    recorder.record(failed("caller_gone", { durations: { session_check: 5, provider: 300 } }));
    recorder.record(failed("call_deadline", { durations: { "token.retail": 300, "token.other": 5 } }));
    expect(recorder.provider("retail").recent).toMatchObject({ error: 3 });
  });

  it("are those of the last five minutes, including the current one", () => {
    const { clock, recorder } = setUp();
    for (let i = 0; i < 100; i++, clock.now += MINUTE_MS) recorder.record(report());
    clock.now -= MINUTE_MS;
    expect(recorder.provider("retail").recent.token).toBe(RECENT_MINUTES);
    clock.now += 2 * MINUTE_MS;
    expect(recorder.provider("retail").recent.token).toBe(RECENT_MINUTES - 2);
    clock.now += 3 * MINUTE_MS;
    expect(recorder.provider("retail").recent).toMatchObject({ token: 0, durations: { count: 0 } });
  });

  it("are still counted after the clock was set back", () => {
    const { clock, recorder } = setUp();
    recorder.record(report());
    clock.now -= 10 * MINUTE_MS;
    recorder.record(report());
    expect(recorder.provider("retail").recent.token).toBe(2);
  });
});

describe("percentiles", () => {
  it("are at most 7 % too high, and never too low", () => {
    const { recorder } = setUp();
    for (let ms = 1; ms <= 1_000; ms++) recorder.record(report({ duration: ms }));
    const { durations } = recorder.provider("retail").recent;
    for (const percent of [50, 99, 100]) {
      expect(durations.percentile(percent)).toBeGreaterThanOrEqual(10_000 * percent);
      expect(durations.percentile(percent)).toBeLessThan(10_000 * percent * 1.07);
    }
  });

  it("cover the calls of all these minutes", () => {
    const { clock, recorder } = setUp();
    recorder.record(report({ duration: 0 }));
    clock.now += MINUTE_MS;
    recorder.record(report({ duration: 60_000 }));
    const { durations } = recorder.provider("retail").recent;
    expect(durations.percentile(50)).toBe(1);
    expect(durations.percentile(100)).toBeGreaterThanOrEqual(60_000_000);
  });
});
