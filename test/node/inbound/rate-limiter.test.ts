// Node counts requests by a key in a window that starts with the first of them, in memory that is bounded whatever keys come.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RateLimiter } from "../../../src/core/inbound.ts";
import { createNodeRateLimiter } from "../../../src/node/inbound/rate-limiter.ts";

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse("2026-11-23T12:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

const BUCKETS = 262_144;

const create = (limit: number, window: number) => createNodeRateLimiter({ limit, window, binding: "unused" });

/** What each of so many requests is told. */
async function ask(limiter: RateLimiter, key: string, times: number): Promise<(number | undefined)[]> {
  const told: (number | undefined)[] = [];
  for (let count = 0; count < times; count++) told.push(await limiter(key));
  return told;
}

/** Which of these keys are refused at their first request. */
async function refused(limiter: RateLimiter, keys: Iterable<string>): Promise<string[]> {
  const found: string[] = [];
  for (const key of keys) if ((await limiter(key)) !== undefined) found.push(key);
  return found;
}

function* keys(prefix: string, count: number): Generator<string> {
  for (let index = 0; index < count; index++) yield `${prefix}${index}`;
}

describe("a key", () => {
  it.each([1, 3, 10])("may come %i times in the window, and not once more", async (limit) => {
    const told = await ask(create(limit, 60_000), "k", limit + 2);
    expect(told).toEqual([...Array(limit).fill(undefined), 60, 60]);
  });

  it("is told the seconds that are left of its window, at least one", async () => {
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
  ])("in a window of %i ms is told %i s", async (window, seconds) => {
    const limiter = create(1, window);
    expect(await ask(limiter, "k", 2)).toEqual([undefined, seconds]);
    vi.advanceTimersByTime(window);
    expect(await limiter("k")).toBeUndefined();
  });

  it("is not refused longer because it goes on asking", async () => {
    const limiter = create(1, 10_000);
    await limiter("k");
    for (let passed = 1; passed < 10; passed++) {
      vi.advanceTimersByTime(1_000);
      expect(await limiter("k")).toBe(10 - passed);
    }
    vi.advanceTimersByTime(1_000);
    expect(await ask(limiter, "k", 2)).toEqual([undefined, 10]);
  });

  it("counts for itself alone", async () => {
    const limiter = create(1, 60_000);
    await ask(limiter, "k", 5);
    // One of twenty may share the bucket of the first, which happens once in thousands of runs.
    expect((await refused(limiter, keys("other", 20))).length).toBeLessThan(2);
  });

  it("counts for one limit alone", async () => {
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
  it("fall into so many buckets, each as likely as any other", async () => {
    const limiter = create(1, 60_000);
    const through = BUCKETS - (await refused(limiter, keys("k", BUCKETS))).length;
    // As many keys as buckets leave 1/e of these empty.
    expect(through / BUCKETS).toBeGreaterThan(0.62);
    expect(through / BUCKETS).toBeLessThan(0.645);
    expect(vi.getTimerCount()).toBe(through);
    vi.advanceTimersByTime(60_000);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("fall together differently in every limiter, so that nobody can choose keys that do", async () => {
    const [first, second] = [create(1, 60_000), create(1, 60_000)];
    const together = await refused(first, keys("k", 8_000));
    expect(together.length).toBeGreaterThan(20);
    expect(await refused(second, keys("k", 8_000))).not.toEqual(together);
  });
});
