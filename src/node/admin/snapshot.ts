// What an operator is shown of the service as it is now, of one process or of several together. Plain JSON: it goes between processes.

import type { BreakerState } from "../../oauth/breaker.ts";
import { type Minute, mergeMinutes } from "./window.ts";

/** Times are milliseconds since the epoch. Nothing in it identifies a user. */
export interface Snapshot {
  /** Of the package. */
  version: string;
  /** Of Node. */
  node: string;
  /** Processes that serve. */
  processes: number;
  started_at: number;
  /** When it was taken. */
  at: number;
  draining: boolean;
  in_flight: number;
  providers: readonly ProviderSnapshot[];
  nextauth: readonly NextAuthSnapshot[];
  keys: readonly KeySnapshot[];
  certificates: readonly CertificateSnapshot[];
  /** When the configuration in use was taken. */
  configured_at: number;
  /** The last SIGHUP; undefined before the first one. */
  reload: ReloadSnapshot | undefined;
  /** The last ones, the newest first. */
  calls: readonly RecentCall[];
}

/** What came of the last request to somebody: `token`, `refused`, `answered`, or an error_code. */
export interface LastOutcome {
  outcome: string;
  at: number;
}

export interface ProviderSnapshot {
  name: string;
  /** Whether calls can be sent there; where not, why. */
  ready: boolean;
  problem: string | undefined;
  /** Of the last discovery that succeeded; undefined without discovery or before. */
  discovered_at: number | undefined;
  breaker: BreakerState;
  suspensions: number;
  /** Seconds by which its clock is ahead of ours. */
  clock_skew: number | undefined;
  in_flight: number;
  queued: number;
  last: LastOutcome | undefined;
  minutes: readonly Minute[];
}

export interface NextAuthSnapshot {
  /** Its key in the file. */
  key: string;
  last: LastOutcome | undefined;
}

export interface KeySnapshot {
  kid: string;
  alg: string;
  use: "sign" | "verify";
  /** As the file has it, a date. */
  created: string | undefined;
}

export interface CertificateSnapshot {
  /** Its place in the file, as `server.tls`. */
  place: string;
  expires_at: number;
}

export interface ReloadSnapshot {
  at: number;
  /** Why it changed nothing; undefined where it took effect. */
  problem: string | undefined;
}

export interface RecentCall {
  at: number;
  request_id: string;
  route: string;
  caller: string | undefined;
  provider: string | undefined;
  outcome: "token" | "refused" | "error";
  error_code: string | undefined;
  status: number;
  duration_ms: number;
}

export const RECENT_CALLS = 50;

const BREAKER_ORDER: readonly BreakerState[] = ["closed", "half_open", "open"];

/** @param all one at least */
export function mergeSnapshots(all: readonly [Snapshot, ...Snapshot[]]): Snapshot {
  const [first] = all;
  const total = (of: (snapshot: Snapshot) => number) => all.reduce((sum, snapshot) => sum + of(snapshot), 0);
  return {
    ...first,
    processes: all.length,
    started_at: Math.min(...all.map(({ started_at }) => started_at)),
    draining: all.some(({ draining }) => draining),
    in_flight: total(({ in_flight }) => in_flight),
    providers: first.providers.map(({ name }) => {
      const same = all.flatMap(({ providers }) => providers.filter((provider) => provider.name === name));
      return mergeProviders(same as [ProviderSnapshot, ...ProviderSnapshot[]]);
    }),
    nextauth: first.nextauth.map(({ key }) => ({
      key,
      last: newest(all.flatMap(({ nextauth }) => nextauth.filter((server) => server.key === key))),
    })),
    reload: all.map(({ reload }) => reload).find((reload) => reload?.problem !== undefined) ?? first.reload,
    calls: all
      .flatMap(({ calls }) => calls)
      .sort((a, b) => b.at - a.at)
      .slice(0, RECENT_CALLS),
  };
}

/** The worst of what can be said of any process, and the sum of what can be counted. */
function mergeProviders(all: readonly [ProviderSnapshot, ...ProviderSnapshot[]]): ProviderSnapshot {
  const total = (of: (provider: ProviderSnapshot) => number) => all.reduce((sum, provider) => sum + of(provider), 0);
  const times = all.flatMap(({ discovered_at }) => discovered_at ?? []);
  return {
    name: all[0].name,
    ready: all.every(({ ready }) => ready),
    problem: all.find(({ problem }) => problem !== undefined)?.problem,
    discovered_at: times.length === 0 ? undefined : Math.min(...times),
    breaker: BREAKER_ORDER.findLast((state) => all.some(({ breaker }) => breaker === state)) as BreakerState,
    suspensions: total(({ suspensions }) => suspensions),
    clock_skew: all.find(({ clock_skew }) => clock_skew !== undefined)?.clock_skew,
    in_flight: total(({ in_flight }) => in_flight),
    queued: total(({ queued }) => queued),
    last: newest(all),
    minutes: mergeMinutes(all.map(({ minutes }) => minutes)),
  };
}

function newest(all: readonly { last: LastOutcome | undefined }[]): LastOutcome | undefined {
  return all.flatMap(({ last }) => last ?? []).sort((a, b) => b.at - a.at)[0];
}
