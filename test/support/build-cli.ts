// Bundles the command line once per test run, which halves the start of a process.

import { resolve } from "node:path";
import { build } from "esbuild";

/** What tests start as the command line. */
export const CLI = resolve("build/cli/cli.js");

const shared = globalThis as { cliBuild?: Promise<unknown> };

/** Global set-up of each project that starts processes. */
export default async function buildCli(): Promise<void> {
  shared.cliBuild ??= build({
    entryPoints: ["src/cli.ts"],
    outdir: "build/cli",
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    target: "node22",
    // Packages in CommonJS ask for Node's modules by require.
    banner: { js: 'import { createRequire as $create } from "node:module"; const require = $create(import.meta.url);' },
    external: ["pino"],
    logLevel: "warning",
  });
  await shared.cliBuild;
}
