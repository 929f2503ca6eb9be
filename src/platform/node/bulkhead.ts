// Keeps what runs at once within a number, on Node, where a process answers everybody.

import { BulkheadFullError, type CreateBulkhead } from "../../ports.ts";

export const createNodeBulkhead: CreateBulkhead = (limit, queue, wait) => {
  let inFlight = 0;
  /** In the order in which they came. */
  const waiting = new Set<() => void>();

  const place = () =>
    new Promise<void>((resolve, reject) => {
      const admit = () => {
        waiting.delete(admit);
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(admit);
        reject(new BulkheadFullError());
      }, wait);
      waiting.add(admit);
    });

  return {
    async run(task) {
      const mustWait = inFlight >= limit;
      if (!mustWait) inFlight += 1;
      else if (waiting.size < queue) await place();
      else throw new BulkheadFullError();
      try {
        return await task(mustWait);
      } finally {
        // Whoever waits takes over the place, so that nobody who comes meanwhile is let in before.
        const [admit] = waiting;
        if (admit === undefined) inFlight -= 1;
        else admit();
      }
    },
    state: () => ({ inFlight, queued: waiting.size }),
  };
};
