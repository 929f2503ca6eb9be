// Numbers and times as text.

import { describe, expect, it } from "vitest";
import { count, counted, duration, percent, short, shortTime } from "../../../src/node/admin/format.ts";

const HOUR_MS = 3_600_000;

describe("format", () => {
  it.each([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [HOUR_MS, "1 h"],
    [HOUR_MS + 62_000, "1 h 1 min"],
    [25 * HOUR_MS, "1 day 1 h"],
    [1_234 * 24 * HOUR_MS, "1,234 days"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("groups thousands", () => {
    const texts = [
      count(999),
      count(1_200),
      count(1_234_567),
      count(5_001.25, 1),
      counted(1, "call"),
      counted(0, "call"),
    ];
    expect(texts).toEqual(["999", "1,200", "1,234,567", "5,001.3", "1 call", "0 calls"]);
  });

  it("keeps one decimal of small numbers only", () => {
    expect([short(0), short(0.2), short(9.96), short(1_141.7)]).toEqual(["0", "0.2", "10", "1,142"]);
    expect([shortTime(0.1), shortTime(12.8), shortTime(5_635)]).toEqual(["0.1 ms", "13 ms", "5.6 s"]);
  });

  it("writes 0 % only for nothing and 100 % only for everything", () => {
    const shares = [
      percent(0, 9),
      percent(1, 10_000),
      percent(1, 64),
      percent(1, 3),
      percent(998, 1_000),
      percent(9, 9),
    ];
    expect(shares).toEqual(["0 %", "< 0.1 %", "1.6 %", "33 %", "> 99 %", "100 %"]);
  });
});
