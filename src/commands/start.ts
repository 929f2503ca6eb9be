// The command `start`: serves until it is told to stop.

import { isatty } from "node:tty";
import { styleText } from "node:util";
import { type Service, startService } from "../node.ts";
import { startProcesses } from "../processes/primary.ts";
import { isServingProcess, serveForOthers } from "../processes/worker.ts";
import { environment, findFile, loadFile } from "./configuration.ts";

const STDOUT = 1;

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }), // plain in a pipe and under NO_COLOR
};

/** Without a configuration file anywhere it starts dev mode. */
export async function start({ config, envFile }: { config?: string; envFile?: string }): Promise<void> {
  const path = findFile(config, environment(envFile));
  if (path === undefined) {
    const { startDev } = await import("../dev/dev.ts"); // who serves does not wait for it to be loaded
    return stopOnSignals(await startDev(terminal));
  }
  const load = () => loadFile(path, environment(envFile));
  if (isServingProcess()) return serveForOthers(load);
  const service = load().file.config.server.processes > 1 ? await startProcesses(load) : await startService(load);
  stopOnSignals(service);
  reloadOnSignal(service);
}

/** One signal after the other: each reads what is there when its turn comes. */
function reloadOnSignal(service: Service): void {
  let hasTerminal = isatty(STDOUT);
  let last: Promise<unknown> = Promise.resolve();
  process.on("SIGHUP", () => {
    // A terminal that is closed sends the same signal, and then nobody is left who would end the service.
    if (hasTerminal && !isatty(STDOUT)) {
      hasTerminal = false; // the signal may come twice
      process.kill(process.pid, "SIGINT");
    } else last = last.then(() => service.reload());
  });
}

function stopOnSignals(service: Service): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (stopping) {
        await service.abort(); // asked twice: whoever asks does not want to wait
        process.exit(1);
      }
      stopping = true;
      const cut = await service.stop(signal === "SIGINT"); // of a terminal, whose user waits
      process.exit(cut === 0 ? 0 : 1);
    });
  }
}
