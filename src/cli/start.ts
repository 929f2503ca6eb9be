// The command `start`: serves until it is stopped.

import { styleText } from "node:util";
import { startService } from "../node/service.ts";
import { environment, findFile, loadFile } from "./configuration.ts";
import type { Attach } from "./signals.ts";

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  // Plain in a pipe and under NO_COLOR.
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }),
};

export interface StartOptions {
  config?: string;
  envFile?: string;
}

/** Starts dev mode if there is no configuration file. */
export async function start({ config, envFile }: StartOptions, attachSignals: Attach): Promise<void> {
  const path = findFile(config, environment(envFile));
  if (path === undefined) {
    const { startDev } = await import("./dev/dev.ts"); // loaded only when used, for a faster start
    return attachSignals(await startDev(terminal));
  }
  attachSignals(await startService(() => loadFile(path, environment(envFile))));
}
