// Remembers the last calls: of all, and of each provider.

import type { CallReport } from "../../core/call-report.ts";
import { legsIn } from "../../core/trace.ts";

export const RECENT_CALLS = 50;
/** Rates, shares and percentiles are about a provider's calls of these minutes, 500 at most. */
export const RECENT_MINUTES = 5;
export const MINUTE_MS = 60_000;
export const MAX_RECENT = 500;

/** Outcome of a request: `token`, `refused`, `answered`, or an error_code. */
export interface Outcome {
  outcome: string;
  at: number;
}

export interface ProviderCall extends Outcome {
  duration: number;
}

export type Recorder = ReturnType<typeof createRecorder>;

/** The nextAuth Server may have answered or not, and the provider only counts if it was asked. */
const CUT_OFF = /^call(?:_deadline|er_gone)$/;
/** The provider was not asked, so they say nothing about it. */
const NOT_ASKED = /^(?:session_|attributes?_|call_invalid$)/;
const NEXTAUTH_FAILURE = /^(?:session_check|attributes)_(?:failed|timeout)$/;

export function createRecorder(now: () => number) {
  const calls: { at: number; report: CallReport }[] = [];
  const providers = new Map<string, ReturnType<typeof newProvider>>();
  const servers = new Map<string, Outcome>();

  function note(provider: string, call: ProviderCall): void {
    const known = providers.get(provider) ?? newProvider();
    providers.set(provider, known);
    known.recent.push(call);
    if (known.recent.length > MAX_RECENT) known.recent.shift();
    if (call.outcome === "token") known.last_token = call.at;
  }

  return {
    record(report: CallReport): void {
      const { provider, nextauth, durations, duration_ms: duration } = report;
      const outcome = report.error_code ?? report.outcome;
      const at = now();
      calls.push({ at, report });
      if (calls.length > RECENT_CALLS) calls.shift();
      const isCutOff = CUT_OFF.test(outcome);
      const nextauthOutcome = NEXTAUTH_FAILURE.test(outcome) ? outcome : "answered";
      if (nextauth !== undefined && !isCutOff) servers.set(nextauth, { outcome: nextauthOutcome, at });
      const requests = ["provider", "discovery", `token.${provider}`];
      const isAsked = isCutOff ? requests.some((step) => step in durations) : !NOT_ASKED.test(outcome);
      if (provider !== undefined && isAsked) note(provider, { outcome, at, duration });
      // A call that fails at one of these is about that one.
      if (outcome === "token") for (const [leg, ms] of legsIn(durations)) note(leg, { outcome, at, duration: ms });
    },
    calls: () => calls.toReversed(),
    provider(name: string) {
      const { recent, last_token } = providers.get(name) ?? newProvider();
      const last: Outcome | undefined = recent.at(-1);
      const first = now() - RECENT_MINUTES * MINUTE_MS;
      return { last, last_token, recent: recent.filter(({ at }) => at > first) };
    },
    nextauth: (key: string): { key: string; last: Outcome | undefined } => ({ key, last: servers.get(key) }),
  };
}

const newProvider = () => ({ recent: [] as ProviderCall[], last_token: undefined as number | undefined });
