// Builds the Worker and the tests' resource server as `wrangler deploy` would, unless the build is
// newer than the sources.

import { execFile } from "node:child_process";
import { readdir, rm, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

export const WORKER_BUILD = "build/worker";
export const RESOURCE_SERVER_BUILD = "build/resource-server";

const SOURCES = ["src", "worker", "wrangler.toml", "package-lock.json", "test/support/resource-server.ts"];

export default async function buildWorkers(): Promise<void> {
  const changed = await newest(SOURCES);
  await Promise.all([
    build(changed, WORKER_BUILD, "worker.js"),
    build(changed, RESOURCE_SERVER_BUILD, "resource-server.js", "test/support/resource-server.ts"),
  ]);
}

/** @param main another Worker than that of wrangler.toml */
async function build(changed: number, folder: string, output: string, ...main: string[]): Promise<void> {
  const built = await stat(join(folder, output)).catch(() => undefined);
  if (built !== undefined && built.mtimeMs > changed) return;
  await rm(folder, { recursive: true, force: true });
  const wrangler = resolve("node_modules/wrangler/bin/wrangler.js");
  await promisify(execFile)(process.execPath, [wrangler, "deploy", ...main, "--dry-run", "--outdir", folder], {
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}

/** @returns when the newest of these files, or files in folders, was written */
async function newest(paths: readonly string[]): Promise<number> {
  const names = await Promise.all(
    paths.map(async (path) =>
      (await stat(path)).isDirectory()
        ? (await readdir(path, { recursive: true })).map((name) => join(path, name))
        : [path],
    ),
  );
  const stats = await Promise.all(names.flat().map((name) => stat(name)));
  return Math.max(...stats.map(({ mtimeMs }) => mtimeMs));
}
