// Remembers the last calls, and counts those of the last minutes.

import { createHistogram, type RecordableHistogram } from "node:perf_hooks";
import type { CallReport } from "../../core/call-report.ts";
import { legsIn } from "../../core/trace.ts";

export const MINUTE_MS = 60_000;
/** Rates, shares and percentiles cover these minutes, including the current one. */
export const RECENT_MINUTES = 5;
export const RECENT_CALLS = 50;

/** Calls by outcome. */
export interface Counts {
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

interface Recorded {
  last: LastOutcome | undefined;
  last_token: number | undefined;
  /** By minutes since the epoch, the newest last. */
  minutes: Map<number, Counts>;
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
  const providers = new Map<string, Recorded>();
  const servers = new Map<string, LastOutcome>();

  function note(provider: string, report: CallReport, at: number): void {
    const { minutes, last_token } = providers.get(provider) ?? newProvider();
    const outcome = report.errorCode ?? report.outcome;
    countCall(minutes, report, Math.floor(at / MINUTE_MS));
    providers.set(provider, { last: { outcome, at }, last_token: outcome === "token" ? at : last_token, minutes });
  }

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
      const requests = ["provider", "discovery", `token.${provider}`];
      const isAsked = isCutOff ? requests.some((step) => step in durations) : !NOT_ASKED.test(outcome);
      if (provider !== undefined && isAsked) note(provider, report, at);
      // A call that fails at one of these is about that one.
      if (outcome === "token") for (const [leg, duration] of legsIn(durations)) note(leg, { ...report, duration }, at);
    },
    /** Newest first. */
    calls: () => calls.toReversed(),
    provider(name: string) {
      const { minutes, ...others } = providers.get(name) ?? newProvider();
      const first = Math.floor(now() / MINUTE_MS) - RECENT_MINUTES + 1;
      const recent = noCalls();
      for (const [minute, { token, refused, error, durations }] of minutes) {
        if (minute < first) continue;
        recent.token += token;
        recent.refused += refused;
        recent.error += error;
        recent.durations.add(durations);
      }
      return { ...others, recent };
    },
    /** @param key key of the nextAuth Server in the file */
    nextauth: (key: string) => ({ last: servers.get(key) }),
  };
}

const newProvider = (): Recorded => ({ last: undefined, last_token: undefined, minutes: new Map() });

/** One digit takes 8 kB per minute, and makes times up to 7 % too high, never too low. */
const noCalls = (): Counts => ({ token: 0, refused: 0, error: 0, durations: createHistogram({ figures: 1 }) });

function countCall(minutes: Recorded["minutes"], { outcome, duration }: CallReport, minute: number): void {
  const counts = minutes.get(minute) ?? noCalls();
  minutes.set(minute, counts);
  for (const oldest of minutes.keys()) if (minutes.size > RECENT_MINUTES) minutes.delete(oldest);
  counts[outcome] += 1;
  counts.durations.record(Math.max(1, Math.ceil(duration * 1_000)));
}

export function callsOf({ token, refused, error }: Counts): number {
  return token + refused + error;
}
