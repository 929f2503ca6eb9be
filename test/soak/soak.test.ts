// The soak itself: a short run succeeds, and one with mixed-up tokens fails at the first of them.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { collect } from "../support/child.ts";

import { temporaryFolder } from "../support/temporary-folder.ts";

const SOAK = new URL("soak.ts", import.meta.url).pathname;

const folder = temporaryFolder();

async function soak(...options: string[]) {
  const child = spawn(process.execPath, [SOAK, ...options], { stdio: ["ignore", "pipe", "pipe"] });
  const output = collect(child);
  const [status] = await once(child, "close");
  return { status: status as number, output: output() };
}

it("compares every response, in plain text and as JSON", async () => {
  const json = join(folder, "result.json");
  const { status, output } = await soak("--calls", "400", "--users", "40", "--reload", "500", "--json", json);
  expect(output).toMatch(/^400 calls in \d+ s \(\d+\/s\): \d+ tokens, \d+ refused, 0 wrong; /);
  expect(output).not.toContain("\x1b");
  expect(status).toBe(0);
  const result = JSON.parse(await readFile(json, "utf8"));
  expect(result).toMatchObject({ calls: 400, wrong: 0, users: 40, seed: 1 });
  expect(result.tokens).toBeGreaterThan(300);
  expect(result.reloads).toBeGreaterThan(1);
  expect(result.memory_mib_per_minute.length).toBeGreaterThanOrEqual(2);
});

it("ends with status 1 at the first wrong response", async () => {
  const { status, output } = await soak("--shift", "--users", "40");
  expect(output).toMatch(/, 1 wrong; .*WRONG: user-\d+ got status 200 and .*token \d+ of user-\d+/s);
  expect(status).toBe(1);
});

it.each([["--calls", "many"], ["--what"]])("refuses %s", async (...options) => {
  expect((await soak(...options)).status).toBe(2);
});

it("explains itself", async () => {
  const { status, output } = await soak("--help");
  expect([status, output]).toEqual([0, expect.stringContaining("--calls N")]);
});
