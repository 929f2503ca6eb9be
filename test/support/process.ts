// Runs the command line as a user does, and waits for what it says or how it ends.

import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import type { Readable } from "node:stream";
import { CLI } from "./build-cli.ts";

export { CLI } from "./build-cli.ts";

/** Of a process on a busy machine. */
const WAIT_MS = 30_000;

export interface Run {
  process: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The first match in what it has written or will write to standard output. */
  said(pattern: RegExp): Promise<RegExpExecArray>;
  /** Its exit status, once it has ended. */
  exit(): Promise<number | null>;
}

export interface RunOptions {
  env?: Record<string, string>;
  cwd?: string;
  /** A descriptor that is passed on as systemd passes a socket (sd_listen_fds(3)). */
  socket?: number;
}

export function runCli(args: string[], { env = {}, cwd, socket }: RunOptions = {}): Run {
  const passed = socket === undefined ? [] : ["sh", "-c", 'LISTEN_FDS=1 LISTEN_PID=$$ exec "$0" "$@"'];
  const [command, ...rest] = [...passed, process.execPath, CLI, ...args] as [string, ...string[]];
  const child = spawn(command, rest, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", "pipe", "pipe", ...(socket === undefined ? [] : [socket])],
  }) as ChildProcessByStdio<null, Readable, Readable>;
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    stderr += chunk;
  });
  const ended = once(child, "close");
  return {
    process: child,
    stdout: () => stdout,
    stderr: () => stderr,
    async said(pattern) {
      for (const until = Date.now() + WAIT_MS; Date.now() < until; ) {
        const match = pattern.exec(stdout);
        if (match !== null) return match;
        if (child.exitCode !== null) break;
        await new Promise((done) => setTimeout(done, 10));
      }
      throw new Error(`never said ${pattern}:\n${stdout}\n${stderr}`);
    },
    async exit() {
      await ended;
      return child.exitCode;
    },
  };
}
