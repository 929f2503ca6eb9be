// The proxy as an operator runs it: a process in a folder with its file; a provider that records.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "vitest";
import { fileConfig, SECRETS, SERVER, withTimeForAll } from "./config.ts";
import { type Run, type RunOptions, runCli } from "./process.ts";
import { type RecordingProvider, startRecordingProvider, token } from "./recording-provider.ts";

export interface Running extends Run {
  /** URLs of its two listeners. */
  listen: string;
  admin: string;
  /** The log lines of one event so far. */
  lines(event: string): Record<string, unknown>[];
  /** Sends SIGHUP, and waits until the file has been read again. */
  reload(): Promise<void>;
}

/** One provider for the file of tests; each test has a folder, and its processes end with it. */
export function useService() {
  const runs: Run[] = [];
  let provider: RecordingProvider;
  let folder: string;
  beforeAll(async () => {
    provider = await startRecordingProvider();
  });
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
    provider.requests.length = 0;
    provider.answer = token();
  });
  afterEach(async () => {
    for (const run of runs.splice(0)) run.process.kill("SIGKILL");
    await rm(folder, { recursive: true, force: true });
  });
  afterAll(() => provider?.close());

  const write = (name: string, text: string) => writeFile(join(folder, name), text);
  /** Runs the command line in the folder. */
  function run(args: string[], options: RunOptions = {}): Run {
    const started = runCli(args, { cwd: folder, ...options });
    runs.push(started);
    return started;
  }
  return {
    get provider() {
      return provider;
    },
    get folder() {
      return folder;
    },
    write,
    run,
    /** Writes the smallest file, with changes to its server, to its provider and to other keys. */
    async configure({
      server = {},
      main = {},
      ...file
    }: {
      server?: object;
      main?: object;
      [key: string]: unknown;
    } = {}) {
      const changes = { provider: main, file: { server: { ...SERVER, ...server }, ...file } };
      await write("token-proxy.yaml", JSON.stringify(withTimeForAll(fileConfig(provider.tokenEndpoint, changes))));
    },
    /** Starts a process on the file, and waits until it listens. */
    async start({ args = [], env = {}, ...options }: RunOptions & { args?: string[] } = {}): Promise<Running> {
      const started = run(args, { env: { ...SECRETS, ...env }, ...options });
      const [line] = await started.said(/.*"event":"started".*\n/);
      const { listen, admin } = JSON.parse(line) as { listen: string; admin: string };
      const lines = (event: string) =>
        started
          .stdout()
          .split("\n")
          .slice(0, -1) // the last one may be incomplete
          .map((text) => JSON.parse(text) as Record<string, unknown>)
          .filter((fields) => fields.event === event);
      const reload = async () => {
        const before = lines("reloaded").length;
        started.process.kill("SIGHUP");
        await expect.poll(() => lines("reloaded")).toHaveLength(before + 1);
      };
      return { ...started, listen, admin, lines, reload };
    },
  };
}
