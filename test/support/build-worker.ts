// Builds the Worker as `wrangler deploy` would, once per test run: what the specs then load into workerd is what is deployed. The
// tests' resource server is built the same way.

import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";

export const WORKER_BUILD = "build/worker";
export const RESOURCE_SERVER_BUILD = "build/resource-server";

export default async function buildWorkers(): Promise<void> {
  await Promise.all([build(WORKER_BUILD), build(RESOURCE_SERVER_BUILD, "test/support/resource-server.ts")]);
}

/** @param main another Worker than that of wrangler.toml */
async function build(folder: string, ...main: string[]): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await promisify(execFile)("npx", ["wrangler", "deploy", ...main, "--dry-run", "--outdir", folder], {
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}
