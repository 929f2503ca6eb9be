// The format of the log: JSON for programs, readable lines on a terminal, colours only if wanted.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, it, vi } from "vitest";
import { callGetToken } from "../support/call.ts";
import { collect, waitForLine } from "../support/child.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { CLI } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const folder = temporaryFolder();

/** Of util-linux: runs a command on a terminal of its own. BSD's takes other options. */
const SCRIPT = "script";
const hasTerminal = spawnSync(SCRIPT, ["-qec", "true", "/dev/null"]).status === 0;

interface Ran {
  /** All lines that it wrote, colours included. */
  lines: string[];
  /** Those of calls. */
  calls: string[];
}

/** Starts the proxy, makes a call that fails and one to an unknown path, and stops it. */
async function run(log: object, env: Record<string, string>, onTerminal: boolean): Promise<Ran> {
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, JSON.stringify(fileConfig("http://127.0.0.1:1/token", { file: { log } })));
  // Ending `script` would send a SIGHUP, so the test stops the proxy by its own number.
  const command = `echo "pid $$"; exec "${process.execPath}" "${CLI}" --config "${path}"`;
  const [program, ...args] = onTerminal ? [SCRIPT, "-qec", command, "/dev/null"] : ["sh", "-c", command];
  const child = spawn(program as string, args, {
    env: { PATH: process.env.PATH, TERM: "xterm-256color", SHELL: "/bin/sh", ...SECRETS, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = collect(child);
  const lines = () =>
    output()
      .split(/\r?\n/)
      .filter((line) => line !== "");
  const url = await waitForLine(
    child,
    child.stdout as Readable,
    output,
    (line) => /listen(?:":"|=)(http:[^"\s]+)/.exec(stripVTControlCharacters(line))?.[1],
  );
  const pid = Number(/^pid (\d+)/.exec(output())?.[1]);
  try {
    await callGetToken(url);
    await callGetToken(url, { path: "/nowhere" });
    const calls = () => lines().filter((line) => /"event":"call"|POST [/(]/.test(line));
    await vi.waitFor(() => expect(calls().length).toBeGreaterThanOrEqual(2), 15_000);
    return { lines: lines().slice(1), calls: calls() };
  } finally {
    process.kill(pid, "SIGTERM");
    await once(child, "exit");
  }
}

const isJson = ({ lines }: Ran) => lines.every((line) => line.startsWith("{") && typeof JSON.parse(line) === "object");
const isColoured = ({ lines }: Ran) => lines.some((line) => stripVTControlCharacters(line) !== line);

function expectReadable({ lines, calls }: Ran): void {
  const plain = lines.map(stripVTControlCharacters);
  for (const line of plain) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} (?:INFO |WARN |ERROR|DEBUG) \S/);
  expect(calls.map(stripVTControlCharacters)).toEqual([
    expect.stringMatching(
      /WARN {2}POST \/getToken provider_unreachable 502 main [\d.]+ ms [0-9a-f-]{36} - the provider ".*caller=nextauth-server/,
    ),
    expect.stringMatching(
      /WARN {2}POST \(unknown path\) not_found 404 - [\d.]+ ms [0-9a-f-]{36} - there is nothing at this path; /,
    ),
  ]);
}

describe("in a pipe", () => {
  it("the log is JSON, one line per call", async () => {
    const ran = await run({}, {}, false);
    expect(isJson(ran)).toBe(true);
    expect(ran.calls.map((line) => JSON.parse(line))).toMatchObject([
      { level: "warn", event: "call", error_code: "provider_unreachable" },
      { level: "warn", event: "call", error_code: "not_found" },
    ]);
  });

  it("the log is readable if the file says so, without colours", async () => {
    const ran = await run({ format: "pretty" }, { FORCE_COLOR: "1" }, false);
    expectReadable(ran);
    expect(isColoured(ran)).toBe(false);
  });
});

describe.skipIf(!hasTerminal)("on a terminal", () => {
  it.each<[string, Record<string, string>, boolean]>([
    ["coloured", {}, true],
    ["without colours under NO_COLOR", { NO_COLOR: "1" }, false],
    ["without colours on a terminal that has none", { TERM: "dumb" }, false],
    ["coloured despite an empty NO_COLOR, as no-color.org says", { NO_COLOR: "" }, true],
  ])("the log is readable, one line per call, %s", async (_, env, coloured) => {
    const ran = await run({}, env, true);
    expectReadable(ran);
    expect(isColoured(ran)).toBe(coloured);
  });

  it("the log is JSON if the file says so", async () => {
    expect(isJson(await run({ format: "json" }, {}, true))).toBe(true);
  });
});
