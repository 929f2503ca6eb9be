// Durations are whole numbers with a unit, and nothing else.

import { expect, it } from "vitest";
import { parseDuration } from "../../src/config/duration.ts";

it.each([
  ["0ms", 0],
  ["1ms", 1],
  ["500ms", 500],
  ["5s", 5_000],
  ["10m", 600_000],
  ["24h", 86_400_000],
  ["007s", 7_000],
  ["999999999ms", 999_999_999],
])("%s is %i milliseconds", (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});

it.each([
  "",
  "5",
  "s",
  "5 s",
  " 5s",
  "5s ",
  "5s\n",
  "5S",
  "-5s",
  "+5s",
  "1.5s",
  "5sec",
  "1m30s",
  "1d",
  "1e3ms",
  "٥s",
  "1234567890ms",
])("%j is no duration", (text) => {
  expect(parseDuration(text)).toBeUndefined();
});
