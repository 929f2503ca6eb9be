// How far another clock is from ours: which Date headers say so, and what they say.

import { describe, expect, it } from "vitest";
import { clockSkew } from "../../src/oauth/clock-skew.ts";

const NOW = Date.UTC(2026, 10, 24, 12, 0, 0);

describe("the Date of an answer", () => {
  it.each([
    ["Tue, 24 Nov 2026 12:00:00 GMT", 0],
    ["Tue, 24 Nov 2026 12:01:30 GMT", 90],
    ["Tue, 24 Nov 2026 11:59:00 GMT", -60],
    ["Wed, 25 Nov 2026 12:00:00 GMT", 86_400],
    ["Sun, 06 Nov 1994 08:49:37 GMT", (Date.UTC(1994, 10, 6, 8, 49, 37) - NOW) / 1_000],
    ["Thu, 29 Feb 2024 00:00:00 GMT", (Date.UTC(2024, 1, 29) - NOW) / 1_000],
  ])("%s is %d seconds from our clock", (date, seconds) => {
    expect(clockSkew(date, NOW)).toBe(seconds);
  });

  it("is compared with our clock to the millisecond", () => {
    expect(clockSkew("Tue, 24 Nov 2026 12:00:00 GMT", NOW + 250)).toBe(-0.25);
  });

  it("may be in a leap second", () => {
    expect(clockSkew("Sat, 31 Dec 2016 23:59:60 GMT", Date.UTC(2016, 11, 31, 23, 59, 59))).toBe(0);
  });

  it.each([
    ["none", undefined],
    ["nothing", ""],
    ["the form of RFC 850", "Sunday, 06-Nov-94 08:49:37 GMT"],
    ["the form of asctime", "Sun Nov  6 08:49:37 1994"],
    ["an ISO date", "2026-11-24T12:00:00Z"],
    ["another time zone", "Tue, 24 Nov 2026 12:00:00 CET"],
    ["an offset", "Tue, 24 Nov 2026 12:00:00 +0000"],
    ["a day of one digit", "Sun, 1 Nov 2026 12:00:00 GMT"],
    ["small letters", "tue, 24 nov 2026 12:00:00 gmt"],
    ["a day of the week that it was not", "Mon, 24 Nov 2026 12:00:00 GMT"],
    ["a day that the month does not have", "Tue, 31 Feb 2026 12:00:00 GMT"],
    ["an hour that no day has", "Tue, 24 Nov 2026 25:00:00 GMT"],
    ["something behind it", "Tue, 24 Nov 2026 12:00:00 GMT, Tue, 24 Nov 2026 12:00:00 GMT"],
    ["spaces around it", " Tue, 24 Nov 2026 12:00:00 GMT "],
  ])("that is %s says nothing", (_, date) => {
    expect(clockSkew(date, NOW)).toBeUndefined();
  });
});
