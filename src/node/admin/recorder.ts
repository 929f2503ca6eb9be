// Remembers the last calls and counts those of the last half hour.

import type { CallReport } from "../../core/call-report.ts";
import type { ErrorCode } from "../../core/errors.ts";

export const MINUTE_MS = 60_000;
export const MINUTES_KEPT = 30;
export const RECENT_CALLS = 50;

/** The calls of one minute, by outcome and by duration. */
export interface Minute {
  /** Minutes since the epoch. */
  minute: number;
  token: number;
  refused: number;
  error: number;
  /** Number of calls per histogram bucket; `percentile` reads it. */
  durations: Map<number, number>;
}

/** Outcome of the last request: `token`, `refused`, `answered`, or an error_code. */
export interface LastOutcome {
  outcome: string;
  at: number;
}

export interface RecentCall {
  at: number;
  report: CallReport;
}

export type Recorder = ReturnType<typeof createRecorder>;

const NEXTAUTH_FAILURES: ReadonlySet<ErrorCode | undefined> = new Set([
  "session_check_failed",
  "session_check_timeout",
  "attributes_failed",
  "attributes_timeout",
]);

/** @param now returns milliseconds since the epoch */
export function createRecorder(now: () => number) {
  const calls: RecentCall[] = [];
  const providers = new Map<string, { last: LastOutcome; minutes: Minute[] }>();
  const servers = new Map<string, LastOutcome>();

  return {
    record(report: CallReport): void {
      const { provider, nextauth, errorCode } = report;
      const at = now();
      calls.push({ at, report });
      if (calls.length > RECENT_CALLS) calls.shift();
      if (nextauth !== undefined) {
        servers.set(nextauth, { outcome: NEXTAUTH_FAILURES.has(errorCode) ? `${errorCode}` : "answered", at });
      }
      if (provider !== undefined) {
        const minutes = providers.get(provider)?.minutes ?? [];
        countCall(minutes, report, at);
        providers.set(provider, { last: { outcome: errorCode ?? report.outcome, at }, minutes });
      }
    },
    /** Newest first. */
    calls: () => calls.toReversed(),
    provider: (name: string) => providers.get(name) ?? { last: undefined, minutes: [] },
    /** @param key key of the nextAuth Server in the file */
    nextauth: (key: string) => ({ last: servers.get(key) }),
  };
}

function countCall(minutes: Minute[], { outcome, duration }: CallReport, at: number): void {
  const minute = Math.floor(at / MINUTE_MS);
  let current = minutes.at(-1);
  // After the clock was set back, the newest minute keeps counting.
  if (current === undefined || current.minute < minute) {
    current = emptyMinute(minute);
    minutes.push(current);
    if (minutes.length > MINUTES_KEPT) minutes.shift();
  }
  current[outcome] += 1;
  const bucket = bucketOf(duration);
  current.durations.set(bucket, (current.durations.get(bucket) ?? 0) + 1);
}

function emptyMinute(minute: number): Minute {
  return { minute, token: 0, refused: 0, error: 0, durations: new Map() };
}

/** The last `count` minutes up to `now`, without those that had no calls. */
export function lastMinutes(minutes: readonly Minute[], count: number, now: number): Minute[] {
  const last = Math.floor(now / MINUTE_MS);
  return minutes.filter(({ minute }) => minute > last - count && minute <= last);
}

export function callsOf({ token, refused, error }: Minute): number {
  return token + refused + error;
}

export function sumOf(minutes: readonly Minute[]): Minute {
  const total = emptyMinute(0);
  for (const { token, refused, error, durations } of minutes) {
    total.token += token;
    total.refused += refused;
    total.error += error;
    for (const [bucket, count] of durations) total.durations.set(bucket, (total.durations.get(bucket) ?? 0) + count);
  }
  return total;
}

/** Bucket n ends at FIRST_MS * GROWTH ** n, so percentiles are at most 20 % too high. */
const FIRST_MS = 0.1;
const GROWTH = 1.2;
const LOG_GROWTH = Math.log(GROWTH);

/** @param ms duration of one call */
export function bucketOf(ms: number): number {
  return ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH);
}

/**
 * @param share 0.95 for the time within which 95 % of the calls were answered
 * @returns milliseconds; undefined without calls
 */
export function percentile(minute: Minute, share: number): number | undefined {
  const wanted = callsOf(minute) * share;
  let seen = 0;
  for (const [bucket, count] of [...minute.durations].sort(([a], [b]) => a - b)) {
    seen += count;
    if (seen >= wanted) return FIRST_MS * GROWTH ** bucket;
  }
  return undefined;
}
