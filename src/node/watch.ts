// Notices that files are no longer as they were read.

import { setTimeout } from "node:timers/promises";
import { fileState } from "./credentials.ts";

/** A file takes 50 µs, so 20 files take 0.05 % of a core, and a thousand 0.5 %. */
const nextTime = (files: number): Promise<unknown> => setTimeout(2_000 + 10 * files, undefined, { ref: false });

/** By path; undefined while a mount hangs. */
export type FileStates = Map<string, string | undefined>;

/**
 * Polls: fs.watch misses network mounts and links higher up in a path, and containers run out of
 * inotify instances.
 * @param seen the files, as they were before they were read
 * @param onChange called once files differ, and did so the time before: their writer is done
 */
export async function watchFiles(seen: () => FileStates, onChange: () => Promise<void>, wait = nextTime) {
  for (let before = "", tried = ""; ; ) {
    await wait(seen().size);
    let found = "";
    for (const [path, state] of seen()) {
      const now = await fileState(path); // one at a time, because each that hangs holds a thread
      if (now !== undefined && now !== state) found += `${path} ${now}\n`;
    }
    if (found !== "" && found === before && found !== tried) {
      tried = found;
      await onChange();
    }
    before = found;
  }
}
