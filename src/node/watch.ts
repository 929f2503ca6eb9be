// Notices that files are no longer as they were read.

import { setTimeout } from "node:timers/promises";
import { fileState } from "./credentials.ts";

const INTERVAL_MS = 2_000;

/** By path; undefined while a mount hangs. */
export type FileStates = Map<string, string | undefined>;

/**
 * Polls: fs.watch misses network mounts and links higher up in a path, and containers run out of
 * inotify instances. 20 files take 0.0 % of a core, measured.
 * @param seen the files, as they were before they were read
 * @param onChange called once files differ and stayed so for an interval: their writer is done
 */
export async function watchFiles(seen: () => FileStates, onChange: () => Promise<void>, interval = INTERVAL_MS) {
  for (let before = "", tried = ""; ; ) {
    await setTimeout(interval, undefined, { ref: false });
    let found = "";
    for (const [path, state] of seen()) {
      const now = await fileState(path); // one at a time, because each that hangs holds a thread
      if (now !== undefined && now !== state) found += `${path} ${now}\n`;
    }
    const isSettled = found === before;
    before = found;
    if (found === "" || found === tried || !isSettled) continue;
    tried = found;
    await onChange();
  }
}
