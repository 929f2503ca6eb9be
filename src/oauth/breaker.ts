// Suspends a provider that keeps failing: calls are refused at once until a trial succeeds.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { Transport } from "../core/transport.ts";

/** So many failures in a row, without one answer between them, are no accident. */
export const FAILURES_BEFORE_SUSPENSION = 10;
/** After this time one call is let through as a trial. */
export const SUSPENSION_MS = 5_000;
/** This long after the provider's timeout, a trial counts as over: a cut-off Worker ends none. */
const TRIAL_MARGIN_MS = 1_000;

type Deps = { timeout: number; name: string; clock: Clock; log: Log };

/** `until` is the end of a suspension, or at the latest of a trial; undefined if calls go ahead. */
type Phase = { until?: number; isTrial?: true };

/** `half_open`: the next call is a trial, or a trial is running. */
export type BreakerState = "closed" | "open" | "half_open";

/** Not cockatiel, which uses the wall clock and lets calls wait for the trial of another call. */
export function createBreaker({ timeout, name, clock, log }: Deps) {
  let failures = 0; // in a row
  let suspensions = 0;
  /** A new object for each phase: a use that ends in another one is out of date, and ignored. */
  let phase: Phase = {};
  const suspendFor = (ms: number) => {
    phase = { until: clock.elapsed() + ms };
  };

  /** @throws {TokenProxyError} provider_suspended */
  function assertNotSuspended(): void {
    const ms = (phase.until ?? 0) - clock.elapsed();
    // No call waits for the trial of another: on Workers it would wait forever (workerd#210).
    if (ms <= 0) return;
    const message = `the provider "providers.${name}" keeps failing and is suspended`;
    throw new TokenProxyError("provider_suspended", message, { retryAfter: phase.isTrial ? 1 : Math.ceil(ms / 1000) });
  }

  function leave(outcome: Outcome): void {
    if (outcome === "unknown") {
      if (phase.isTrial) suspendFor(0); // the next call is a trial again
    } else if (outcome === "answer") {
      failures = 0;
      if (phase.until === undefined) return;
      phase = {};
      log("info", "provider resumed", { provider: name });
    } else {
      failures += 1;
      if (failures < FAILURES_BEFORE_SUSPENSION) return;
      suspendFor(SUSPENSION_MS);
      suspensions += 1;
      log("error", "provider suspended", { provider: name, next_try_ms: SUSPENSION_MS });
    }
  }

  return {
    /** Judges the provider by a use that sends something; it must throw no TransportErrors. */
    async run<T>(transport: Transport, use: (send: Transport) => Promise<T>): Promise<T> {
      assertNotSuspended();
      if (phase.until !== undefined) phase = { until: clock.elapsed() + timeout + TRIAL_MARGIN_MS, isTrial: true };
      const entered = phase;
      let askedAt: number | undefined;
      let outcome: Outcome = "answer";
      try {
        return await use((request) => {
          askedAt ??= clock.elapsed();
          return transport(request);
        });
      } catch (error) {
        outcome = outcomeOf(error, clock.elapsed() - (askedAt ?? 0) >= timeout / 2);
        throw error;
      } finally {
        if (entered === phase) leave(askedAt === undefined ? "unknown" : outcome);
      }
    },
    assertNotSuspended,
    suspensions: () => suspensions,
    state(): BreakerState {
      if (phase.until === undefined) return "closed";
      return phase.isTrial || clock.elapsed() >= phase.until ? "half_open" : "open";
    },
  };
}

type Outcome = "failure" | "answer" | "unknown";

const FAILURES = /^provider_(?:unreachable|timeout|truncated)$|^proxy_refused$/;

/**
 * A provider that refuses or limits calls is working. A bug or pause of ours proves nothing. A call
 * that was cut off counts after half the timeout, or impatient callers would hide a dead provider.
 */
function outcomeOf(error: unknown, hadTime: boolean): Outcome {
  if (!(error instanceof TokenProxyError) || error.code === "call_invalid" || error.detail?.late) return "unknown";
  if (error.code === "call_deadline" || error.code === "caller_gone") return hadTime ? "failure" : "unknown";
  // By its code or kind, an outage can have any status.
  const isOutage = error.judgedBy !== undefined || Number(error.detail?.provider_status ?? 500) >= 500;
  return (error.code === "provider_error" ? isOutage : FAILURES.test(error.code)) ? "failure" : "answer";
}
