// The command `start`: serves until it is told to stop.

import { styleText } from "node:util";
import { keepCallsYoung } from "../node/fast-path/collector.ts";
import { startProcesses } from "../node/processes/primary.ts";
import { isServingProcess, serveForOthers } from "../node/processes/worker.ts";
import { type Loaded, startService } from "../node/service.ts";
import { environment, findFile, loadFile } from "./configuration.ts";
import type { Attach } from "./signals.ts";

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }), // plain in a pipe and under NO_COLOR
};

export interface StartOptions {
  config?: string;
  envFile?: string;
}

/** Without a configuration file anywhere it starts dev mode. */
export async function start({ config, envFile }: StartOptions, attachSignals: Attach): Promise<void> {
  const path = findFile(config, environment(envFile));
  if (path === undefined) {
    const { startDev } = await import("./dev/dev.ts"); // who serves does not wait for it to be loaded
    return attachSignals(await startDev(terminal));
  }
  if (isServingProcess()) {
    await serveForOthers();
    return keepCallsYoung();
  }
  const read = () => loadFile(path, environment(envFile));
  const first = read();
  let unused: Loaded | undefined = first; // reading it a second time would be a tenth of the start
  const load = () => {
    const loaded = unused ?? read();
    unused = undefined;
    return loaded;
  };
  const isAlone = first.file.config.server.processes === 1;
  attachSignals(await (isAlone ? startService(load) : startProcesses(load)));
  if (isAlone) keepCallsYoung();
}
