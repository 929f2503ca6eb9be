// The log's reader may be slow, stuck or gone: neither calls nor the end of the process wait for it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, openSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { freePort } from "../support/port.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-log-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @param stdout as spawn takes it */
async function start(stdout: "pipe" | number) {
  const port = await freePort();
  const server = { ...SERVER, listen: `127.0.0.1:${port}` };
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, JSON.stringify(fileConfig("http://127.0.0.1:1/token", { file: { server } })));
  const child = spawn(process.execPath, [resolve("src/cli.ts"), "--config", path], {
    env: { PATH: process.env.PATH, ...SECRETS },
    stdio: ["ignore", stdout, "ignore"],
  });
  const url = `http://127.0.0.1:${port}`;
  const status = () =>
    callGetToken(url)
      .then((answer) => answer.status)
      .catch(() => 0);
  await expect.poll(status, { timeout: 10_000 }).toBe(502);
  return { child, url };
}

async function callMany(url: string, calls: number): Promise<void> {
  for (let i = 0; i < calls / 50; i++) await Promise.all(Array.from({ length: 50 }, () => callGetToken(url)));
}

describe("the log", () => {
  it("that nobody reads keeps neither calls nor the shutdown waiting", async () => {
    const { child, url } = await start("pipe"); // never read: it holds some 64 kB, and then it is full
    try {
      await callMany(url, 1_000);
      const asked = performance.now();
      child.kill("SIGTERM");
      const [status] = await once(child, "exit");
      expect(status).toBe(0);
      expect(performance.now() - asked).toBeLessThan(5_000);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("whose reader is gone does not end the service", async () => {
    const { child, url } = await start("pipe");
    try {
      child.stdout?.destroy();
      await callMany(url, 100);
      expect((await callGetToken(url)).status).toBe(503); // nobody listens there, so that the provider is suspended by now
      child.kill("SIGTERM");
      expect((await once(child, "exit"))[0]).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it.skipIf(!existsSync("/dev/full"))("that finds no room on its disk does not end the service", async () => {
    const full = openSync("/dev/full", "w");
    const { child, url } = await start(full);
    closeSync(full);
    try {
      await callMany(url, 1_000);
      expect((await callGetToken(url)).status).toBe(503);
      child.kill("SIGTERM");
      expect((await once(child, "exit"))[0]).toBe(0);
    } finally {
      child.kill("SIGKILL");
    }
  });

  it("in a file has a line for every call, to the last one before the shutdown", async () => {
    const path = join(folder, "log");
    const file = openSync(path, "w");
    const { child, url } = await start(file);
    closeSync(file);
    try {
      await callMany(url, 100);
      child.kill("SIGTERM");
      expect((await once(child, "exit"))[0]).toBe(0);
      const lines = (await readFile(path, "utf8"))
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line));
      expect(lines.filter(({ event }) => event === "call").length).toBeGreaterThanOrEqual(101);
      expect(lines.at(-1)).toMatchObject({ event: "stopped", calls_cut_off: 0 });
    } finally {
      child.kill("SIGKILL");
    }
  });
});
