// Snapshots for tests, of a service that has done nothing yet.

import type { ProviderSnapshot, Snapshot } from "../../../src/node/admin/snapshot.ts";
import { NOW } from "../../support/fakes.ts";

export function emptySnapshot(): Snapshot {
  return {
    version: "1.2.3",
    node: "24.0.0",
    started_at: NOW - 60_000,
    at: NOW,
    draining: false,
    in_flight: 0,
    providers: [],
    nextauth: [],
    keys: [],
    certificates: [],
    configured_at: NOW - 60_000,
    reload: undefined,
    calls: [],
  };
}

export function providerSnapshot(name: string, changes: Partial<ProviderSnapshot> = {}): ProviderSnapshot {
  return {
    ...{
      name,
      ready: true,
      problem: undefined,
      discovered_at: undefined,
      breaker: "closed",
      suspensions: 0,
      clock_skew: undefined,
    },
    ...{ in_flight: 0, queued: 0, last: undefined, minutes: [] },
    ...changes,
  };
}
