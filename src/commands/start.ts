// The command `start`: serves until it is told to stop.

import { styleText } from "node:util";
import { startDev } from "../dev/dev.ts";
import { ConfigError } from "../errors.ts";
import { type Service, startService } from "../node.ts";
import { environment, findFile, loadFile, UsageError } from "./configuration.ts";

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }), // plain in a pipe and under NO_COLOR
};

/** Without a configuration file anywhere it starts dev mode. */
export async function start({ config, envFile }: { config?: string; envFile?: string }): Promise<void> {
  const env = environment(envFile);
  const path = findFile(config, env);
  if (path === undefined) return stopOnSignals(await startDev(terminal));
  const { file, host } = loadFile(path, env);
  const service = await startService(file, host);
  stopOnSignals(service);
  reloadOnSignal(service, path, envFile);
}

/** SIGHUP reads the file and its secrets anew: all of it takes effect, or nothing. One signal after the other. */
function reloadOnSignal(service: Service, path: string, envFile: string | undefined): void {
  let last = Promise.resolve();
  process.on("SIGHUP", () => {
    last = last.then(async () => {
      try {
        const { file, host } = loadFile(path, environment(envFile));
        await service.reload(file, host);
      } catch (error) {
        // What is wrong with a file or a secret is told without their contents; of anything else, that it is a bug must do.
        const isKnown = error instanceof ConfigError || error instanceof UsageError;
        service.log("error", "not reloaded: the old configuration stays", {
          reason: isKnown ? error.message : (error as Error).name,
        });
      }
    });
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
