// Keeps what runs at once within a number, on Node, where a process answers everybody.

import type { CreateBulkhead } from "../../core/ports.ts";

export const createNodeBulkhead: CreateBulkhead = (limit, queue, wait) => {
  let inFlight = 0;
  /** In the order in which they came. */
  const waiting = new Set<() => void>();

  const place = () =>
    new Promise<boolean>((resolve) => {
      const admit = () => {
        waiting.delete(admit);
        clearTimeout(timer);
        resolve(true);
      };
      const timer = setTimeout(() => {
        waiting.delete(admit);
        resolve(false);
      }, wait);
      waiting.add(admit);
    });

  return {
    enter() {
      if (inFlight < limit) {
        inFlight += 1;
        return true;
      }
      return waiting.size < queue && place();
    },
    leave() {
      // Whoever waits takes over the place, so that nobody who comes meanwhile is let in before.
      const [admit] = waiting;
      if (admit === undefined) inFlight -= 1;
      else admit();
    },
    state: () => ({ inFlight, queued: waiting.size }),
  };
};
