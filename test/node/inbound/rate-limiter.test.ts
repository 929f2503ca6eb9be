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

/** That a limiter remembers. */
const MAX_KEYS = 100_000;

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

it("counts keys separately, and forgets the oldest ones beyond 100,000", async () => {
  const limiter = create(1, 60_000);
  expect(await refused(limiter, MAX_KEYS)).toEqual([]);
  expect(await ask(limiter, "key-0", 1)).toEqual([60]);
  expect(await ask(limiter, "new", 1)).toEqual([undefined]); // takes the room of 0
  expect(await ask(limiter, "key-1", 1)).toEqual([60]);
  expect(await ask(limiter, "key-0", 1)).toEqual([undefined]);
});

it("keeps no timers, and renews a key as the newest one after its window", async () => {
  const limiter = create(1, 60_000);
  await refused(limiter, 1_000);
  expect(vi.getTimerCount()).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(await limiter("key-5")).toBeUndefined();
  for (let key = 0; key < MAX_KEYS - 1; key++) await limiter(`new ${key}`);
  expect(await limiter("key-5")).toBe(60);
});

it.each([-3_600_000, 3_600_000])("does not depend on the wall clock, which is set by %i ms", async (change) => {
  const limiter = create(1, 60_000);
  await limiter("k");
  vi.setSystemTime(Date.now() + change);
  expect(await limiter("k")).toBe(60);
  vi.advanceTimersByTime(60_000);
  expect(await limiter("k")).toBeUndefined();
});
