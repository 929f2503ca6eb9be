// The load: autocannon in a process of its own, kept for the whole run so that it is warm.

import { join } from "node:path";
import type { Call } from "./call.ts";
import { startChild } from "./child.ts";
import { BENCH } from "./place.ts";

export interface LoadOrder extends Call {
  connections: number;
  seconds: number;
  /** What every answer must be. */
  expected: string;
}

export interface LoadResult {
  calls: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

export interface Load {
  /** @throws where one call has failed, or has got other bytes */
  run(order: LoadOrder, name: string): Promise<LoadResult>;
  stop(): Promise<void>;
}

export async function startLoad(folder: string, cores: string | undefined): Promise<Load> {
  const command = { command: process.execPath, args: [join(BENCH, "processes/load.js")] };
  const child = startChild(command, cores, join(folder, "load.log"), true);
  const { process: load } = child;
  const next = (): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = () => reject(new Error(`the load ended:\n${child.output()}`));
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
      const told = Object.entries(failed).filter(([, count]) => count > 0);
      if (told.length > 0 || result.calls === 0) {
        const counts = told.map(([what, count]) => `${count} ${what}`).join(", ");
        throw new Error(`${name} failed under load: of ${result.calls} calls ${counts || "none came back"}`);
      }
      return result;
    },
    stop: () => child.stop("SIGTERM"),
  };
}
