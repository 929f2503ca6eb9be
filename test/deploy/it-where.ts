// Tests that need a program which not every machine has: skipped where it is missing, with the reason in their name.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { it } from "vitest";

const run = promisify(execFile);

/** What a program says about itself; empty where it is not installed. */
export function versionOf(program: string, ...args: string[]): Promise<string> {
  return run(program, args).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => "",
  );
}

/** @param missing what is not here, where it is not */
export function itWhere(isHere: boolean, missing: string) {
  return (name: string, body: () => Promise<void>) =>
    it.skipIf(!isHere)(isHere ? name : `${name} [skipped: ${missing}]`, body);
}
