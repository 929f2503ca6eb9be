// What operators see of the running service: the input of the status page, /readyz and the gauges.

import type { BreakerState } from "../../oauth/breaker.ts";
import type { LastOutcome, Minute, RecentCall } from "./recorder.ts";

/** Times are milliseconds since the epoch. Nothing in it identifies a user. */
export interface Snapshot {
  /** Versions of this package and of Node. */
  version: string;
  node: string;
  started_at: number;
  /** When the snapshot was taken. */
  at: number;
  draining: boolean;
  in_flight: number;
  providers: readonly ProviderSnapshot[];
  /** By the server's key in the file, for example `nextauth[1]`. */
  nextauth: readonly { key: string; last: LastOutcome | undefined }[];
  keys: readonly KeySnapshot[];
  certificates: readonly CertificateSnapshot[];
  /** When the configuration in use was loaded. */
  configured_at: number;
  /** The last SIGHUP; undefined before the first one. */
  reload: ReloadSnapshot | undefined;
  /** The last calls, newest first. */
  calls: readonly RecentCall[];
}

export interface ProviderSnapshot {
  name: string;
  /** False until its metadata is discovered. */
  ready: boolean;
  /** Why it is not ready. */
  problem: string | undefined;
  /** Time of the last successful discovery; undefined without discovery. */
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

export interface KeySnapshot {
  kid: string;
  alg: string;
  use: "sign" | "verify";
  /** ISO date from the configuration file. */
  created: string | undefined;
}

export interface CertificateSnapshot {
  /** Key in the configuration file, for example `server.tls`. */
  place: string;
  expires_at: number;
}

export interface ReloadSnapshot {
  at: number;
  /** Why the reload failed; undefined if it took effect. */
  problem: string | undefined;
}
