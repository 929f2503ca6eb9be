// The state of the service in one line, and every problem with its cure.

import { describe, expect, it } from "vitest";
import { certificateState, healthOf, isReady } from "../../../src/node/admin/health.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { HOUR_MS, NOW, provider, recent, snapshot } from "../../support/status-snapshot.ts";

const DAY_MS = 24 * HOUR_MS;

function health(changes: Partial<Snapshot>): string[] {
  const { level, text, concerns } = healthOf(snapshot(changes));
  return [`${level}: ${text}`, ...concerns.map((one) => `${one.level} #${one.where}: ${one.text}. ${one.cure}`)];
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
      "bad #providers: retail: its metadata cannot be read, so calls to it fail (no discovery yet). Check the issuer URL in the file and the network. The proxy keeps trying.",
    ]);
    expect(health({ providers, ready: true })[0]).toBe("bad: Ready, with faults");
  });

  it("is shutting down, whatever else is wrong", () => {
    expect(health({ draining: true, providers: [provider({ ready: false })] })[0]).toBe("warning: Shutting down");
  });

  it("has a fault while a provider is suspended, and a warning while it is tried again", () => {
    expect(health({ providers: [provider({ breaker: "open" })] })).toEqual([
      "bad: Ready, with faults",
      "bad #providers: retail: suspended after repeated failures, so calls to it fail at once. Check that the provider is up. The first successful trial call ends the suspension.",
    ]);
    expect(health({ providers: [provider({ breaker: "half_open" })] })).toEqual([
      "warning: Ready, with warnings",
      "warning #providers: retail: suspended until a trial call succeeds. If it is suspended again, check that the provider is up.",
    ]);
  });

  it("has a warning if a tenth of at least ten calls failed in the last five minutes", () => {
    const withCalls = (calls: Parameters<typeof recent>[0]) =>
      health({ providers: [provider({ recent: recent(calls) })] });
    expect(withCalls({ token: 9, error: 1 })).toContain(
      "warning #providers: retail: 10 % of the calls in the last 5 minutes failed. Look up the error codes in the last calls or in the log.",
    );
    expect(withCalls({ token: 10, error: 1 })).toEqual(["good: Ready"]);
    expect(withCalls({ error: 9 })).toEqual(["good: Ready"]);
  });

  it("has a fault if a provider refuses everybody", () => {
    expect(health({ providers: [provider({ refusesEverybody: true })] })).toEqual([
      "bad: Ready, with faults",
      "bad #providers: retail: refuses everybody, with no token in between. Users are rarely all at fault. Its words are in the log: check the setup at both ends.",
    ]);
  });

  it("has a warning if a provider's token endpoint moved to another host", () => {
    expect(health({ providers: [provider({ movedTo: "other.example:8443" })] })).toEqual([
      "warning: Ready, with warnings",
      "warning #providers: retail: its metadata has a token endpoint on other.example:8443, which is not used. If the provider confirms that it moved, reload with SIGHUP.",
    ]);
  });

  it("has a warning if a provider's clock is off by five seconds, beside its other problems", () => {
    const withClock = (clockSkew: number, changes = {}) => health({ providers: [provider({ clockSkew, ...changes })] });
    const cure = "Synchronise both clocks with NTP, or the provider may reject our JWTs.";
    expect(withClock(4.9)).toEqual(["good: Ready"]);
    expect(withClock(5)).toContain(`warning #providers: retail: its clock is 5 s ahead of ours. ${cure}`);
    expect(withClock(-90, { breaker: "open" })[2]).toBe(
      `warning #providers: retail: its clock is 1 min behind ours. ${cure}`,
    );
  });

  it("has a warning if the last request to a nextAuth Server failed", () => {
    const nextauth = [
      { key: "nextauth[0]", last: { outcome: "answered", at: NOW } },
      { key: "nextauth[1]", last: { outcome: "session_check_timeout", at: NOW } },
      { key: "nextauth[2]", last: undefined },
    ];
    expect(health({ nextauth })).toEqual([
      "warning: Ready, with warnings",
      "warning #nextauth: nextauth[1]: the last request to this nextAuth Server failed with session_check_timeout. Check that it is up, and that its url, serverid and apikey in the file are right.",
    ]);
  });

  it("has a warning if the last reload failed", () => {
    expect(health({ reload: { at: NOW, problem: "x" } })).toEqual([
      "warning: Ready, with warnings",
      "warning #reload: the last reload failed, so the old configuration is still in use. Fix the fault shown below, then reload again with SIGHUP.",
    ]);
  });

  it("lists expiring certificates, faults before warnings", () => {
    const certificates = [20, 2].map((days) => ({ place: `p${days}`, expires_at: NOW + days * DAY_MS }));
    expect(health({ certificates })).toEqual([
      "bad: Ready, with faults",
      "bad #certificates: p2: the certificate expires in 2 days. Renew it now. A changed file is used at once, unless server.watch is none.",
      "warning #certificates: p20: the certificate expires in 20 days. Renew it soon. A changed file is used at once, unless server.watch is none.",
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
    [30 * DAY_MS, "good", "expires in 30 days"],
    [30 * DAY_MS - 1, "warning", "expires in 29 days"],
    [7 * DAY_MS, "warning", "expires in 7 days"],
    [7 * DAY_MS - 1, "bad", "expires in 6 days"],
    [-1, "bad", "expired 0 s ago"],
    [-3 * DAY_MS, "bad", "expired 3 days ago"],
  ])("with %i ms left is %s: %s", (left, level, text) => {
    expect(certificateState(NOW + left, NOW)).toEqual({ level, text });
  });
});
