// Runs `check` on a file that is in a folder of the test.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SECRETS } from "../support/config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { type Ran, runCommand } from "./run-command.ts";

/** `check` writes the file, and adds `env` to the usual secrets. */
export function useCheck() {
  const folder = temporaryFolder();
  async function check(file: object, args: string[] = [], env: Record<string, string> = {}): Promise<Ran> {
    await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));
    return runCommand(["check", ...args], { cwd: folder, env: { ...SECRETS, ...env } });
  }
  return { folder, check };
}
