// Tests that need a program: where it is missing they are skipped, and their name says why.

import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { it } from "vitest";

const run = promisify(execFile);

/** The output of a program; empty if it is not installed. */
export function versionOf(program: string, ...args: string[]): Promise<string> {
  return run(program, args).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => "",
  );
}

/** @param missing the reason for skipping */
export function itWhere(isHere: boolean, missing: string) {
  return (name: string, body: () => Promise<void>) =>
    it.skipIf(!isHere)(isHere ? name : `${name} [skipped: ${missing}]`, body);
}
