// What is known about an answered call: the source of log, metrics and status page.

import type { ErrorCode, TokenProxyError } from "./errors.ts";
import type { Durations } from "./trace.ts";

/** Members of the log line, by their names there. Nothing identifies a user or is a credential. */
export interface CallReport {
  request_id: string;
  /** Undefined if nobody traces the call. */
  trace_id: string | undefined;
  /** Undefined for one that is not registered. */
  method: string | undefined;
  /** The path in the configuration file; empty for an unknown path. */
  route: string;
  caller: string | undefined;
  provider: string | undefined;
  /** Key of the nextAuth Server that was asked. */
  nextauth: string | undefined;
  /** `refused`: the provider refused this user. `error`: anything else that is not a token. */
  outcome: "token" | "refused" | "error";
  /** Status of our response. */
  status: number;
  error_code: ErrorCode | undefined;
  provider_status: number | undefined;
  /** The code of a refusal, redacted. */
  provider_error: string | undefined;
  /** Which rule judged the provider's error. */
  judged_by: TokenProxyError["judgedBy"];
  /** Token requests. */
  attempts: number;
  duration_ms: number;
  durations: Durations;
  /** Content-Length of the call. */
  call_bytes: number | undefined;
  /** Length of the relayed body. */
  bytes: number | undefined;
  /** Whether the whole response was sent; undefined if the runtime does not tell. */
  delivered: boolean | undefined;
}

/** Called once per call, after its response: it must be quick and must not throw. */
export type OnReport = (report: CallReport) => void;
