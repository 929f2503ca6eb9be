// The Worker in a real workerd: built as it is deployed, with the configuration of this run in the place of the bundled one.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Command } from "./child.ts";
import { BENCH, ROOT } from "./place.ts";

const BUILD = join(ROOT, "build/bench-worker");
const WORKERD = join(ROOT, "node_modules/workerd/bin/workerd");

interface Module {
  name: string;
  kind: "esModule" | "text";
  file: string;
}

export interface WorkerPlace {
  folder: string;
  port: number;
  bindings: Readonly<Record<string, string>>;
}

/** @param config the configuration file */
export function builtWorker(place: WorkerPlace, config: string): Command {
  const text = readdirSync(BUILD).find((name) => name.endsWith(".yaml"));
  if (text === undefined) throw new Error("the built Worker has no configuration file as a text");
  return serve("worker", place, [
    { name: "worker.js", kind: "esModule", file: join(BUILD, "worker.js") },
    { name: text, kind: "text", file: config },
  ]);
}

export function workerRelay(place: WorkerPlace): Command {
  return serve("worker-relay", place, [
    { name: "worker.js", kind: "esModule", file: join(BENCH, "relays/worker-relay.js") },
  ]);
}

export const hasWorkerd = (): boolean => existsSync(WORKERD);

/**
 * Builds it as `wrangler deploy` does.
 * @returns its size in bytes after gzip, all modules together
 */
export function buildWorker(): number {
  rmSync(BUILD, { recursive: true, force: true });
  const args = [join(ROOT, "node_modules/wrangler/bin/wrangler.js"), "deploy", "--dry-run", "--outdir", BUILD];
  const env = { ...process.env, WRANGLER_SEND_METRICS: "false" };
  execFileSync(process.execPath, args, { cwd: ROOT, env, stdio: "pipe" });
  const modules = readdirSync(BUILD).filter((name) => name.endsWith(".js") || name.endsWith(".yaml"));
  return gzipSync(Buffer.concat(modules.map((name) => readFileSync(join(BUILD, name))))).length;
}

/** workerd's own configuration language; its texts are written as JSON's. */
function serve(name: string, { folder, port, bindings }: WorkerPlace, modules: readonly Module[]): Command {
  const text = JSON.stringify;
  const embedded = modules.map((module, index) => {
    const copy = `${name}-module-${index}`; // it embeds files by a path below its own configuration alone
    copyFileSync(module.file, join(folder, copy));
    return `(name = ${text(module.name)}, ${module.kind} = embed ${text(copy)})`;
  });
  const bound = Object.entries(bindings).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`);
  const config = join(folder, `${name}.capnp`);
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .worker),
    (name = "internet", network = (allow = ["public", "private", "local"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")],
);
const worker :Workerd.Worker = (
  modules = [${embedded.join(", ")}],
  compatibilityDate = ${text(compatibilityDate())},
  bindings = [${bound.join(", ")}],
);
`,
    { mode: 0o600 }, // the bindings are in it
  );
  return { command: WORKERD, args: ["serve", config] };
}

function compatibilityDate(): string {
  const date = /^compatibility_date = "(.+)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"))?.[1];
  if (date === undefined) throw new Error("wrangler.toml names no compatibility_date");
  return date;
}
