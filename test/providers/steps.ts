// Runs the commands in the comment of an example, as an operator would copy them to a shell.

import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { promisify } from "node:util";

const TIMEOUT_MS = 240_000;

/** The lines of the comment that are indented like code. */
export function commandsOf(example: string): string {
  const comment = readFileSync(`examples/${example}`, "utf8").split("\nversion: 1\n")[0] as string;
  return comment
    .split("\n")
    .filter((line) => line.startsWith("#     "))
    .map((line) => line.slice("#     ".length))
    .join("\n");
}

/** @param path a folder with further commands */
export async function runCommands(commands: string, path: string, env: Record<string, string>): Promise<string> {
  const options = {
    env: { ...process.env, ...env, PATH: `${path}:${process.env.PATH}` },
    timeout: TIMEOUT_MS,
  };
  const { stdout } = await promisify(execFile)("bash", ["-euo", "pipefail", "-c", commands], options);
  return stdout;
}
