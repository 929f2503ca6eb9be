// The processes of a run: pinned to their cores, output in a file, always ended.

import { type ChildProcess, type StdioOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { PATH } from "./system.ts";

const STOP_MS = 15_000;
const QUOTED_CHARACTERS = 2_000;

export interface Command {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export interface Child {
  process: ChildProcess;
  pid: number;
  hasEnded(): boolean;
  /** The end of what it has written. */
  output(): string;
  /** Sends the signal, and SIGKILL when the process has not ended after 15 s. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

const running = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of running) child.kill("SIGTERM");
});

/**
 * @param cores as `taskset -c` takes them; taskset execs the program, so its pid is the program's
 * @param log the file for its output
 */
export function startChild(
  { command, args, env = {} }: Command,
  cores: string | undefined,
  log: string,
  ipc = false,
): Child {
  const file = openSync(log, "w");
  const stdio: StdioOptions = ["ignore", file, file, ...(ipc ? (["ipc"] as const) : [])];
  const [program, ...rest] = cores === undefined ? [command, ...args] : ["taskset", "-c", cores, command, ...args];
  const child = spawn(program as string, rest, { env: { PATH, ...env }, stdio });
  closeSync(file);
  running.add(child);
  let ended = false;
  child.once("error", () => {
    ended = true;
  });
  child.once("exit", () => {
    ended = true;
    running.delete(child);
  });
  return {
    process: child,
    pid: child.pid ?? Number.NaN,
    hasEnded: () => ended,
    output: () => readFileSync(log, "utf8").slice(-QUOTED_CHARACTERS),
    async stop(signal) {
      if (ended) return;
      const exit = once(child, "exit");
      child.kill(signal);
      await Promise.race([exit, sleep(STOP_MS, undefined, { ref: false })]);
      if (!ended) child.kill("SIGKILL");
      await exit;
    },
  };
}

/** A port that is free now. The system hands out others before it repeats this one. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}
