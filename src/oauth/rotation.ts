// A client with an old and a new credential: which one is used, and when the other one is tried.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";

/** Doubtful refusals may concern the user, and a user must not be locked out by our attempts. */
const DOUBTFUL_PAUSE_MS = 30_000;

interface RotationDeps {
  /** Number of credentials. */
  count: number;
  /** Whether the same user's token may be requested twice. */
  repeatable: boolean;
  clock: Pick<Clock, "elapsed">;
  /** Gets the index of the refused credential and of the next one. */
  onRefused(refused: number, next: number): void;
}

/**
 * If the provider refuses the client, or perhaps does, the next credential gets one try: nothing
 * was issued. Only a token shows that it is the right one, which is then used first.
 */
export function createRotation({ count, repeatable, clock, onRefused }: RotationDeps) {
  let preferred = 0;
  let doubtfulAt = Number.NEGATIVE_INFINITY;

  function mayTryNext(error: unknown): boolean {
    if (count === 1 || !(error instanceof TokenProxyError) || error.code !== "provider_rejected_proxy") return false;
    if (error.credential !== "doubtful") return error.credential === "refused";
    if (!repeatable || clock.elapsed() - doubtfulAt < DOUBTFUL_PAUSE_MS) return false;
    doubtfulAt = clock.elapsed();
    return true;
  }

  return async <T extends { outcome: string }>(use: (credential: number) => Promise<T>): Promise<T> => {
    const first = preferred;
    try {
      return await use(first);
    } catch (error) {
      if (!mayTryNext(error)) throw error;
    }
    const next = (first + 1) % count;
    onRefused(first, next);
    const answer = await use(next);
    if (answer.outcome === "token") preferred = next;
    return answer;
  };
}
