// Snapshots for the tests of the status page: of a service that has just started, and of one with all that can be shown.

import type { ProviderSnapshot, RecentCall, Snapshot } from "../../src/node/admin/snapshot.ts";
import { bucketOf, MINUTE_MS, type Minute } from "../../src/node/admin/window.ts";

export const NOW = Date.parse("2026-11-24T14:03:30.250Z");
export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function provider(changes: Partial<ProviderSnapshot> = {}): ProviderSnapshot {
  return {
    name: "retail",
    ready: true,
    problem: undefined,
    discovered_at: undefined,
    breaker: "closed",
    suspensions: 0,
    in_flight: 0,
    queued: 0,
    clock_skew: undefined,
    last: undefined,
    minutes: [],
    ...changes,
  };
}

/** Ready, and no call yet. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    version: "0.1.0",
    node: "24.21.0",
    processes: 1,
    started_at: NOW - 20_000,
    configured_at: NOW - 20_000,
    at: NOW,
    draining: false,
    in_flight: 0,
    providers: [provider()],
    nextauth: [],
    keys: [],
    certificates: [],
    reload: undefined,
    calls: [],
    ...changes,
  };
}

/** @param back minutes before the one that runs. @param ms that each call took */
export function minute(back: number, calls: Partial<Minute>, ms = 12): Minute {
  const { tokens = 0, refused = 0, errors = 0 } = calls;
  const durations = { [bucketOf(ms)]: tokens + refused + errors };
  return { minute: Math.floor(NOW / MINUTE_MS) - back, tokens, refused, errors, durations };
}

export function call(changes: Partial<RecentCall> = {}): RecentCall {
  return {
    at: NOW - 3_000,
    request_id: "6e0f2f6a-8e64-4c0b-9d9a-2a8d3b1d5f10",
    route: "/getToken",
    caller: "nextauth-server",
    provider: "retail",
    outcome: "token",
    error_code: undefined,
    status: 200,
    duration_ms: 12.4,
    ...changes,
  };
}

const OUTCOMES: readonly Partial<RecentCall>[] = [
  {},
  {},
  { duration_ms: 9.8 },
  { outcome: "refused", status: 403, duration_ms: 18.2 },
  {},
  { provider: "staff", outcome: "error", error_code: "provider_suspended", status: 503, duration_ms: 0.4 },
  { duration_ms: 31 },
  { route: "/token", caller: undefined, duration_ms: 15.1 },
  {
    provider: undefined,
    caller: undefined,
    outcome: "error",
    error_code: "caller_unauthenticated",
    status: 401,
    duration_ms: 0.2,
  },
  { provider: "partners", outcome: "error", error_code: "provider_timeout", status: 504, duration_ms: 5_001.3 },
  {
    route: "",
    provider: undefined,
    caller: undefined,
    outcome: "error",
    error_code: "not_found",
    status: 404,
    duration_ms: 0.1,
  },
];

/** A bank's, on a day on which not all is well. */
export function busySnapshot(): Snapshot {
  const wave = (height: number, refused: number, errors: (back: number) => number) =>
    Array.from({ length: 30 }, (_, index) => 29 - index).map((back) =>
      minute(
        back,
        {
          tokens: Math.round(height * (1.2 + Math.sin(back / 4) + 0.3 * Math.cos(back * 2.3))),
          refused: back % 3 === 0 ? refused : 0,
          errors: errors(back),
        },
        8 + back,
      ),
    );
  return snapshot({
    processes: 4,
    started_at: NOW - 9 * DAY_MS - 5 * HOUR_MS,
    in_flight: 17,
    providers: [
      provider({
        discovered_at: NOW - 14 * MINUTE_MS,
        in_flight: 12,
        last: { outcome: "token", at: NOW - 400 },
        minutes: wave(620, 9, (back) => (back === 12 ? 40 : 0)),
      }),
      provider({
        name: "staff",
        discovered_at: NOW - 51 * MINUTE_MS,
        breaker: "open",
        suspensions: 3,
        in_flight: 1,
        last: { outcome: "provider_unreachable", at: NOW - 4_000 },
        minutes: wave(22, 1, (back) => (back < 4 ? 31 - back : 0)),
      }),
      provider({
        name: "partners",
        ready: false,
        problem: 'the discovery of "providers.partners" failed: "providers.partners.issuer" does not answer',
        in_flight: 4,
        queued: 6,
        last: { outcome: "provider_timeout", at: NOW - 95_000 },
        minutes: [minute(1, { errors: 3 }, 5_000), minute(2, { errors: 1 }, 5_000)],
      }),
      provider({ name: "corporate", discovered_at: NOW - 2 * MINUTE_MS }),
    ],
    nextauth: [
      { key: "nextauth[0]", last: { outcome: "answered", at: NOW - 400 } },
      { key: "nextauth[1]", last: undefined },
    ],
    keys: [
      { kid: "2026-11", alg: "ES256", use: "sign", created: "2026-11-02" },
      { kid: "2026-08", alg: "ES256", use: "verify", created: "2026-08-03" },
    ],
    certificates: [
      { place: "server.tls", expires_at: NOW + 214 * DAY_MS + HOUR_MS },
      { place: "providers.retail.tls", expires_at: NOW + 19 * DAY_MS + HOUR_MS },
      { place: "providers.staff.tls", expires_at: NOW + 3 * DAY_MS + HOUR_MS },
    ],
    reload: {
      at: NOW - 42 * MINUTE_MS,
      problem: 'token-proxy.yaml:10:5 "providers.retail.client_secrt" unknown key; did you mean "client_secret"?',
    },
    calls: Array.from({ length: 50 }, (_, index) =>
      call({
        at: NOW - 400 - index * 730,
        request_id: `6e0f2f6a-8e64-4c0b-9d9a-${String(index * 98_765_431).padStart(12, "0")}`,
        ...OUTCOMES[(index * 7) % OUTCOMES.length],
      }),
    ),
  });
}
