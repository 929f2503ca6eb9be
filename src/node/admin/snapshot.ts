// What operators see of the running service: the input of the status page, /readyz and the gauges.

import type { CallReport } from "../../core/call-report.ts";
import type { BreakerState } from "../../oauth/breaker.ts";
import type { Counts, LastOutcome } from "./recorder.ts";

/** Times are milliseconds since the epoch. Nothing in it identifies a user. */
export interface Snapshot {
  /** Versions of this package and of Node. */
  version: string;
  node: string;
  started_at: number;
  /** When the snapshot was taken. */
  at: number;
  draining: boolean;
  /** By `server.readiness`. */
  ready: boolean;
  in_flight: number;
  providers: readonly ProviderSnapshot[];
  /** By the server's key in the file, for example `nextauth[1]`. */
  nextauth: readonly { key: string; last: LastOutcome | undefined }[];
  keys: readonly KeySnapshot[];
  certificates: readonly CertificateSnapshot[];
  /** Which servers are reached through which egress proxy. */
  egress_proxy?: string | undefined;
  /** When the configuration in use was loaded. */
  configured_at: number;
  /** The last reload. */
  reload: ReloadSnapshot | undefined;
  /** Newest first. */
  calls: readonly { at: number; report: CallReport }[];
}

export interface ProviderSnapshot {
  name: string;
  /** Of the bindings and exchanges that name it. */
  paths: readonly string[];
  /** False until its metadata is discovered; `problem` says why. */
  ready: boolean;
  problem: string | undefined;
  /** The last successful discovery; undefined without discovery. */
  discovered_at: number | undefined;
  /** The host of a token endpoint in newer metadata, which is not used. */
  moved_to: string | undefined;
  breaker: BreakerState;
  suspensions: number;
  /** Seconds by which its clock is ahead of ours. */
  clock_skew: number | undefined;
  in_flight: number;
  queued: number;
  /** Counted up to three, since the last token. */
  refused_users: number;
  refuses_everybody: boolean;
  last: LastOutcome | undefined;
  /** When it issued the last token. */
  last_token: number | undefined;
  /** The calls of the last minutes. */
  recent: Counts;
}

/** `created` is the ISO date from the configuration file. */
export type KeySnapshot = { kid: string; alg: string; use: "sign" | "verify"; created: string | undefined };

/** `place` is its key in the configuration file, for example `server.tls`. */
export type CertificateSnapshot = { place: string; expires_at: number };

/** `problem` is why the reload failed; undefined if it took effect. */
export type ReloadSnapshot = { at: number; problem: string | undefined };
