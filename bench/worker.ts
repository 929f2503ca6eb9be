// The deployable Worker in workerd, with this run's configuration file instead of the bundled one.

import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "./child.ts";
import { BENCH, ROOT } from "./place.ts";

const WORKERD = join(ROOT, "node_modules/workerd/bin/workerd");

interface Module {
  name: string;
  kind: "esModule" | "text";
  file: string;
}

export interface WorkerPlace {
  folder: string;
  port: number;
  /** The port for a profiler, if it is to be profiled. */
  inspector: number | undefined;
  bindings: Readonly<Record<string, string>>;
}

/**
 * @param folder the built Worker
 * @param config the configuration file
 */
export function serveBuiltWorker(folder: string, name: string, place: WorkerPlace, config: string): Command {
  const bundled = readdirSync(folder).find((file) => file.endsWith(".yaml"));
  if (bundled === undefined) throw new Error(`${folder} has no configuration file (*.yaml)`);
  return serve(name, place, [
    { name: "worker.js", kind: "esModule", file: join(folder, "worker.js") },
    { name: bundled, kind: "text", file: config },
  ]);
}

export function serveWorkerRelay(place: WorkerPlace): Command {
  const file = join(BENCH, "relays/worker-relay.js");
  return serve("worker-relay", place, [{ name: "worker.js", kind: "esModule", file }]);
}

export const hasWorkerd = (): boolean => existsSync(WORKERD);

/** Writes workerd's configuration. Its string literals are like JSON's. */
function serve(name: string, { folder, port, inspector, bindings }: WorkerPlace, modules: readonly Module[]): Command {
  const text = JSON.stringify;
  const embedded = modules.map((module, index) => {
    const copy = `${name}-module-${index}`; // workerd only embeds files next to its configuration
    copyFileSync(module.file, join(folder, copy));
    return `(name = ${text(module.name)}, ${module.kind} = embed ${text(copy)})`;
  });
  const bound = Object.entries(bindings).map(([key, value]) => `(name = ${text(key)}, text = ${text(value)})`);
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
  compatibilityDate = ${text(readCompatibilityDate())},
  compatibilityFlags = ["enable_request_signal"],
  bindings = [${bound.join(", ")}],
);
`,
    { mode: 0o600 }, // the bindings contain secrets
  );
  const args = inspector === undefined ? [] : [`--inspector-addr=127.0.0.1:${inspector}`];
  return { command: WORKERD, args: ["serve", config, ...args] };
}

function readCompatibilityDate(): string {
  const date = /^compatibility_date = "(.+)"$/m.exec(readFileSync(join(ROOT, "wrangler.toml"), "utf8"))?.[1];
  if (date === undefined) throw new Error('wrangler.toml has no line compatibility_date = "…"');
  return date;
}
