// The folders and files of the benchmark.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

export const BENCH = import.meta.dirname;
export const ROOT = resolve(BENCH, "..");
/** Every result, one file per run. Git ignores it. */
export const RESULTS = join(BENCH, "results");
/** The result in the repository. The plot is drawn from it. */
export const KEPT_RESULT = join(BENCH, "results.json");

/** Creates a folder for configuration files and logs. It is removed when the run ends. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "token-proxy-bench-"));
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param tree the root of a built checkout */
export function readPackage(tree: string): { name: string; version: string; bin: Record<string, string> } {
  return JSON.parse(readFileSync(join(tree, "package.json"), "utf8"));
}
