// The builds of the proxy that a run measures: this checkout, and with --before another commit.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { UsageError } from "./options.ts";
import { ROOT, readPackage } from "./place.ts";

export interface Build {
  /** How the tables call it. */
  label: string;
  /** The command's JavaScript entry. */
  cli: string;
  /** The folder of the built Worker; see `buildWorker`. */
  worker: string;
  /** The root of the checkout. */
  tree: string;
}

/** `npm run bench` has built it already. */
export const describeBuild = (): Build => createBuild("this proxy", ROOT);

/**
 * Builds another commit in build/before-COMMIT, where imports find this checkout's node_modules.
 *
 * @param ref what git can resolve to a commit
 * @throws {UsageError} when git does not know the commit
 */
export function buildBefore(ref: string, progress: (text: string) => unknown): Build {
  const commit = resolveCommit(ref);
  const tree = join(ROOT, `build/before-${commit}`);
  progress(`building ${commit}`);
  mkdirSync(tree, { recursive: true });
  const archive = join(tree, "tree.tar");
  execFileSync("git", ["archive", "--output", archive, commit], { cwd: ROOT });
  execFileSync("tar", ["-xf", archive], { cwd: tree });
  rmSync(archive);
  if (readLock(tree) !== readLock(ROOT) && !existsSync(join(tree, "node_modules/.package-lock.json"))) {
    progress(`installing the dependencies of ${commit}`);
    runNpm(tree, "ci");
  }
  runNpm(tree, "run", "build");
  return createBuild(commit, tree);
}

/**
 * Builds the Worker as `wrangler deploy` does.
 *
 * @returns its size in bytes after gzip, all modules together
 */
export function buildWorker({ tree, worker }: Build, ...options: string[]): number {
  rmSync(worker, { recursive: true, force: true });
  const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
  const args = [wrangler, "deploy", "--dry-run", "--outdir", worker, ...options];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  execFileSync(process.execPath, args, { cwd: tree, env, stdio: "pipe" });
  const modules = readdirSync(worker).filter((name) => name.endsWith(".js") || name.endsWith(".yaml"));
  return gzipSync(Buffer.concat(modules.map((name) => readFileSync(join(worker, name))))).length;
}

function createBuild(label: string, tree: string): Build {
  const [cli = ""] = Object.values(readPackage(tree).bin);
  return { label, tree, cli: join(tree, cli), worker: join(tree, "build/bench-worker") };
}

function resolveCommit(ref: string): string {
  try {
    const args = ["rev-parse", "--short=7", "--verify", "--end-of-options", `${ref}^{commit}`];
    return execFileSync("git", args, { cwd: ROOT, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim();
  } catch {
    throw new UsageError(`--before: git finds no commit "${ref}". Name one, for example HEAD~1`);
  }
}

const readLock = (tree: string) => readFileSync(join(tree, "package-lock.json"), "utf8");

function runNpm(tree: string, ...args: string[]): void {
  execFileSync("npm", [...args, "--prefix", tree, "--silent"], { cwd: tree, stdio: ["ignore", "ignore", "inherit"] });
}
