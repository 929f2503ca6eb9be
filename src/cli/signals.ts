// What a service does at a signal, from the first moment of its start on.

import cluster from "node:cluster";
import { isatty } from "node:tty";
import type { Service } from "../node/service.ts";

const STDOUT = 1;

/** From when the service is there, its signals are its own. */
export type Attach = (service: Service) => void;

/**
 * SIGTERM and SIGINT end it, a second one at once; SIGHUP has it take its configuration anew. Without a handler a SIGHUP during the start
 * would end the process, and a SIGTERM would do nothing to the first process of a container. One of several processes leaves signals,
 * which may come to all of them, to the one that speaks for it.
 */
export function holdSignals(): Attach {
  let service: Service | undefined;
  let isReloadWanted = false;
  let isReloading = false;
  let isStopping = false;
  let hasTerminal = isatty(STDOUT);

  const stop = async (signal: NodeJS.Signals) => {
    if (cluster.isWorker) return;
    if (service === undefined) {
      // Nothing has begun; those that were started to serve would complain that nobody listens.
      for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill("SIGKILL");
      process.exit(0);
    }
    if (isStopping) {
      await service.abort(); // asked twice: whoever asks does not want to wait
      process.exit(1);
    }
    isStopping = true;
    const failed = await service.stop(signal === "SIGINT"); // of a terminal, whose user waits
    process.exit(failed === 0 ? 0 : 1);
  };
  /** One after the other, and one for all that come meanwhile. */
  const reload = async () => {
    isReloadWanted = true;
    if (service === undefined || isReloading) return;
    isReloading = true;
    while (isReloadWanted) {
      isReloadWanted = false;
      await service.reload();
    }
    isReloading = false;
  };

  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => {
    if (cluster.isWorker) return;
    // A terminal that is closed sends the same signal, and then nobody is left who would end the service.
    if (hasTerminal && !isatty(STDOUT)) {
      hasTerminal = false; // the signal may come twice
      void stop("SIGINT");
    } else void reload();
  });
  return (started) => {
    service = started;
    if (isReloadWanted) void reload();
  };
}
