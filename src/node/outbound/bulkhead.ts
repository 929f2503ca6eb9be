// Limits how many token requests are in flight, with a short queue.

import { startDeadline } from "../../core/deadline.ts";
import type { CreateBulkhead } from "../../core/ports.ts";
import { nodeClock } from "../host.ts";

export const createNodeBulkhead: CreateBulkhead = (limit, queue) => {
  let inFlight = 0;
  /** First come, first served. */
  const waiting = new Set<() => void>();

  const enterLater = (wait: number) =>
    new Promise<boolean>((resolve) => {
      const settle = (isAdmitted: boolean) => {
        waiting.delete(admit);
        stopDeadline();
        resolve(isAdmitted);
      };
      const admit = () => settle(true);
      const stopDeadline = startDeadline(wait, nodeClock.elapsed, () => settle(false));
      waiting.add(admit);
    });

  return {
    enter(wait) {
      if (inFlight >= limit) return waiting.size < queue && enterLater(wait);
      inFlight += 1;
      return true;
    },
    leave() {
      const [admit] = waiting;
      if (admit === undefined) inFlight -= 1;
      else admit(); // takes over the place, so that no later call gets in first
    },
    state: () => ({ inFlight, queued: waiting.size }),
  };
};
