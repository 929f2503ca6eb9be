// Handles signals for a service, from the first moment of its start.

import { isatty } from "node:tty";
import type { Service } from "../node/service.ts";

const STDOUT = 1;

/** Call it once the service runs. */
export type Attach = (service: Service) => void;

/**
 * SIGTERM and SIGINT stop the service, and a second one ends it at once. SIGHUP reloads its
 * configuration. Without these handlers a SIGHUP during the start would end the process, and
 * process 1 of a container would ignore a SIGTERM.
 */
export function holdSignals(): Attach {
  let service: Service | undefined;
  let isReloadWanted = false;
  let isStopping = false;
  let hasTerminal = isatty(STDOUT);

  const stop = async (signal: NodeJS.Signals) => {
    if (service === undefined) process.exit(0); // no call has been accepted yet
    if (isStopping) {
      await service.abort();
      process.exit(1);
    }
    isStopping = true;
    // Sent by a user who is waiting at a terminal.
    const cutOff = await service.stop(signal === "SIGINT");
    process.exit(cutOff === 0 ? 0 : 1);
  };

  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  process.on("SIGHUP", () => {
    // A closing terminal sends SIGHUP too, and nobody is left to stop the service.
    if (hasTerminal && !isatty(STDOUT)) {
      hasTerminal = false; // the signal may come twice
      void stop("SIGINT");
    } else if (service === undefined) isReloadWanted = true;
    else void service.reload();
  });
  return (started) => {
    service = started;
    if (isReloadWanted) void service.reload();
  };
}
