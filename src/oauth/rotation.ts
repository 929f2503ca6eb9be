// A client with an old and a new credential: which one is used, and when the other one is tried.

import { isClientAccepted, isClientRejected } from "./judge-answer.ts";

/**
 * If the provider rejects the client, and only then, the next credential gets one try: nothing was
 * issued. The one that worked is used from then on, because rejections count at the provider.
 * @param count number of credentials
 * @param onRejected gets the index of the rejected credential and of the next one
 */
export function createRotation(count: number, onRejected: (rejected: number, next: number) => void) {
  let preferred = 0;
  return async <T>(use: (credential: number) => Promise<T>): Promise<T> => {
    const first = preferred;
    try {
      return await use(first);
    } catch (error) {
      if (count === 1 || !isClientRejected(error)) throw error;
    }
    const next = (first + 1) % count;
    onRejected(first, next);
    try {
      const answer = await use(next);
      preferred = next;
      return answer;
    } catch (error) {
      if (isClientAccepted(error)) preferred = next;
      throw error;
    }
  };
}
