// How far a server's clock is from ours, by the Date of its answers, and when that is logged.

import { describe, expect, it } from "vitest";
import type { TransportRequest } from "../../src/core/transport.ts";
import { createClockWatch, skewOfAnswer } from "../../src/oauth/clock-skew.ts";
import { fakeClock, fakeLog, response } from "../support/fakes.ts";

const NOON = Date.UTC(2026, 10, 24, 12, 0, 0);
const skewOf = (headers: Record<string, string>, sent = NOON, received = sent) =>
  skewOfAnswer(new Headers(headers), sent, received);

describe("the skew of an answer", () => {
  it.each([
    ["Tue, 24 Nov 2026 12:00:00 GMT", 0],
    ["Tue, 24 Nov 2026 12:01:30 GMT", 90],
    ["Tue, 24 Nov 2026 11:59:00 GMT", -60],
  ])("dated %s is %d seconds", (date, seconds) => {
    expect(skewOf({ date })).toBe(seconds);
  });

  it("is 0 if the Date is between request and answer", () => {
    const date = "Tue, 24 Nov 2026 12:00:00 GMT";
    expect(skewOf({ date }, NOON - 10_000, NOON + 10_000)).toBe(0);
    expect(skewOf({ date }, NOON - 10_000, NOON - 250)).toBe(0.25);
    expect(skewOf({ date }, NOON + 250, NOON + 10_000)).toBe(-0.25);
  });

  it("is unknown if the answer comes from a cache or has no proper Date", () => {
    expect(skewOf({ date: "Tue, 24 Nov 2026 12:01:30 GMT", age: "90" })).toBeUndefined();
    for (const headers of [{}, { date: "soon" }]) expect(skewOf(headers)).toBeUndefined();
  });
});

function setUp() {
  const clock = fakeClock();
  const { log, lines } = fakeLog();
  const watch = createClockWatch("main", { clock, log });
  let headers: Record<string, string> = {};
  const transport = watch.over(async () => response(200, {}, headers));
  return {
    clock,
    lines,
    watch,
    /** An answer of a provider whose clock is so many seconds ahead. */
    async answer(ahead: number) {
      headers = { date: new Date(clock.now() + ahead * 1_000).toUTCString() };
      await transport({} as TransportRequest);
    },
  };
}

describe("the clock watch", () => {
  it.each([
    [90, "ahead of ours"],
    [-90, "behind ours"],
  ])("warns of a clock that is %i seconds %s, and says what to do", async (ahead, which) => {
    const { answer, lines, watch } = setUp();
    await answer(ahead);
    expect(watch.skew()).toBe(ahead);
    const fields = { provider: "main", seconds: 90, which, cure: expect.stringContaining("NTP") };
    expect(lines).toEqual([{ level: "warn", event: "the provider's clock differs", fields }]);
  });

  it("warns once an hour, and not of a few seconds", async () => {
    const { answer, lines, clock, watch } = setUp();
    await answer(4);
    expect([watch.skew(), lines]).toEqual([4, []]);
    for (let minute = 0; minute < 61; minute++) {
      await answer(90);
      clock.advance(60_000);
    }
    expect(watch.skew()).toBe(90);
    expect(lines).toHaveLength(2);
  });
});
