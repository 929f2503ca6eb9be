// The load generator, in a separate process that is kept for the whole run so that it is warm.

import { join } from "node:path";
import type { Call } from "./call.ts";
import { startChild } from "./child.ts";
import { BENCH } from "./place.ts";

/** Closed loop: a fixed number of open calls. Open loop: a rate, whether calls are answered or not. */
export type Pace = { connections: number } | { rate: number; seed: number };

export type LoadOrder = Call & Pace & { seconds: number; expected: string };

export interface LoadResult {
  calls: number;
  seconds: number;
  /** Milliseconds; with Poisson arrivals, from the moment at which the call was due. */
  p50: number;
  p99: number;
}

export interface Load {
  /** @throws when a call fails or gets other bytes than expected */
  run(order: LoadOrder, name: string): Promise<LoadResult>;
  stop(): Promise<void>;
}

export async function startLoad(folder: string, cores: string | undefined): Promise<Load> {
  const command = { command: process.execPath, args: [join(BENCH, "programs/load.js")] };
  const child = startChild(command, cores, join(folder, "load.log"), true);
  const { process: load } = child;
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the load generator ended:\n${child.output()}`));
      load.once("exit", fail);
      load.once("message", (message) => {
        load.off("exit", fail);
        resolve(message);
      });
    });
  await next();
  return {
    async run(order, name) {
      load.send(order);
      const { failed, ...result } = (await next()) as LoadResult & { failed: Record<string, number> };
      const failures = Object.entries(failed).filter(([, count]) => count > 0);
      if (failures.length > 0 || result.calls === 0) {
        const counts = failures.map(([kind, count]) => `${count} ${kind}`).join(", ");
        throw new Error(`${name} failed under load: ${result.calls} calls answered, ${counts || "no failure"}`);
      }
      return result;
    },
    stop: () => child.stop("SIGTERM"),
  };
}
