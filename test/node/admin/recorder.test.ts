// The last calls, the outcome per provider and nextAuth Server, and the counts per minute.

import { describe, expect, it } from "vitest";
import type { CallReport } from "../../../src/core/call-report.ts";
import {
  createRecorder,
  lastMinutes,
  MINUTE_MS,
  MINUTES_KEPT,
  RECENT_CALLS,
  sumOf,
} from "../../../src/node/admin/recorder.ts";
import { NOW, report } from "../../support/status-snapshot.ts";

const MINUTE = Math.floor(NOW / MINUTE_MS);

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
    expect(recorder.provider("unused")).toEqual({ last: undefined, last_token: undefined, minutes: [] });
  });
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

describe("the minutes of a provider", () => {
  it("count outcomes", () => {
    const { clock, recorder } = setUp();
    recorder.record(report());
    recorder.record(report());
    clock.now += MINUTE_MS;
    recorder.record(report({ outcome: "refused" }));
    recorder.record(failed("provider_timeout"));
    expect(recorder.provider("retail").minutes).toMatchObject([
      { minute: MINUTE, token: 2, refused: 0, error: 0 },
      { minute: MINUTE + 1, token: 0, refused: 1, error: 1 },
    ]);
  });

  it.each([
    ...(["session_not_logged_in", "session_mismatch", "session_check_failed", "attribute_missing"] as const),
    ...(["attributes_timeout", "call_invalid"] as const),
  ])("do not count %s, because the provider was not asked", (errorCode) => {
    const { recorder } = setUp();
    recorder.record(report());
    recorder.record(failed(errorCode));
    expect(recorder.provider("retail")).toMatchObject({
      last: { outcome: "token" },
      minutes: [{ token: 1, error: 0 }],
    });
  });

  it("are kept for half an hour", () => {
    const { clock, recorder } = setUp();
    for (let i = 0; i < 100; i++, clock.now += MINUTE_MS) recorder.record(report());
    const minutes = recorder.provider("retail").minutes.map(({ minute }) => minute - MINUTE);
    expect(minutes).toEqual(Array.from({ length: MINUTES_KEPT }, (_, i) => 100 - MINUTES_KEPT + i));
  });

  it("keep counting after the clock was set back", () => {
    const { clock, recorder } = setUp();
    recorder.record(report());
    clock.now -= 10 * MINUTE_MS;
    recorder.record(report());
    expect(recorder.provider("retail").minutes).toMatchObject([{ minute: MINUTE, token: 2 }]);
  });

  it("are chosen by age, including the current minute", () => {
    const { clock, recorder } = setUp();
    for (let i = 0; i < 10; i++, clock.now += MINUTE_MS) recorder.record(report());
    const { minutes } = recorder.provider("retail");
    expect(lastMinutes(minutes, 5, NOW + 7 * MINUTE_MS).map(({ minute }) => minute - MINUTE)).toEqual([3, 4, 5, 6, 7]);
  });
});

describe("percentiles", () => {
  it("are at most 7 % too high, and never too low", () => {
    const { recorder } = setUp();
    for (let ms = 1; ms <= 1_000; ms++) recorder.record(report({ duration: ms }));
    const { durations } = sumOf(recorder.provider("retail").minutes);
    for (const percent of [50, 95, 99, 100]) {
      expect(durations.percentile(percent)).toBeGreaterThanOrEqual(10_000 * percent);
      expect(durations.percentile(percent)).toBeLessThan(10_000 * percent * 1.07);
    }
  });

  it("cover the calls of all minutes that are summed", () => {
    const { clock, recorder } = setUp();
    recorder.record(report({ duration: 0 }));
    clock.now += MINUTE_MS;
    recorder.record(report({ duration: 60_000 }));
    const { durations } = sumOf(recorder.provider("retail").minutes);
    expect(durations.percentile(50)).toBe(1);
    expect(durations.percentile(100)).toBeGreaterThanOrEqual(60_000_000);
  });
});
