// Requests are counted per key, in a window that starts with the first one, in limited memory.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { RateLimiter } from "../../../src/core/inbound.ts";
import { createNodeRateLimiter } from "../../../src/node/inbound/rate-limiter.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-23T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

const create = (limit: number, window: number) => createNodeRateLimiter({ limit, window, binding: "unused" });

/** @returns for each request the seconds to wait, or undefined */
async function ask(limiter: RateLimiter, key: string, times: number): Promise<(number | undefined)[]> {
  const waits: (number | undefined)[] = [];
  for (let count = 0; count < times; count++) waits.push(await limiter(key));
  return waits;
}

/** @returns the keys whose first request is refused */
async function refused(limiter: RateLimiter, count: number): Promise<number[]> {
  const found: number[] = [];
  for (let key = 0; key < count; key++) if ((await limiter(`key-${key}`)) !== undefined) found.push(key);
  return found;
}

it.each([
  [1, 500, 1],
  [3, 1_500, 2],
  [10, 60_000, 60],
])(
  "allows %i requests in a window of %i ms; others have to wait %i s, and a new window is full again",
  async (limit, window, seconds) => {
    const limiter = create(limit, window);
    const expected = [...Array(limit).fill(undefined), seconds, seconds];
    expect(await ask(limiter, "k", limit + 2)).toEqual(expected);
    expect(await create(limit, window)("k")).toBeUndefined(); // limiters do not share counts
    vi.advanceTimersByTime(window);
    expect(await ask(limiter, "k", limit + 2)).toEqual(expected);
  },
);

it("gives the remaining seconds of the window, which asking again does not prolong", async () => {
  const limiter = create(1, 60_000);
  await limiter("k");
  for (const [passed, left] of [
    [1, 60],
    [999, 59],
    [58_000, 1],
    [999, 1],
  ] as const) {
    vi.advanceTimersByTime(passed);
    expect(await limiter("k")).toBe(left);
  }
  vi.advanceTimersByTime(1);
  expect(await limiter("k")).toBeUndefined();
});

it.each(["", "__proto__", "ü\u0000\n", "x".repeat(100_000)])("accepts any text as key (%#)", async (key) => {
  expect(await ask(create(1, 60_000), key, 2)).toEqual([undefined, 60]);
});

it("spreads keys over 2^18 counters, differently in every limiter, and forgets them with the window", async () => {
  const KEYS = 10_000;
  const limiter = create(1, 60_000);
  const sharing = await refused(limiter, KEYS);
  // KEYS² / (2 · 2^18) = 191 on average, with a standard deviation of 14: bounds at 9 of them.
  expect(sharing.length).toBeGreaterThan(65);
  expect(sharing.length).toBeLessThan(320);
  // Nobody can choose keys that share.
  expect(await refused(create(1, 60_000), 3_000)).not.toEqual(sharing.filter((key) => key < 3_000));
  vi.advanceTimersByTime(60_000);
  expect(vi.getTimerCount()).toBe(0);
});
