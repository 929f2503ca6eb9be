// The command `start`: serves until it is stopped.

import { startService } from "../node/service.ts";
import { type CallOptions, environment, findFile, loadFile } from "./configuration.ts";
import type { Attach } from "./signals.ts";

/** Starts dev mode if there is no configuration file. */
export async function start({ config, envFile }: CallOptions, attachSignals: Attach): Promise<void> {
  const path = findFile(config, environment(envFile));
  if (path === undefined) {
    const { startDev } = await import("./dev/dev.ts"); // loaded only when used, for a faster start
    return attachSignals(await startDev());
  }
  const ownFiles = envFile === undefined ? [path] : [path, envFile];
  attachSignals(await startService((file) => loadFile(path, environment(envFile), file), { ownFiles }));
}
