// Numbers and times as text.

import { describe, expect, it } from "vitest";
import { count, counted, duration } from "../../../src/node/admin/format.ts";

const HOUR_MS = 3_600_000;

describe("format", () => {
  it.each([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [HOUR_MS, "1 h"],
    [HOUR_MS + 62_000, "1 h"],
    [25 * HOUR_MS, "1 d"],
    [1_234 * 24 * HOUR_MS, "1,234 d"],
  ])("writes %i ms as %s", (ms, text) => {
    expect(duration(ms)).toBe(text);
  });

  it("groups thousands", () => {
    expect([count(999), count(1_200), count(1_234_567.4)]).toEqual(["999", "1,200", "1,234,567"]);
    expect([counted(1, "call"), counted(0, "call"), counted(1_200, "call")]).toEqual([
      "1 call",
      "0 calls",
      "1,200 calls",
    ]);
  });

  it("keeps one decimal of small numbers only", () => {
    expect([count(0), count(0.2), count(3), count(9.96), count(1_141.7)]).toEqual(["0", "0.2", "3", "10", "1,142"]);
  });
});
