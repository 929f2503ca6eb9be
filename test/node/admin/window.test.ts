// Rates and percentiles of the last minutes, of one process or of several together.

import { describe, expect, it } from "vitest";
import {
  bucketOf,
  createWindow,
  endOf,
  MINUTE_MS,
  MINUTES_KEPT,
  percentile,
  sum,
} from "../../../src/node/admin/window.ts";
import { NOW } from "../../support/fakes.ts";

const MINUTE = Math.floor(NOW / MINUTE_MS);

describe("buckets", () => {
  it.each([0, 0.05, 0.1, 0.11, 1, 5, 42, 1_000, 60_000])("hold %d ms, and end at most a fifth above", (ms) => {
    const end = endOf(bucketOf(ms));
    expect(end).toBeGreaterThanOrEqual(Math.max(ms, 0.1) - 1e-9);
    expect(end).toBeLessThan(Math.max(ms, 0.1) * 1.2 + 1e-9);
  });
});

describe("a window", () => {
  it("counts outcomes by the minute", () => {
    const window = createWindow();
    window.count({ outcome: "token", duration: 5 }, NOW);
    window.count({ outcome: "token", duration: 5 }, NOW + 1_000);
    window.count({ outcome: "refused", duration: 5 }, NOW + MINUTE_MS);
    window.count({ outcome: "error", duration: 5_000 }, NOW + MINUTE_MS);
    expect(window.minutes(NOW + MINUTE_MS)).toEqual([
      { minute: MINUTE, tokens: 2, refused: 0, errors: 0, durations: { [bucketOf(5)]: 2 } },
      { minute: MINUTE + 1, tokens: 0, refused: 1, errors: 1, durations: { [bucketOf(5)]: 1, [bucketOf(5_000)]: 1 } },
    ]);
  });

  it("forgets what is older, whether calls come or not", () => {
    const window = createWindow();
    for (let i = 0; i < 100; i++) window.count({ outcome: "token", duration: 1 }, NOW + i * MINUTE_MS);
    const minutes = window.minutes(NOW + 99 * MINUTE_MS).map(({ minute }) => minute - MINUTE);
    expect(minutes).toEqual(Array.from({ length: MINUTES_KEPT }, (_, i) => 100 - MINUTES_KEPT + i));
    expect(window.minutes(NOW + 1_000 * MINUTE_MS)).toEqual([]);
  });

  it("counts on where the clock is set back", () => {
    const window = createWindow();
    window.count({ outcome: "token", duration: 1 }, NOW);
    window.count({ outcome: "token", duration: 1 }, NOW - 10 * MINUTE_MS);
    expect(window.minutes(NOW)).toMatchObject([{ minute: MINUTE, tokens: 2 }]);
  });
});

describe("percentiles", () => {
  const of = (...durations: number[]) => {
    const window = createWindow();
    for (const duration of durations) window.count({ outcome: "token", duration }, NOW);
    return sum(window.minutes(NOW));
  };

  it("are within a fifth of the calls' own", () => {
    const all = of(...Array.from({ length: 1_000 }, (_, i) => i + 1));
    for (const share of [0.5, 0.95, 0.99, 1]) {
      const told = percentile(all, share) as number;
      expect(told).toBeGreaterThanOrEqual(1_000 * share);
      expect(told).toBeLessThan(1_000 * share * 1.2);
    }
  });

  it("are none without calls", () => {
    expect(percentile(sum([]), 0.5)).toBeUndefined();
  });
});
