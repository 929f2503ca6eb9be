// How long to wait before a process that has ended is replaced: at once the first time, longer each time that its successor ends soon.

const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 30_000;
/** One that has served for so long was well. */
const STEADY_MS = 60_000;

export interface BackOff {
  started(id: number): void;
  /** @returns milliseconds to wait */
  ended(id: number): number;
}

/** @param elapsed milliseconds of a clock that never goes back */
export function createBackOff(elapsed: () => number = () => performance.now()): BackOff {
  const since = new Map<number, number>();
  let pause = FIRST_PAUSE_MS;
  return {
    started: (id) => void since.set(id, elapsed()),
    ended(id) {
      const start = since.get(id);
      since.delete(id);
      if (start !== undefined && elapsed() - start >= STEADY_MS) pause = FIRST_PAUSE_MS;
      const wait = pause;
      pause = Math.min(pause * 2, MAX_PAUSE_MS);
      return wait;
    },
  };
}
