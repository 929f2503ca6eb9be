// A server's process and its children: they end with the test, also if the test is killed.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import { collect } from "../support/child.ts";

export interface Program {
  output(): string;
  /** Waits until the URL answers with a status below 400. */
  ready(url: string, timeoutMs: number): Promise<void>;
  /** SIGTERM to all its processes, and SIGKILL to those that stay. */
  stop(): Promise<void>;
}

export interface ProgramOptions {
  command: readonly [string, ...string[]];
  env?: Record<string, string>;
  cwd?: string;
}

const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 200;
const END_OF_OUTPUT = 3_000;

export function startProgram({ command: [file, ...args], env = {}, cwd }: ProgramOptions): Program {
  const child = spawn(file, args, {
    cwd,
    env: { ...process.env, ...env },
    detached: true, // a group of its own, so that its children end with it
    stdio: ["ignore", "pipe", "pipe"],
  });
  const failed = new Promise<never>((_, reject) => child.once("error", reject));
  failed.catch(() => {});
  const output = collect(child);
  const guard = guardOf(child);

  return {
    output,
    ready: (url, timeoutMs) => Promise.race([untilReady(url, timeoutMs, child, output), failed]),
    async stop() {
      if (isRunning(child)) {
        const exited = once(child, "exit");
        signalGroup(child, "SIGTERM");
        await Promise.race([exited, sleep(STOP_TIMEOUT_MS, undefined, { ref: false })]);
      }
      signalGroup(child, "SIGKILL");
      guard.stdin?.end();
    },
  };
}

const isRunning = (child: ChildProcess) => child.exitCode === null && child.signalCode === null;

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // no process of the group is left
  }
}

/** Reads from a pipe of the test, which closes when the test ends in any way. */
function guardOf({ pid }: ChildProcess): ChildProcess {
  const script = `cat >/dev/null; kill -s KILL -- -${pid} 2>/dev/null`;
  return spawn("sh", ["-c", script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
}

async function untilReady(url: string, timeoutMs: number, child: ChildProcess, output: () => string): Promise<void> {
  for (const until = Date.now() + timeoutMs; Date.now() < until; await sleep(POLL_MS)) {
    const status = await statusOf(url);
    if (status !== undefined && status < 400) return;
    if (!isRunning(child)) throw new Error(`the server ended at its start:\n${output().slice(-END_OF_OUTPUT)}`);
  }
  throw new Error(`${url} did not answer in ${timeoutMs / 1000} s:\n${output().slice(-END_OF_OUTPUT)}`);
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(60_000), redirect: "manual" });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return undefined;
  }
}
