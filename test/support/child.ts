// A process of a test: all that it writes, the line that says it is up, and its end.

import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { rm } from "node:fs/promises";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";

const START_TIMEOUT_MS = 60_000;

/** Gives all that it has written to standard output and standard error so far. */
export function collect(child: ChildProcess): () => string {
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8");
    stream?.on("data", (chunk: string) => chunks.push(chunk));
  }
  return () => chunks.join("");
}

/** Waits for a line in which `read` finds something; throws if the process ends before. */
export async function waitForLine<T>(
  child: ChildProcess,
  stream: Readable,
  output: () => string,
  read: (line: string) => T | undefined,
): Promise<T> {
  const lines = createInterface({ input: stream });
  try {
    return await new Promise<T>((resolve, reject) => {
      const fail = (why: string) => reject(new Error(`the process ${why}:\n${output()}`));
      const timer = setTimeout(fail, START_TIMEOUT_MS, "did not start in time");
      child.once("exit", () => fail("ended at its start"));
      lines.on("line", (line) => {
        const found = read(line);
        if (found === undefined) return;
        clearTimeout(timer);
        resolve(found);
      });
    });
  } finally {
    lines.close();
    stream.resume();
  }
}

/** Kills it and removes its folder. */
export async function end(child: ChildProcess, folder: string): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await rm(folder, { recursive: true, force: true });
}
