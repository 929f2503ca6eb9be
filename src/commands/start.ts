// The command `start`: serves until it is told to stop.

import { styleText } from "node:util";
import { startDev } from "../dev/dev.ts";
import { type Service, startService } from "../node.ts";
import { findFile, loadFile } from "./configuration.ts";

const terminal = {
  write: (text: string) => void process.stdout.write(text),
  bold: (text: string) => styleText("bold", text, { stream: process.stdout }), // plain in a pipe and under NO_COLOR
};

/** Without a configuration file anywhere it starts dev mode. */
export async function start({ config }: { config?: string }): Promise<void> {
  const path = findFile(config);
  stopOnSignals(path === undefined ? await startDev(terminal) : await startFromFile(path));
}

function startFromFile(path: string): Promise<Service> {
  const { file, host } = loadFile(path);
  return startService(file, host);
}

function stopOnSignals(service: Service): void {
  let stopping = false;
  for (const signal of ["SIGTERM", "SIGINT"] as const) {
    process.on(signal, async () => {
      if (stopping) process.exit(1); // asked twice: whoever asks does not want to wait
      stopping = true;
      const cut = await service.stop();
      process.exit(cut === 0 ? 0 : 1);
    });
  }
}
