// What the modes of a run share: its folder, the pinning, the load, how progress is told.

import type { Load } from "./load.ts";
import { startLoad } from "./load.ts";
import type { Options } from "./options.ts";
import { createFolder } from "./place.ts";
import { choosePinning, type Pinning } from "./system.ts";

export interface Session {
  options: Options;
  folder: string;
  pinning: Pinning;
  load: Load;
  /** On a terminal one line that changes, in a pipe a line each. */
  progress(text: string): unknown;
  clearProgress(): unknown;
}

export async function openSession(options: Options): Promise<Session> {
  const folder = createFolder();
  const pinning = choosePinning();
  const { stderr } = process;
  return {
    options,
    folder,
    pinning,
    load: await startLoad(folder, pinning.others),
    progress: (text) => stderr.write(stderr.isTTY ? `\r\x1b[K${text}` : `${text}\n`),
    clearProgress: () => stderr.isTTY && stderr.write("\r\x1b[K"),
  };
}
