// Clients that call all the time, for restarts and reloads.

import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { callGetToken } from "./call.ts";

const CLIENTS = 8;
/** Leaves time to processes that start meanwhile. */
const PAUSE_MS = 10;

const callOnNewConnection = async (url: string) =>
  (await callGetToken(url, { headers: { Connection: "close" } })).status;

/** @param call makes one call, and returns its status */
export function load(url: string, call: (url: string, client: number) => Promise<number> = callOnNewConnection) {
  /** By status, 0 for no answer. */
  const statuses: Record<number, number> = {};
  let answered = 0;
  let isStopped = false;
  const callUntilStopped = async (_: unknown, client: number) => {
    while (!isStopped) {
      const status = await call(url, client).catch(() => 0);
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered += 1;
      await sleep(PAUSE_MS);
    }
  };
  const all = Promise.all(Array.from({ length: CLIENTS }, callUntilStopped));
  return {
    /** Waits until so many more calls have been answered. */
    more(calls = 40): Promise<void> {
      const wanted = answered + calls;
      return expect.poll(() => answered).toBeGreaterThanOrEqual(wanted);
    },
    async stop() {
      isStopped = true;
      await all;
      return statuses;
    },
  };
}
