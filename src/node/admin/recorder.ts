// Remembers the last calls and counts those of the last half hour.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { CallReport } from "../../core/call-report.ts";

export const MINUTE_MS = 60_000;
export const MINUTES_KEPT = 30;
export const RECENT_CALLS = 50;

/** The calls of one minute. */
export interface Minute {
  /** Minutes since the epoch. */
  minute: number;
  token: number;
  refused: number;
  error: number;
  /** Microseconds. */
  durations: RecordableHistogram;
}

/** Outcome of the last request: `token`, `refused`, `answered`, or an error_code. */
export interface LastOutcome {
  outcome: string;
  at: number;
}

export type Recorder = ReturnType<typeof createRecorder>;

/** The nextAuth Server may have answered or not, and the provider only counts if it was asked. */
const CUT_OFF = ["call_deadline", "caller_gone"];
/** The provider was not asked, so they say nothing about it. */
const NOT_ASKED = /^(?:session_|attributes?_|call_invalid$)/;
const NEXTAUTH_FAILURES = ["session_check_failed", "session_check_timeout", "attributes_failed", "attributes_timeout"];

/** @param now returns milliseconds since the epoch */
export function createRecorder(now: () => number) {
  const calls: { at: number; report: CallReport }[] = [];
  const providers = new Map<string, { last: LastOutcome; last_token: number | undefined; minutes: Minute[] }>();
  const servers = new Map<string, LastOutcome>();

  return {
    record(report: CallReport): void {
      const { provider, nextauth, durations } = report;
      const outcome = report.errorCode ?? report.outcome;
      const at = now();
      calls.push({ at, report });
      if (calls.length > RECENT_CALLS) calls.shift();
      const isCutOff = CUT_OFF.includes(outcome);
      const nextauthOutcome = NEXTAUTH_FAILURES.includes(outcome) ? outcome : "answered";
      if (nextauth !== undefined && !isCutOff) servers.set(nextauth, { outcome: nextauthOutcome, at });
      const isAsked = isCutOff ? "provider" in durations || "discovery" in durations : !NOT_ASKED.test(outcome);
      if (provider !== undefined && isAsked) {
        const { minutes = [], last_token } = providers.get(provider) ?? {};
        countCall(minutes, report, at);
        const isToken = outcome === "token";
        providers.set(provider, { last: { outcome, at }, last_token: isToken ? at : last_token, minutes });
      }
    },
    /** Newest first. */
    calls: () => calls.toReversed(),
    provider: (name: string) => providers.get(name) ?? { last: undefined, last_token: undefined, minutes: [] },
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
  current.durations.record(Math.max(1, Math.ceil(duration * 1_000)));
}

/** One digit takes 8 kB per minute, and makes times up to 7 % too high, never too low. */
function emptyMinute(minute: number): Minute {
  return { minute, token: 0, refused: 0, error: 0, durations: createHistogram({ figures: 1 }) };
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
    total.durations.add(durations);
  }
  return total;
}
