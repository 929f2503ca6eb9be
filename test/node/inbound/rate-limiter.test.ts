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

/** Keys that a limiter remembers. */
const MAX_KEYS = 100_000;

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
    expect(await refused(limiter, keys("other", 20))).toEqual([]);
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
  it("are counted separately, and the oldest ones are forgotten beyond 100,000", async () => {
    const limiter = create(1, 60_000);
    expect(await refused(limiter, keys("k", MAX_KEYS))).toEqual([]);
    expect(await refused(limiter, ["k0", `k${MAX_KEYS - 1}`])).toEqual(["k0", `k${MAX_KEYS - 1}`]);
    expect(await refused(limiter, keys("new", 10))).toEqual([]);
    expect(await refused(limiter, ["k10", `k${MAX_KEYS - 1}`])).toEqual(["k10", `k${MAX_KEYS - 1}`]);
    expect(await refused(limiter, ["k9"])).toEqual([]);
  });

  it("keep no timers, and are forgotten after their window", async () => {
    const limiter = create(1, 60_000);
    await refused(limiter, keys("k", 1_000));
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(60_000);
    // Renewed, k5 is the newest one: the others make room before it does.
    expect(await refused(limiter, ["k5", ...keys("new", MAX_KEYS - 1), "k5"])).toEqual(["k5"]);
  });
});

it.each([-3_600_000, 3_600_000])("does not depend on the wall clock, which is set by %i ms", async (change) => {
  const limiter = create(1, 60_000);
  await limiter("k");
  vi.setSystemTime(Date.now() + change);
  expect(await limiter("k")).toBe(60);
  vi.advanceTimersByTime(60_000);
  expect(await limiter("k")).toBeUndefined();
});
