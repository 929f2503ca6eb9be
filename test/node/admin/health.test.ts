// The state of the service in one line, and every problem.

import { describe, expect, it } from "vitest";
import { certificateState, healthOf, isReady } from "../../../src/node/admin/health.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { HOUR_MS, NOW, provider, snapshot } from "../../support/status-snapshot.ts";

const DAY_MS = 24 * HOUR_MS;

function health(changes: Partial<Snapshot>): string[] {
  const { level, text, problems } = healthOf(snapshot(changes));
  return [`${level}: ${text}`, ...problems.map((one) => `${one.level}: ${one.text}`)];
}

describe("the state of the service", () => {
  it("is good without problems", () => {
    expect(health({})).toEqual(["good: Ready"]);
    expect(health({ reload: { at: NOW, problem: undefined } })).toEqual(["good: Ready"]);
  });

  it("is not ready if /readyz says so, and else a provider that is not is a fault", () => {
    const providers = [provider({ name: "staff" }), provider({ ready: false, problem: "no discovery yet" })];
    expect(health({ providers })).toEqual([
      "bad: Not ready: 1 of 2 providers",
      "bad: retail: calls to it fail, because its metadata cannot be read (no discovery yet)",
    ]);
    expect(health({ providers, ready: true })[0]).toBe("bad: Ready, with faults");
  });

  it("is shutting down, whatever else is wrong", () => {
    expect(health({ draining: true, providers: [provider({ ready: false })] })[0]).toBe("warning: Shutting down");
  });

  it("has a fault while a provider is suspended, and a warning while it is tried again", () => {
    expect(health({ providers: [provider({ breaker: "open" })] })).toEqual([
      "bad: Ready, with faults",
      "bad: retail: suspended after repeated failures, until a trial call succeeds",
    ]);
    expect(health({ providers: [provider({ breaker: "half_open" })] })).toEqual([
      "warning: Ready, with warnings",
      "warning: retail: suspended after repeated failures, until a trial call succeeds",
    ]);
  });

  it("has a fault if a provider refuses everybody", () => {
    expect(health({ providers: [provider({ refusesEverybody: true })] })).toEqual([
      "bad: Ready, with faults",
      "bad: retail: refuses everybody; the log has its words, so check the setup at both ends",
    ]);
  });

  it("has a warning if a provider's token endpoint moved to another host", () => {
    expect(health({ providers: [provider({ movedTo: "other.example:8443" })] })).toEqual([
      "warning: Ready, with warnings",
      "warning: retail: its token endpoint moved to other.example:8443; a reload accepts that",
    ]);
  });

  it("has a warning if a provider's clock is off by five seconds, beside its other problems", () => {
    const withClock = (clockSkew: number, changes = {}) => health({ providers: [provider({ clockSkew, ...changes })] });
    expect(withClock(4.9)).toEqual(["good: Ready"]);
    expect(withClock(5)).toContain("warning: retail: its clock and ours differ by 5 s");
    expect(withClock(-90, { breaker: "open" })[2]).toBe("warning: retail: its clock and ours differ by 1 min");
  });

  it("has a warning if the last request to a nextAuth Server failed", () => {
    const nextauth = [
      { key: "nextauth[0]", last: { outcome: "answered", at: NOW } },
      { key: "nextauth[1]", last: { outcome: "session_check_timeout", at: NOW } },
      { key: "nextauth[2]", last: undefined },
    ];
    expect(health({ nextauth })).toEqual([
      "warning: Ready, with warnings",
      "warning: nextauth[1]: the last request to this nextAuth Server failed with session_check_timeout",
    ]);
  });

  it("has a warning if the last reload failed", () => {
    expect(health({ reload: { at: NOW, problem: "x" } })).toEqual([
      "warning: Ready, with warnings",
      "warning: the last reload failed, so the old configuration is still in use",
    ]);
  });

  it("lists expiring certificates, faults before warnings", () => {
    const certificates = [20, 2].map((days) => ({ place: `p${days}`, expires_at: NOW + days * DAY_MS }));
    expect(health({ certificates })).toEqual([
      "bad: Ready, with faults",
      "bad: p2: the certificate expires in 2 d",
      "warning: p20: the certificate expires in 20 d",
    ]);
  });
});

it.each<[Parameters<typeof isReady>, boolean]>([
  [["started", 2, 2, 0], true],
  [["started", 1, 2, 29_999], false],
  [["started", 0, 2, 30_000], true],
  [["any", 1, 2, 0], true],
  [["any", 0, 2, 60_000], false],
  [["all", 2, 2, 0], true],
  [["all", 1, 2, 60_000], false],
])(
  "with the policy, the providers reached, all of them, and the time since the start %j, ready is %s",
  (given, ready) => {
    expect(isReady(...given)).toBe(ready);
  },
);

describe("a certificate", () => {
  it.each([
    [30 * DAY_MS, "good", "expires in 30 d"],
    [30 * DAY_MS - 1, "warning", "expires in 29 d"],
    [7 * DAY_MS, "warning", "expires in 7 d"],
    [7 * DAY_MS - 1, "bad", "expires in 6 d"],
    [-1, "bad", "expired 0 s ago"],
    [-3 * DAY_MS, "bad", "expired 3 d ago"],
  ])("with %i ms left is %s: %s", (left, level, text) => {
    expect(certificateState(NOW + left, NOW)).toEqual({ level, text });
  });
});
