// Remembers what came of the last calls, for the status page and /readyz.

import type { CallReport } from "../../core/call-report.ts";
import type { ErrorCode } from "../../core/errors.ts";
import { type LastOutcome, RECENT_CALLS, type RecentCall } from "./snapshot.ts";
import { type CallWindow, createWindow, type Minute } from "./window.ts";

export interface Recorder {
  record(report: CallReport): void;
  /** The newest first. */
  calls(): RecentCall[];
  /** @param name of a provider */
  provider(name: string): { last: LastOutcome | undefined; minutes: Minute[] };
  /** @param key of a nextAuth Server in the file */
  nextauth(key: string): { last: LastOutcome | undefined };
}

const NEXTAUTH_FAILURES: ReadonlySet<ErrorCode | undefined> = new Set([
  "session_check_failed",
  "session_check_timeout",
  "attributes_failed",
  "attributes_timeout",
]);

/** @param now milliseconds since the epoch */
export function createRecorder(now: () => number): Recorder {
  /** A ring: the oldest is written over. */
  const recent: { report: CallReport; at: number }[] = [];
  let next = 0;
  const windows = new Map<string, { window: CallWindow; last: LastOutcome | undefined }>();
  const servers = new Map<string, LastOutcome>();

  return {
    record(report) {
      const at = now();
      recent[next] = { report, at };
      next = (next + 1) % RECENT_CALLS;
      if (report.nextauth !== undefined) {
        const outcome = NEXTAUTH_FAILURES.has(report.errorCode) ? (report.errorCode as string) : "answered";
        servers.set(report.nextauth, { outcome, at });
      }
      if (report.provider === undefined) return;
      let known = windows.get(report.provider);
      if (known === undefined) {
        known = { window: createWindow(), last: undefined };
        windows.set(report.provider, known);
      }
      known.window.count(report, at);
      known.last = { outcome: report.errorCode ?? report.outcome, at };
    },
    calls: () => [...recent.slice(next), ...recent.slice(0, next)].reverse().map(recentCall),
    provider(name) {
      const known = windows.get(name);
      return { last: known?.last, minutes: known?.window.minutes(now()) ?? [] };
    },
    nextauth: (key) => ({ last: servers.get(key) }),
  };
}

function recentCall({ report, at }: { report: CallReport; at: number }): RecentCall {
  return {
    at,
    request_id: report.requestId,
    route: report.route,
    caller: report.caller,
    provider: report.provider,
    outcome: report.outcome,
    error_code: report.errorCode,
    status: report.status,
    duration_ms: Math.round(report.duration * 10) / 10,
  };
}
