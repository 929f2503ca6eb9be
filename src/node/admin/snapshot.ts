// What operators see of the running service: the input of the status page, /readyz and the gauges.

import type { CallReport } from "../../core/call-report.ts";
import type { Discovery } from "../../oauth/discovery.ts";
import type { Provider } from "../../oauth/provider.ts";
import type { LastOutcome, Recorder } from "./recorder.ts";

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

/** `paths` are those of the bindings and exchanges that name it. */
export type ProviderSnapshot = { name: string; paths: readonly string[] } & ReturnType<Provider["state"]> &
  ReturnType<Discovery["state"]> &
  ReturnType<Recorder["provider"]>;

/** `created` is the ISO date from the configuration file. */
export type KeySnapshot = { kid: string; alg: string; use: "sign" | "verify"; created: string | undefined };

/** `place` is its key in the configuration file, for example `server.tls`. */
export type CertificateSnapshot = { place: string; expires_at: number };

/** `problem` is why the reload failed; undefined if it took effect. */
export type ReloadSnapshot = { at: number; problem: string | undefined };
