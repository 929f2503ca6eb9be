// Numbers and times in the words of the status page.

import { describe, expect, it } from "vitest";
import {
  ago,
  counted,
  dateOf,
  duration,
  iso,
  milliseconds,
  percent,
  rate,
  roughly,
} from "../../../src/node/admin/page-words.ts";

const HOUR = 3_600_000;

describe("the words of the status page", () => {
  it.each([
    [-5_000, "0 s"],
    [59_999, "59 s"],
    [60_000, "1 min"],
    [HOUR, "1 h"],
    [HOUR + 62_000, "1 h 1 min"],
    [24 * HOUR, "1 day"],
    [25 * HOUR, "1 day 1 h"],
    [71 * HOUR, "2 days 23 h"],
    [400 * 24 * HOUR + 3 * HOUR, "400 days"],
  ])("say of %i milliseconds: %s", (ms, words) => {
    expect(duration(ms)).toBe(words);
  });

  it("never show what is there as nothing, nor what is not complete as all", () => {
    expect([percent(0, 9), percent(1, 10_000), percent(9_999, 10_000), percent(9, 9)]).toEqual([
      "0 %",
      "< 0.1 %",
      "> 99.9 %",
      "100 %",
    ]);
    expect([percent(1, 64), percent(1, 3)]).toEqual(["1.6 %", "33 %"]);
  });

  it("group thousands, and are exact where that says something", () => {
    expect([counted(1, "call"), counted(0, "call"), counted(1_200, "call")]).toEqual([
      "1 call",
      "0 calls",
      "1,200 calls",
    ]);
    expect([rate(0.2), rate(9.96), rate(1_141.7)]).toEqual(["0.2", "10", "1,142"]);
    expect([roughly(0.1), roughly(12.8), roughly(5_635)]).toEqual(["0.1 ms", "13 ms", "5.6 s"]);
    expect([milliseconds(12), milliseconds(5_001.25)]).toEqual(["12.0 ms", "5,001.3 ms"]);
  });

  it("tell an age with its time, and of a time that is to come that it is now", () => {
    const at = Date.parse("2026-11-24T14:03:30.250Z");
    expect(ago(at, at + 90_000).text).toBe(
      '<time datetime="2026-11-24T14:03:30.250Z" title="2026-11-24T14:03:30.250Z">1 min ago</time>',
    );
    expect(ago(at, at - HOUR).text).toContain(">just now<");
  });

  it("take a date for one only where it is", () => {
    expect(dateOf("2026-11-24")).toBe(Date.parse("2026-11-24T00:00:00Z"));
    expect([dateOf(undefined), dateOf("2026-13-24"), dateOf("24.11.2026"), dateOf("2026-11-24T10:00Z")]).toEqual(
      Array(4).fill(undefined),
    );
    expect(iso(8.64e15 + 1)).toBe("");
  });
});
