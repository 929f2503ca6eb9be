// The state of the service, of a provider and of a certificate, each in one line.

import { describe, expect, it } from "vitest";
import { certificateState, healthOf, notesOn, providerState } from "../../../src/node/admin/health.ts";
import { isReady, type ProviderSnapshot, type Snapshot } from "../../../src/node/admin/snapshot.ts";
import { HOUR_MS, NOW, provider, snapshot } from "../../support/status-snapshot.ts";

const DAY_MS = 24 * HOUR_MS;

const health = (changes: Partial<Snapshot>) => Object.values(healthOf(snapshot(changes))).join(": ");
const state = (changes: Partial<ProviderSnapshot>) => Object.values(providerState(provider(changes))).join(": ");
const notes = (changes: Partial<ProviderSnapshot>) => notesOn(provider(changes), NOW);

describe("the state of the service", () => {
  it("is not ready if /readyz says so, and else a provider that is not is a fault", () => {
    const providers = [provider({ name: "staff" }), provider({ ready: false, problem: "no discovery yet" })];
    expect(health({})).toBe("good: Ready");
    expect(health({ providers })).toBe("bad: Not ready: 1 of 2 providers");
    expect(health({ providers, ready: true })).toBe("bad: Ready, with faults");
  });

  it("has a fault or warning of a certificate, and a warning of a refused reload", () => {
    const ending = (days: number) =>
      health({ certificates: [{ place: "server.tls", expires_at: NOW + days * DAY_MS }] });
    expect([ending(-1), ending(20), ending(40)]).toEqual([
      "bad: Ready, with faults",
      "warning: Ready, with warnings",
      "good: Ready",
    ]);
    expect(health({ reload: { at: NOW, problem: "a fault" } })).toBe("warning: Ready, with warnings");
  });

  it("is shutting down, whatever else is wrong", () => {
    expect(health({ draining: true, providers: [provider({ ready: false })] })).toBe("warning: Shutting down");
  });
});

describe("a provider", () => {
  it("is not ready, refuses everybody, has no client assertion, is suspended or tried again", () => {
    expect(state({})).toBe("good: Ready");
    expect(state({ ready: false, breaker: "open" })).toBe("bad: Not ready");
    expect(state({ refusesEverybody: true })).toBe("bad: Refuses everybody");
    expect(state({ assertion: { problem: "has expired" } })).toBe("bad: Client assertion unusable");
    expect(state({ breaker: "open", refusesEverybody: true })).toBe("bad: Suspended");
    expect(state({ breaker: "half_open" })).toBe("warning: Trying again");
  });

  it("has notes on what else there is to know", () => {
    expect(notes({ clockSkew: 4.9 })).toEqual([]);
    const problem = "no discovery yet";
    expect(notes({ problem, suspensions: 2, movedTo: "other.example:8443", clockSkew: -90 })).toEqual([
      "no discovery yet",
      "suspended 2×",
      "the token endpoint moved to other.example:8443; a reload accepts that",
      "its clock and ours differ by 1 min",
    ]);
    expect(notes({ assertion: { expires_at: NOW - HOUR_MS, problem: "has expired" } })).toEqual([
      "has expired",
      "client assertion expired 1 h ago",
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
