// Whether all is well: what the heading of the status page says, and of what it warns.

import { describe, expect, it } from "vitest";
import { certificateState, healthOf, minutesSeen, recentOf } from "../../../src/node/admin/page-health.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { HOUR_MS, minute, NOW, provider, snapshot } from "../../support/status-snapshot.ts";

const DAY_MS = 24 * HOUR_MS;

function health(changes: Partial<Snapshot>) {
  const { level, words, concerns } = healthOf(snapshot(changes), NOW);
  return [level, words, ...concerns.map((concern) => `${concern.level}: ${concern.words} #${concern.where}`)];
}

describe("the state of the service", () => {
  it("is good where nothing is wrong", () => {
    expect(health({})).toEqual(["good", "Ready"]);
    expect(health({ reload: { at: NOW, problem: undefined } })).toEqual(["good", "Ready"]);
  });

  it("is not ready with one provider that is not, as /readyz has it", () => {
    expect(
      health({ providers: [provider({ name: "staff" }), provider({ ready: false, problem: "no discovery yet" })] }),
    ).toEqual(["bad", "Not ready: 1 of 2 providers", "bad: retail: not ready #provider-1"]);
  });

  it("is shutting down before all else", () => {
    expect(health({ draining: true, providers: [provider({ ready: false })] }).slice(0, 2)).toEqual([
      "warning",
      "Shutting down",
    ]);
  });

  it("has a fault with a suspended provider, and a warning while it is tried again", () => {
    expect(health({ providers: [provider({ breaker: "open" })] })).toEqual([
      "bad",
      "Ready, with faults",
      "bad: retail: suspended #provider-0",
    ]);
    expect(health({ providers: [provider({ breaker: "half_open" })] })).toEqual([
      "warning",
      "Ready, with warnings",
      "warning: retail: trying again #provider-0",
    ]);
  });

  it("has a warning where a tenth of ten calls failed in the last five minutes, not where fewer or older ones did", () => {
    const withMinutes = (...minutes: ReturnType<typeof minute>[]) => health({ providers: [provider({ minutes })] });
    expect(withMinutes(minute(4, { tokens: 9, errors: 1 }))).toContain(
      "warning: retail: 10 % of the calls of the last 5 minutes failed #provider-0",
    );
    expect(withMinutes(minute(4, { tokens: 10, errors: 1 }))).toEqual(["good", "Ready"]);
    expect(withMinutes(minute(4, { errors: 9 }))).toEqual(["good", "Ready"]);
    expect(withMinutes(minute(5, { errors: 90 }))).toEqual(["good", "Ready"]);
  });

  it("has a warning where a provider's clock is five seconds off, beside what else is wrong with it", () => {
    const withClock = (clock_skew: number, changes = {}) =>
      health({ providers: [provider({ clock_skew, ...changes })] });
    expect(withClock(4.9)).toEqual(["good", "Ready"]);
    expect(withClock(5)).toContain("warning: retail: its clock is 5 s ahead of ours #provider-0");
    expect(withClock(-90, { breaker: "open" }).slice(2)).toEqual([
      "bad: retail: suspended #provider-0",
      "warning: retail: its clock is 1 min behind ours #provider-0",
    ]);
  });

  it("has a warning where a nextAuth Server's last request or the last reload failed", () => {
    expect(
      health({
        nextauth: [
          { key: "nextauth[0]", last: { outcome: "answered", at: NOW } },
          { key: "nextauth[1]", last: { outcome: "session_check_timeout", at: NOW } },
          { key: "nextauth[2]", last: undefined },
        ],
        reload: { at: NOW, problem: "x" },
      }).slice(1),
    ).toEqual([
      "Ready, with warnings",
      "warning: nextAuth Server nextauth[1]: the last request ended with session_check_timeout #nextauth",
      "warning: the last reload changed nothing: the file has a fault #reload",
    ]);
  });

  it("names the faults before the warnings", () => {
    const certificates = [20, 2].map((days) => ({ place: `p${days}`, expires_at: NOW + days * DAY_MS }));
    expect(health({ certificates }).slice(1)).toEqual([
      "Ready, with faults",
      "bad: certificate p2: 2 days left: renew now #certificates",
      "warning: certificate p20: 20 days left: renew soon #certificates",
    ]);
  });
});

describe("a certificate", () => {
  it.each([
    [30 * DAY_MS, "good", "30 days left"],
    [30 * DAY_MS - 1, "warning", "29 days left: renew soon"],
    [7 * DAY_MS, "warning", "7 days left: renew soon"],
    [7 * DAY_MS - 1, "bad", "6 days left: renew now"],
    [DAY_MS, "bad", "1 day left: renew now"],
    [DAY_MS - 1, "bad", "23 h 59 min left: renew now"],
    [-1, "bad", "expired 0 s ago: renew now"],
    [-3 * DAY_MS, "bad", "expired 3 days ago: renew now"],
  ])("that ends in %i ms is %s: %s", (left, level, words) => {
    expect(certificateState({ place: "server.tls", expires_at: NOW + left }, NOW)).toEqual({ level, words });
  });
});

describe("rates", () => {
  it("are of the minute that runs and the four before", () => {
    expect(
      recentOf([minute(5, { tokens: 100 }), minute(4, { tokens: 10 }), minute(0, { tokens: 1 })], NOW).tokens,
    ).toBe(11);
  });

  it("are by the time that was seen: the running minute has not ended, and a process may be young", () => {
    expect(minutesSeen(NOW, 0)).toBeCloseTo(4.504, 3); // NOW is half past a minute
    expect(minutesSeen(NOW, NOW - 90_000)).toBe(1.5);
    expect(minutesSeen(NOW, NOW - 3_000)).toBe(1);
  });
});
