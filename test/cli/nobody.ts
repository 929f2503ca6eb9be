// Runs the command line as a user without rights, because root can read every file and take every
// port.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { CLI } from "../support/process.ts";

const SETPRIV = "setpriv";
const NOBODY = ["--reuid=65534", "--regid=65534", "--clear-groups", process.execPath];

export const canBeNobody = spawnSync(SETPRIV, [...NOBODY, "--version"]).status === 0;

export function asNobody(
  args: string[],
  { cwd, env = {} }: { cwd: string; env?: Record<string, string> },
): SpawnSyncReturns<string> {
  const options = { cwd, env: { PATH: process.env.PATH, ...env }, encoding: "utf8", timeout: 30_000 } as const;
  return spawnSync(SETPRIV, [...NOBODY, CLI, ...args], options);
}
