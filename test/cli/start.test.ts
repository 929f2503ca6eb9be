// The command `start`: what an operator sees if it cannot listen, and reloads of secrets and
// certificates.

import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { CLI, type Run, runCli } from "../support/process.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { asNobody, canBeNobody } from "./nobody.ts";
import { runCommand } from "./run-command.ts";

const _WAIT_MS = 15_000;

const folder = temporaryFolder();
const emptyFolder = temporaryFolder();
let provider: RecordingProvider;
const runs: Run[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  await chmod(folder, 0o755); // for the test that runs as another user
});
afterEach(() => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
});
afterAll(() => provider?.close());

const write = (name: string, content: string) => writeFile(join(folder, name), content);
const configure = (server: object = {}) =>
  write(
    "token-proxy.yaml",
    JSON.stringify(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, ...server } } })),
  );

function start(args: string[], env: Record<string, string> = {}): Run {
  const run = runCli(["start", ...args], { cwd: folder, env });
  runs.push(run);
  return run;
}

it("without a file, start fails and names the commands that need none", async () => {
  const { status, out, err } = await runCommand([], { cwd: emptyFolder });
  expect([status, out]).toEqual([2, ""]);
  expect(err).toMatch(/^cannot read the configuration file token-proxy\.yaml \(ENOENT\): .*"init".*"dev"\n$/);
});

describe("an address that start cannot listen on", () => {
  it("is in use: it is named with its key in the file, and nothing is left running", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const admin = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    await configure({ admin });
    const ended = start([], SECRETS);
    expect(await ended.exit()).toBe(1);
    taken.close();
    expect(ended.stderr()).toContain(`cannot listen on ${admin}: `);
    const owner = process.platform === "linux" ? ` by "node" \\(process ${process.pid}\\)` : "";
    expect(ended.stderr()).toMatch(new RegExp(`the port is in use${owner}\\. .*choose another port`));
    expect(ended.stderr()).toMatch(/"server\.admin"\.?\n$/);
  });

  it.each([
    ["belongs to another machine", "192.0.2.1:0"],
    ["is an unknown name", "nowhere.invalid:0"],
  ])("%s: status 1 and one line", async (_, listen) => {
    await configure({ listen });
    const { status, out, err } = await runCommand(["start"], { cwd: folder, env: SECRETS });
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/^cannot listen on \S+: .+"server\.listen"\.?\n$/);
  });

  const FIRST_FREE = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const isPrivileged = existsSync(FIRST_FREE) && Number(readFileSync(FIRST_FREE, "utf8")) > 80;

  it.skipIf(!canBeNobody || !isPrivileged)("is a port for root: the line says which to choose", async () => {
    await configure({ listen: "127.0.0.1:80" });
    const { status, stderr } = asNobody(["start"], { cwd: folder, env: SECRETS });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^cannot listen on 127\.0\.0\.1:80: .+ above 1023, .+CAP_NET_BIND_SERVICE.+\n$/);
  });
});

describe("a reload of start", () => {
  const statusWith = async (url: string, apikey: string) =>
    (await callGetToken(url, { headers: { "X-apikey": apikey } })).status;

  it("reads --env-file again, and keeps the old variables if that fails", async () => {
    await configure();
    await write("reload.env", `APIKEY=${APIKEY}\nCLIENT_SECRET=first\n`);
    const run = start(["--env-file=reload.env"]);
    const [, url = ""] = await run.said(/"listen":"(http:[^"]+)"/);
    await write("reload.env", "APIKEY=another-key-of-the-caller\nCLIENT_SECRET=second\n");
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    expect(await statusWith(url, "another-key-of-the-caller")).toBe(200);
    expect(await statusWith(url, APIKEY)).toBe(401);
    await rm(join(folder, "reload.env"));
    run.process.kill("SIGHUP");
    await run.said(/"reason":"cannot read the env file reload\.env \(ENOENT\): /);
    expect(await statusWith(url, "another-key-of-the-caller")).toBe(200);
  });
});

it("a missing --env-file behind -- ends with status 2", async () => {
  // Without "--", Node itself looks for the file and ends with status 9.
  const args = ["--", CLI, "start", "--env-file", "nowhere.env"];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^cannot read the env file nowhere\.env \(ENOENT\): .+\n$/);
});
