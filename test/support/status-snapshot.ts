// Snapshots for tests of the admin listener: a new service, and a busy one with many problems.

import type { CallReport } from "../../src/core/call-report.ts";
import { MINUTE_MS, type ProviderCall } from "../../src/node/admin/recorder.ts";
import type { ProviderSnapshot, Snapshot } from "../../src/node/admin/snapshot.ts";

export const NOW = Date.parse("2026-11-24T14:03:30.250Z");
export const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

export function provider(changes: Partial<ProviderSnapshot> = {}): ProviderSnapshot {
  return {
    name: "retail",
    paths: [],
    ready: true,
    breaker: "closed",
    suspensions: 0,
    inFlight: 0,
    queued: 0,
    clockSkew: undefined,
    assertion: undefined,
    refusedUsers: 0,
    refusesEverybody: false,
    last: undefined,
    last_token: undefined,
    recent: [],
    ...changes,
  };
}

/** Ready, without calls. */
export function snapshot(changes: Partial<Snapshot> = {}): Snapshot {
  return {
    version: "0.1.0",
    node: "24.21.0",
    started_at: NOW - 20_000,
    configured_at: NOW - 20_000,
    at: NOW,
    draining: false,
    ready: (changes.providers ?? []).every(({ ready }) => ready), // as with readiness: all
    in_flight: 0,
    providers: [provider()],
    nextauth: [],
    keys: [],
    certificates: [],
    reload: undefined,
    egress_proxy: undefined,
    calls: [],
    ...changes,
  };
}

/** @param counts calls by outcome. @param duration of each, in milliseconds */
export function recent(counts: Readonly<Record<string, number>>, duration = 12): ProviderCall[] {
  return Object.entries(counts).flatMap(([outcome, calls]) =>
    Array.from({ length: calls }, () => ({ outcome, at: NOW - MINUTE_MS, duration })),
  );
}

export function report(changes: Partial<CallReport> = {}): CallReport {
  return {
    request_id: "6e0f2f6a-8e64-4c0b-9d9a-2a8d3b1d5f10",
    trace_id: undefined,
    method: "POST",
    route: "/getToken",
    caller: "nextauth-server",
    provider: "retail",
    nextauth: undefined,
    outcome: "token",
    status: 200,
    error_code: undefined,
    provider_status: 200,
    provider_error: undefined,
    judged_by: undefined,
    attempts: 1,
    duration_ms: 12.4,
    delivered: true,
    durations: {},
    call_bytes: 80,
    bytes: 500,
    ...changes,
  };
}

export function call(changes: Partial<CallReport> = {}, at = NOW - 3_000): Snapshot["calls"][number] {
  return { at, report: report(changes) };
}

const OUTCOMES: readonly Partial<CallReport>[] = [
  {},
  {},
  { duration_ms: 9.8 },
  { outcome: "refused", status: 403, duration_ms: 18.2 },
  {},
  { provider: "staff", outcome: "error", error_code: "provider_suspended", status: 503, duration_ms: 0.4 },
  { duration_ms: 31 },
  { route: "/token", caller: undefined, duration_ms: 15.1 },
  {
    ...{ provider: undefined, caller: undefined, status: 401, duration_ms: 0.2 },
    ...{ outcome: "error", error_code: "caller_unauthenticated" },
  },
  { provider: "partners", outcome: "error", error_code: "provider_timeout", status: 504, duration_ms: 5_001.3 },
  {
    ...{ route: "", provider: undefined, caller: undefined, status: 404, duration_ms: 0.1 },
    ...{ outcome: "error", error_code: "not_found" },
  },
];

/** The proxy of a bank on a bad day. */
export function busySnapshot(): Snapshot {
  return snapshot({
    started_at: NOW - 9 * DAY_MS - 5 * HOUR_MS,
    in_flight: 17,
    providers: [
      provider({
        discoveredAt: NOW - 14 * MINUTE_MS,
        inFlight: 12,
        last: { outcome: "token", at: NOW - 400 },
        recent: recent({ token: 482, refused: 18 }, 12),
      }),
      provider({
        name: "staff",
        discoveredAt: NOW - 51 * MINUTE_MS,
        clockSkew: 42,
        breaker: "open",
        suspensions: 3,
        inFlight: 1,
        last: { outcome: "provider_unreachable", at: NOW - 4_000 },
        recent: recent({ token: 4, refused: 1, provider_unreachable: 118 }, 9),
      }),
      provider({
        name: "partners",
        ready: false,
        problem: 'the discovery of "providers.partners" failed: "providers.partners.issuer" does not answer',
        inFlight: 4,
        queued: 6,
        last: { outcome: "provider_timeout", at: NOW - 95_000 },
        recent: recent({ provider_timeout: 4 }, 5_000),
      }),
      provider({ name: "corporate", discoveredAt: NOW - 2 * MINUTE_MS }),
    ],
    nextauth: [
      { key: "nextauth[0]", last: { outcome: "answered", at: NOW - 400 } },
      { key: "nextauth[1]", last: { outcome: "session_check_timeout", at: NOW - 70_000 } },
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
    calls: Array.from({ length: 50 }, (_, index) => {
      const request_id = `6e0f2f6a-8e64-4c0b-9d9a-${String(index * 98_765_431).padStart(12, "0")}`;
      return call({ request_id, ...OUTCOMES[(index * 7) % OUTCOMES.length] }, NOW - 400 - index * 730);
    }),
  });
}
