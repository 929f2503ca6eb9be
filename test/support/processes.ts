// A service of several processes, and what tests look at of it.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import { type Answered, callGetToken } from "./call.ts";
import { fileConfig, SECRETS, SERVER } from "./config.ts";
import { type Run, type RunOptions, runCli } from "./process.ts";
import { type RecordingProvider, startRecordingProvider, token } from "./recording-provider.ts";

export interface Started {
  run: Run;
  listen: string;
  admin: string;
}

/** Has a provider, and for each test a folder with a file of two processes; ends what a test has started. */
export function useProcesses() {
  let provider: RecordingProvider;
  let folder: string;
  const runs: Run[] = [];

  const write = (server: object = {}, changes: object = {}): Promise<void> => {
    const file = { server: { ...SERVER, processes: 2, ...server }, ...changes };
    return writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(fileConfig(provider.tokenEndpoint, { file })));
  };
  function run(options: RunOptions = {}): Run {
    const started = runCli([], { cwd: folder, env: SECRETS, ...options });
    runs.push(started);
    return started;
  }

  beforeAll(async () => {
    provider = await startRecordingProvider();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
    provider.requests.length = 0;
    provider.answer = token();
    await write();
  });
  afterEach(async () => {
    for (const run of runs.splice(0)) run.process.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  afterAll(async () => {
    await provider?.close();
  });

  return {
    get provider() {
      return provider;
    },
    get folder() {
      return folder;
    },
    /** The file, with changes to `server` and to the whole. */
    write,
    run,
    /** Started, with two processes. */
    async start(options: RunOptions = {}): Promise<Started> {
      const started = run(options);
      await started.said(/(?:.*"event":"started"[\s\S]*){3}/);
      const own = lines(started).find(({ event, pid }) => event === "started" && pid === undefined);
      return { run: started, ...(own as { listen: string; admin: string }) };
    },
  };
}

export const lines = (from: Run): Record<string, unknown>[] =>
  from
    .stdout()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line)); // and so no line has got into another

/** Calls on connections of their own, so that each process gets some. */
export const callMany = (url: string, calls: number, headers: Record<string, string> = {}): Promise<Answered[]> =>
  Promise.all(Array.from({ length: calls }, () => callGetToken(url, { headers: { Connection: "close", ...headers } })));

/** The processes that have said that they serve. */
export const servants = (from: Run): number[] =>
  lines(from).flatMap(({ event, pid }) => (event === "started" && pid !== undefined ? [pid as number] : []));

/** The processes that have answered calls. */
export const callers = (from: Run): Set<number> =>
  new Set(lines(from).flatMap(({ event, pid }) => (event === "call" ? [pid as number] : [])));

export async function ready(admin: string) {
  const answer = await fetch(`${admin}/readyz`);
  return (await answer.json()) as { processes: number; status: string };
}

export async function metric(admin: string, pattern: RegExp): Promise<number> {
  const text = await (await fetch(`${admin}/metrics`)).text();
  return Number(pattern.exec(text)?.[1] ?? Number.NaN);
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
