// The rate limiter counts requests per key, in a window that starts with the first one and in limited memory.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RateLimiter } from "../../../src/core/inbound.ts";
import { createNodeRateLimiter } from "../../../src/node/inbound/rate-limiter.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-23T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Of 262,144 counters. */
const KEYS = 30_000;

const create = (limit: number, window: number) => createNodeRateLimiter({ limit, window, binding: "unused" });

/** @returns the answers to the requests: seconds to wait, or undefined */
async function ask(limiter: RateLimiter, key: string, times: number): Promise<(number | undefined)[]> {
  const told: (number | undefined)[] = [];
  for (let count = 0; count < times; count++) told.push(await limiter(key));
  return told;
}

/** @returns the keys whose first request is refused */
async function refused(limiter: RateLimiter, keys: Iterable<string>): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) if ((await limiter(key)) !== undefined) found.push(key);
  return found;
}

function* keys(prefix: string, count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield `${prefix}${index}`;
}

describe("a key", () => {
  it.each([1, 3, 10])("is allowed %i times in the window, and not once more", async (limit) => {
    const told = await ask(create(limit, 60_000), "k", limit + 2);
    expect(told).toEqual([...Array(limit).fill(undefined), 60, 60]);
  });

  it("gets the remaining seconds of its window, at least one", async () => {
    const limiter = create(1, 60_000);
    await limiter("k");
    for (const [passed, left] of [
      [0, 60],
      [1, 60],
      [999, 59],
      [1, 59],
      [57_999, 1],
      [999, 1],
    ] as const) {
      vi.advanceTimersByTime(passed);
      expect(await limiter("k")).toBe(left);
    }
    vi.advanceTimersByTime(1);
    expect(await limiter("k")).toBeUndefined();
  });

  it.each([
    [1, 1],
    [500, 1],
    [1_500, 2],
    [86_400_000, 86_400],
  ])("in a window of %i ms gets %i s", async (window, seconds) => {
    const limiter = create(1, window);
    expect(await ask(limiter, "k", 2)).toEqual([undefined, seconds]);
    vi.advanceTimersByTime(window);
    expect(await limiter("k")).toBeUndefined();
  });

  it("is not refused longer because it keeps asking", async () => {
    const limiter = create(1, 10_000);
    await limiter("k");
    for (let passed = 1; passed < 10; passed++) {
      vi.advanceTimersByTime(1_000);
      expect(await limiter("k")).toBe(10 - passed);
    }
    vi.advanceTimersByTime(1_000);
    expect(await ask(limiter, "k", 2)).toEqual([undefined, 10]);
  });

  it("does not count for other keys", async () => {
    const limiter = create(1, 60_000);
    await ask(limiter, "k", 5);
    // One of twenty may share its counter, once in thousands of runs; two never will.
    expect((await refused(limiter, keys("other", 20))).length).toBeLessThan(2);
  });

  it("does not count for other limiters", async () => {
    const [first, second] = [create(1, 60_000), create(1, 60_000)];
    await ask(first, "k", 2);
    expect(await second("k")).toBeUndefined();
  });

  it("may be any text", async () => {
    for (const key of ["", "__proto__", "constructor", "ü\u0000\n", "x".repeat(100_000)]) {
      expect(await ask(create(1, 60_000), key, 2)).toEqual([undefined, 60]);
    }
  });
});

describe("many keys", () => {
  it("share 2^18 counters evenly", async () => {
    const limiter = create(1, 60_000);
    const sharing = (await refused(limiter, keys("k", KEYS))).length;
    // KEYS² / (2 · 262,144) = 1,717 on average, with a standard deviation of 41.
    expect(sharing).toBeGreaterThan(1_300);
    expect(sharing).toBeLessThan(2_150);
    expect(vi.getTimerCount()).toBe(KEYS - sharing);
    vi.advanceTimersByTime(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("share counters differently in every limiter, so that nobody can choose keys that share one", async () => {
    const [first, second] = [create(1, 60_000), create(1, 60_000)];
    const together = await refused(first, keys("k", 8_000));
    expect(together.length).toBeGreaterThan(20);
    expect(await refused(second, keys("k", 8_000))).not.toEqual(together);
  });
});
