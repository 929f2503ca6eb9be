// Builds the Worker as `wrangler deploy` would, once per test run: what the specs then load into workerd is what is deployed.

import { execFile } from "node:child_process";
import { rm } from "node:fs/promises";
import { promisify } from "node:util";

export const WORKER_BUILD = "build/worker";

export default async function buildWorker(): Promise<void> {
  await rm(WORKER_BUILD, { recursive: true, force: true });
  await promisify(execFile)("npx", ["wrangler", "deploy", "--dry-run", "--outdir", WORKER_BUILD], {
    env: { ...process.env, WRANGLER_SEND_METRICS: "false" },
  });
}
