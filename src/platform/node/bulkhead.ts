// Keeps what runs at once within a number, on Node, where a process answers everybody.

import { BulkheadFullError, type CreateBulkhead } from "../../ports.ts";

export const createNodeBulkhead: CreateBulkhead = (limit, queue) => {
  let inFlight = 0;
  const waiting: (() => void)[] = [];

  return {
    async run(task) {
      if (inFlight < limit) inFlight += 1;
      else if (waiting.length < queue) await new Promise<void>((admit) => waiting.push(admit));
      else throw new BulkheadFullError();
      try {
        return await task();
      } finally {
        // Whoever waits takes over the place, so that nobody who comes meanwhile is let in before.
        const admit = waiting.shift();
        if (admit === undefined) inFlight -= 1;
        else admit();
      }
    },
    state: () => ({ inFlight, queued: waiting.length }),
  };
};
