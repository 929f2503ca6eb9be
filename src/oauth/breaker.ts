// Suspends a provider that keeps failing: calls are refused at once instead of each waiting for it, until a trial succeeds.

import { BrokenCircuitError, CircuitState, ConsecutiveBreaker, circuitBreaker, handleWhen } from "cockatiel";
import { TokenProxyError } from "../errors.ts";
import type { Clock, Log } from "../ports.ts";

/** So many failures in a row, and not one answer between them, are no accident. */
export const FAILURES_BEFORE_SUSPENSION = 10;
/** Milliseconds after which one call is let through as a trial. */
export const SUSPENSION_MS = 5_000;
/** What a trial may take beyond the provider's timeout before it is given up: a Worker's call may be cut off without an end. */
const TRIAL_MARGIN_MS = 1_000;

/** Runs an exchange, or throws provider_suspended. */
export type Breaker = <T>(exchange: () => Promise<T>) => Promise<T>;

/**
 * @param timeout milliseconds that one exchange may take
 * @param name of the provider in the file
 */
export function createBreaker(timeout: number, name: string, { clock, log }: { clock: Clock; log: Log }): Breaker {
  let suspendedAt = 0;
  let triedAt = 0;
  let policy = createPolicy();

  function createPolicy() {
    const created = circuitBreaker(handleWhen(isProvidersFault), {
      halfOpenAfter: SUSPENSION_MS,
      breaker: new ConsecutiveBreaker(FAILURES_BEFORE_SUSPENSION),
    });
    created.onBreak(() => {
      if (created !== policy) return; // a late end of what was given up
      suspendedAt = clock.elapsed();
      log("error", "provider suspended", { provider: name, next_try_ms: SUSPENSION_MS });
    });
    created.onHalfOpen(() => {
      triedAt = clock.elapsed();
    });
    created.onReset(() => log("info", "provider taken up again", { provider: name }));
    return created;
  }

  const suspended = () => {
    const left = suspendedAt + SUSPENSION_MS - clock.elapsed();
    return new TokenProxyError(
      "provider_suspended",
      `the provider "providers.${name}" keeps failing and is left alone`,
      {
        retryAfter: Math.max(1, Math.ceil(left / 1000)),
      },
    );
  };

  return async (exchange) => {
    if (policy.state === CircuitState.HalfOpen) {
      // The library would let this call wait for another one's trial. A call waits for nothing that is not its own: on Workers it
      // would wait forever (workerd#210).
      if (clock.elapsed() < triedAt + timeout + TRIAL_MARGIN_MS) throw suspended();
      policy = createPolicy();
    }
    const outcome = await policy
      .execute(() => outcomeOf(exchange))
      .catch((error: unknown) => {
        throw error instanceof BrokenCircuitError ? suspended() : error;
      });
    if ("answer" in outcome) return outcome.answer;
    throw outcome.error;
  };
}

/** An answer that is an error, as a limit, is an answer: it ends a row of failures. */
async function outcomeOf<T>(exchange: () => Promise<T>): Promise<{ answer: T } | { error: unknown }> {
  try {
    return { answer: await exchange() };
  } catch (error) {
    if (isProvidersFault(error)) throw error;
    return { error };
  }
}

/** Not a refusal of a user or of this proxy, nor a limit: those are answers of a provider that is well. */
function isProvidersFault(error: unknown): boolean {
  if (!(error instanceof TokenProxyError)) return false;
  switch (error.code) {
    case "provider_unreachable":
    case "provider_timeout":
    case "provider_truncated":
      return true;
    case "provider_error":
      return Number(error.detail?.provider_status ?? 500) >= 500;
    default:
      return false;
  }
}
