// A client with an old and a new credential: which one is used, and when the other one is tried.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock, Log } from "../core/ports.ts";

/** Doubtful refusals may concern the user, and a user must not be locked out by our attempts. */
const DOUBTFUL_PAUSE_MS = 30_000;

/**
 * If the provider refuses the client, or perhaps does, the next credential gets one try: nothing
 * was issued. Only a token shows that it is the right one, which is then used first.
 * @param isRepeatable whether the same user's token may be requested twice
 */
export function createRotation(
  count: number,
  isRepeatable: boolean,
  name: string,
  { clock, log }: { clock: Clock; log: Log },
) {
  let preferred = 0;
  let step = 1; // from the preferred one to the one to try next
  let doubtfulAt = Number.NEGATIVE_INFINITY;

  function mayTryNext({ code, credential }: TokenProxyError): boolean {
    if (count === 1 || code !== "provider_rejected_proxy" || credential === undefined) return false;
    if (credential === "refused") return true;
    if (!isRepeatable || clock.elapsed() < doubtfulAt + DOUBTFUL_PAUSE_MS) return false;
    doubtfulAt = clock.elapsed();
    return true;
  }

  return async <T extends { outcome: string }>(use: (credential: number) => Promise<T>): Promise<T> => {
    const first = preferred;
    try {
      return await use(first);
    } catch (error) {
      if (!(error instanceof TokenProxyError && mayTryNext(error))) throw error;
    }
    const next = (first + step) % count;
    const fields = { provider: name, refused: first + 1, next: next + 1 };
    log("warn", "client credential refused, trying the next", fields);
    step = (step % (count - 1)) + 1; // another one each time, or a third would never be tried
    const answer = await use(next);
    if (answer.outcome === "token") [preferred, step] = [next, 1];
    return answer;
  };
}
