// A provider whose clock is far from ours is told of, once in a while.

import { expect, it } from "vitest";
import type { TransportRequest } from "../../src/core/transport.ts";
import { createClockWatch } from "../../src/oauth/clock-watch.ts";
import { fakeClock, fakeLog, response } from "../support/fakes.ts";

const REQUEST = {} as TransportRequest;

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
    async answer(ahead: number, others: Record<string, string> = {}) {
      headers = { date: new Date(clock.now() + ahead * 1_000).toUTCString(), ...others };
      await transport(REQUEST);
    },
  };
}

it("warns of a clock that is ahead or behind, with a cure", async () => {
  for (const [ahead, which] of [
    [90, "ahead of ours"],
    [-90, "behind ours"],
  ] as const) {
    const { answer, lines, watch } = setUp();
    await answer(ahead);
    expect(watch.skew()).toBe(ahead);
    expect(lines).toEqual([
      {
        level: "warn",
        event: "the provider's clock differs",
        fields: { provider: "main", seconds: 90, which, cure: expect.stringContaining("NTP") },
      },
    ]);
  }
});

it("says nothing of a few seconds, of no Date, and of what a cache answers", async () => {
  const { answer, lines, watch } = setUp();
  await answer(90, { age: "90" });
  await answer(90, { date: "yesterday" });
  expect(watch.skew()).toBeUndefined();
  await answer(4);
  expect(watch.skew()).toBe(4);
  expect(lines).toEqual([]);
});

it("looks once a minute, and warns once an hour", async () => {
  const { answer, lines, clock, watch } = setUp();
  await answer(0);
  clock.advance(59_999);
  await answer(90);
  expect(watch.skew()).toBe(0);
  clock.advance(1);
  for (let minute = 0; minute < 61; minute++) {
    await answer(90);
    clock.advance(60_000);
  }
  expect(watch.skew()).toBe(90);
  expect(lines).toHaveLength(2);
});
