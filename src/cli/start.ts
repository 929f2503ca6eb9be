// The command `start`: serves until it is stopped.

import { UsageError } from "../core/errors.ts";
import { startService } from "../node/service.ts";
import { type CallOptions, DEFAULT_FILE, environment, findFile, loadFile } from "./configuration.ts";
import type { Attach } from "./signals.ts";

/** @throws {UsageError | ConfigError | ListenError} */
export async function start({ config, envFile }: CallOptions, attachSignals: Attach): Promise<void> {
  const path = findFile(config, environment(envFile));
  if (path === undefined) {
    const cure = 'write one with "init", name yours with --config, or try the proxy without a file with "dev"';
    throw new UsageError(
      `there is no configuration file, neither ${DEFAULT_FILE} here nor TOKEN_PROXY_CONFIG: ${cure}`,
    );
  }
  const ownFiles = envFile === undefined ? [path] : [path, envFile];
  attachSignals(await startService((file) => loadFile(path, environment(envFile), file), { ownFiles }));
}
