// A timer for deadlines that does not take a pause of this process for a slow server.

import type { Clock } from "./ports.ts";

/** A busy event loop is less late. This process must have been stopped, or was freeing memory. */
export const PAUSE_MS = 500;
/** Long enough to read and decode the answers to all calls. */
const CATCH_UP_MS = 100;

/** On Node, a timer that is due may follow another one before sockets are read. */
const inNextTurn: (run: () => void) => void = globalThis.setImmediate ?? setTimeout;

/**
 * After a pause, deadlines have passed before the answers that arrived meanwhile are read. So the
 * event loop gets another turn first, and the time to catch up if the timer is late.
 * @param ms until `expire` is called, with whether the process was paused meanwhile
 * @returns a function that stops the timer
 */
export function startDeadline(ms: number, elapsed: Clock["elapsed"], expire: (isLate: boolean) => void): () => void {
  const lateAt = elapsed() + ms + PAUSE_MS;
  let isStopped = false;
  let timer = setTimeout(() => {
    const isLate = elapsed() > lateAt;
    inNextTurn(() => {
      if (isStopped) return;
      if (isLate) timer = setTimeout(expire, CATCH_UP_MS, isLate);
      else expire(isLate);
    });
  }, ms);
  return () => {
    isStopped = true;
    clearTimeout(timer);
  };
}

/** Fails with what `late` returns if `ms` pass first; then the result is ignored. */
export async function inTime<T>(
  running: Promise<T>,
  ms: number,
  elapsed: Clock["elapsed"],
  late: (isPaused: boolean) => Error,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = startDeadline(ms, elapsed, (isPaused) => reject(late(isPaused)));
  return Promise.race([running, promise]).finally(stop);
}
