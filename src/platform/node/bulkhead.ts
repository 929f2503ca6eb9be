// Keeps what runs at once within a number, on Node, where a process answers everybody.

import { BulkheadRejectedError, bulkhead } from "cockatiel";
import { BulkheadFullError, type CreateBulkhead } from "../../ports.ts";

export const createNodeBulkhead: CreateBulkhead = (limit, queue) => {
  const policy = bulkhead(limit, queue);
  return {
    async run(task) {
      try {
        return await policy.execute(task);
      } catch (error) {
        throw error instanceof BulkheadRejectedError ? new BulkheadFullError() : error;
      }
    },
    state: () => ({ inFlight: limit - policy.executionSlots, queued: queue - policy.queueSlots }),
  };
};
