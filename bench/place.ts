// Where the parts of a run are.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const BENCH = import.meta.dirname;
export const ROOT = resolve(BENCH, "..");
export const RESULTS = join(BENCH, "results");
/** The result that is kept: what the plot is made of. */
export const KEPT_RESULT = join(BENCH, "results.json");

/** For configuration files and logs; gone when the run ends. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "token-proxy-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
