// Suspends a provider that keeps failing: calls are refused at once instead of each waiting for it, until a trial succeeds.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";
import type { Transport } from "../core/transport.ts";

/** So many failures in a row, and not one answer between them, are no accident. */
export const FAILURES_BEFORE_SUSPENSION = 10;
/** Milliseconds after which one call is let through as a trial. */
export const SUSPENSION_MS = 5_000;
/** What a trial may take beyond the provider's timeout before it is given up: a Worker's call may be cut off without an end. */
const TRIAL_MARGIN_MS = 1_000;
const FAILURES: ReadonlySet<ErrorCode> = new Set(["provider_unreachable", "provider_timeout", "provider_truncated"]);

export type BreakerState = "closed" | "open" | "half_open";

/** Not cockatiel's: that goes by the wall clock, lets calls wait for a trial, and knows no end that tells nothing. */
export interface Breaker {
  run<T>(use: (send: Transport) => Promise<T>): Promise<T>;
  /** `half_open`: a trial is due or goes on. */
  state(): BreakerState;
  /** How often the provider was suspended. */
  suspensions(): number;
}

/** Calls are let through in a phase, and how one ends counts in its own phase alone: a late end is news of a time that is over. */
export interface Phase {
  /** In a row. */
  failures: number;
  /** Undefined while all calls are let through. This and triedAt are of the clock that is never set. */
  suspendedAt?: number;
  /** When the call of this phase, a trial, was let through. */
  triedAt?: number | undefined;
}

/** @param timeout milliseconds that one exchange may take. @param name of the provider in the file */
export function createBreaker({
  timeout,
  name,
  transport,
  clock,
  log,
}: {
  timeout: number;
  name: string;
  transport: Transport;
  clock: Clock;
  log: Log;
}): Breaker {
  let phase: Phase = { failures: 0 };
  let suspensions = 0;

  const isOver = ({ suspendedAt = 0 }: Phase) => clock.elapsed() >= suspendedAt + SUSPENSION_MS;
  // Nobody waits for a trial of somebody else: on Workers that would be forever (workerd#210).
  const isTried = ({ triedAt = -Infinity }: Phase) => clock.elapsed() < triedAt + timeout + TRIAL_MARGIN_MS;

  function enter(): Phase {
    if (phase.suspendedAt === undefined) return phase;
    if (!isOver(phase) || isTried(phase)) throw suspended(name, phase.suspendedAt + SUSPENSION_MS - clock.elapsed());
    phase = { ...phase, triedAt: clock.elapsed() };
    return phase;
  }

  function leave(entered: Phase, wasAsked: boolean, error: unknown): void {
    if (entered !== phase) return;
    const end = wasAsked ? endOf(error) : "nothing";
    if (end === "nothing") {
      phase.triedAt = undefined;
    } else if (end === "answer") {
      phase.failures = 0;
      if (phase.suspendedAt === undefined) return;
      phase = { failures: 0 };
      log("info", "provider taken up again", { provider: name });
    } else {
      phase.failures += 1;
      if (phase.failures < FAILURES_BEFORE_SUSPENSION) return;
      phase = { failures: phase.failures, suspendedAt: clock.elapsed() };
      suspensions += 1;
      log("error", "provider suspended", { provider: name, next_try_ms: SUSPENSION_MS });
    }
  }

  return {
    async run(use) {
      const entered = enter();
      let wasAsked = false;
      let failure: unknown;
      try {
        return await use((request) => {
          wasAsked = true;
          return transport(request);
        });
      } catch (error) {
        failure = error;
        throw error;
      } finally {
        leave(entered, wasAsked, failure);
      }
    },
    suspensions: () => suspensions,
    state: () => (phase.suspendedAt === undefined ? "closed" : isOver(phase) ? "half_open" : "open"),
  };
}

function suspended(name: string, left: number): TokenProxyError {
  return new TokenProxyError("provider_suspended", `the provider "providers.${name}" keeps failing and is left alone`, {
    retryAfter: Math.max(1, Math.ceil(left / 1000)),
  });
}

/** What the end of an exchange tells of the provider. */
type End = "failure" | "answer" | "nothing";

/** A refusal of a user or of this proxy, or a limit, is an answer of a provider that is well. A bug of ours tells nothing. */
function endOf(error: unknown): End {
  if (error === undefined) return "answer";
  if (!(error instanceof TokenProxyError) || error.code === "call_invalid") return "nothing";
  const isFailure =
    error.code === "provider_error" ? Number(error.detail?.provider_status ?? 500) >= 500 : FAILURES.has(error.code);
  return isFailure ? "failure" : "answer";
}
