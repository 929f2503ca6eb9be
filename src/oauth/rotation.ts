// A client with an old and a new credential: which one is used, and when the other one is tried.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";

/** Doubtful refusals may concern the user, and a user must not be locked out by our attempts. */
const DOUBTFUL_PAUSE_MS = 30_000;

/** Waits for the attempt of another call, within the time of this one. */
type Wait = (attempt: Promise<unknown>) => Promise<unknown>;

/**
 * If the provider refuses the client, or perhaps does, the next credential gets one try: nothing
 * was issued. Only a token shows that it is the right one, which is then used first.
 * @param isRepeatable whether the same user's token may be requested twice
 */
export function createRotation(
  count: number,
  isRepeatable: boolean,
  name: string,
  { clock, log, sharesPromises }: { clock: Clock; log: Log; sharesPromises?: boolean | undefined },
) {
  let preferred = 0;
  let step = 1; // from the preferred one to the one to try next
  let doubtfulAt = Number.NEGATIVE_INFINITY;
  /** The last attempt with another credential. */
  let attempt: Promise<unknown> = Promise.resolve();

  /** @returns the error if another credential may help, and the request may be sent again */
  function refusalIn(error: unknown): TokenProxyError | undefined {
    if (!(error instanceof TokenProxyError) || error.code !== "provider_rejected_proxy") return undefined;
    const isRetryable = error.credential === "refused" || (error.credential === "doubtful" && isRepeatable);
    return count > 1 && isRetryable ? error : undefined;
  }

  function mayTryNext({ credential }: TokenProxyError): boolean {
    if (credential === "refused") return true;
    if (clock.elapsed() < doubtfulAt + DOUBTFUL_PAUSE_MS) return false;
    doubtfulAt = clock.elapsed();
    return true;
  }

  type Use<T> = (credential: number) => Promise<T>;

  async function tryNext<T extends { outcome: string }>(refused: number, use: Use<T>): Promise<T> {
    const next = (refused + step) % count;
    const fields = { provider: name, refused: refused + 1, next: next + 1 };
    log("warn", "client credential refused, trying the next", fields);
    step = (step % (count - 1)) + 1; // another one each time, or a third would never be tried
    const answer = await use(next);
    // It was the credential and not the user, so the next doubt may be resolved at once.
    if (answer.outcome === "token") [preferred, step, doubtfulAt] = [next, 1, Number.NEGATIVE_INFINITY];
    return answer;
  }

  return async <T extends { outcome: string }>(use: Use<T>, wait: Wait): Promise<T> => {
    const first = preferred;
    try {
      return await use(first);
    } catch (error) {
      const refusal = refusalIn(error);
      if (refusal === undefined) throw error;
      if (preferred === first && mayTryNext(refusal)) {
        const answer = tryNext(first, use);
        attempt = answer.catch(() => {});
        return answer;
      }
      if (preferred === first && sharesPromises) await wait(attempt);
      if (preferred === first) throw refusal;
      return use(preferred); // which brought another call its token meanwhile
    }
  };
}
