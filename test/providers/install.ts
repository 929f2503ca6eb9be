// Installs a server once into a cache outside the checkout, with its package manager.

import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { cp, mkdir, rename, rm, stat } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Product } from "./server.ts";

/** Of a package manager; Hydra takes minutes to build. */
const INSTALL_TIMEOUT_MS = 1_200_000;
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** What package managers say when they reach no registry. Any other failure is a bug of ours. */
const NO_NETWORK =
  /unknown host|could not resolve|no such host|temporary failure|network is unreachable|connection (?:refused|reset|timed out)|i\/o timeout|connect timed out|unable to connect/i;

export function progress(name: string, what: string): void {
  process.stderr.write(`${name}: ${what}\n`);
}

async function cacheFolder(): Promise<string> {
  const user = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const folder = resolve(process.env.TOKEN_PROXY_TEST_CACHE ?? join(user, "nextauth-token-proxy"));
  await mkdir(folder, { recursive: true });
  return folder;
}

/** @returns where it is, or undefined with a message if it cannot be downloaded here */
export async function install(product: Product, sources?: string): Promise<string | undefined> {
  const id = `${product.name} ${product.version}`;
  const hash = sources === undefined ? [] : [hashOf(sources)];
  const folder = join(await cacheFolder(), [...id.split(" "), ...hash].join("-").toLowerCase());
  if (await stat(folder).catch(() => undefined)) return folder;
  progress(product.name, `installing ${id}`);
  const unfinished = `${folder}.${process.pid}`;
  try {
    await mkdir(unfinished);
    if (sources !== undefined) await cp(sources, unfinished, { recursive: true });
    await product.install(unfinished);
    await rename(unfinished, folder);
    return folder;
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (await stat(folder).catch(() => undefined)) return folder; // another run was faster
    const { stdout = "", stderr = "", code, path } = error as FailedStep;
    const said = code === "ENOENT" ? `there is no ${path}` : NO_NETWORK.exec(stdout + stderr)?.[0];
    if (said === undefined) throw new Error(`cannot install ${id}:\n${error}\n${stdout.slice(-2_000)}`);
    progress(product.name, `SKIPPED, because it cannot be downloaded here: ${said}`);
    return undefined;
  }
}

interface FailedStep {
  stdout?: string;
  stderr?: string;
  code?: unknown;
  path?: string;
}

/** Runs a step of an installation. */
export async function run(cwd: string, file: string, args: readonly string[], env: Record<string, string> = {}) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: INSTALL_TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES };
  return (await promisify(execFile)(file, args, options)).stdout;
}

/** Unpacks an archive of Maven's, or copies one that is not packed. */
export async function maven(folder: string, ...args: string[]): Promise<void> {
  await run(folder, "mvn", ["-B", "-q", ...args]);
}

/** Unpacks Debian packages, and those they need that this machine lacks, without installing any. */
export async function debian(folder: string, ...packages: string[]): Promise<void> {
  if (process.getuid?.() === 0) await run(folder, "apt-get", ["update"]);
  const plan = await run(folder, "apt-get", ["install", "--simulate", "--no-install-recommends", ...packages]);
  const names = new Set([...packages, ...[...plan.matchAll(/^Inst (\S+)/gm)].map((match) => match[1] as string)]);
  await run(folder, "apt-get", ["download", ...names]);
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".deb"))) {
    await run(folder, "dpkg", ["-x", file, "."]);
    await rm(join(folder, file));
  }
}

function hashOf(folder: string): string {
  const hash = createHash("sha256");
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" }).sort()) {
    const path = join(folder, name);
    if (statSync(path).isFile()) hash.update(name).update(readFileSync(path));
  }
  return hash.digest("hex").slice(0, 12);
}
