// A client with several credentials, old and new: which one is used, and when the next one is tried.

import { acceptedClient, refusedClient } from "./token-response.ts";

/** Makes one exchange with the credential of this index. */
export type Exchange<T> = (index: number) => Promise<T>;

/**
 * @param count of the credentials
 * @param onRefused told of a credential that the provider refused, and of the one that is tried next
 * @returns a function that makes an exchange, and where the provider refuses the client, and only then, one more with the next
 * credential: it issued nothing then. The credential that worked is used from then on, since refusals count at the provider.
 */
export function createRotation(count: number, onRefused: (refused: number, next: number) => void) {
  let preferred = 0;
  if (count === 1) return <T>(exchange: Exchange<T>): Promise<T> => exchange(0);
  return async <T>(exchange: Exchange<T>): Promise<T> => {
    const first = preferred;
    try {
      return await exchange(first);
    } catch (error) {
      if (!refusedClient(error)) throw error;
    }
    const next = (first + 1) % count;
    onRefused(first, next);
    try {
      const answer = await exchange(next);
      preferred = next;
      return answer;
    } catch (error) {
      if (acceptedClient(error)) preferred = next;
      throw error;
    }
  };
}
