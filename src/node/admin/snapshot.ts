// What an operator is shown of the service as it is now.

import type { BreakerState } from "../../oauth/breaker.ts";
import type { Minute } from "./window.ts";

/** Times are milliseconds since the epoch. Nothing in it identifies a user. */
export interface Snapshot {
  /** Of the package. */
  version: string;
  /** Of Node. */
  node: string;
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
