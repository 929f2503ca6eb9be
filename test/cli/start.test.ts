// The command `start`: what an operator sees if it cannot listen, and reloads of --env-file.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { chmod, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { SECRETS } from "../support/config.ts";
import { listenLocally } from "../support/port.ts";
import { CLI } from "../support/process.ts";
import { useService } from "../support/service.ts";
import { asNobody, canBeNobody } from "./nobody.ts";
import { runCommand } from "./run-command.ts";

const service = useService();
const OVERRIDDEN = "the environment overrides the env file";

it("without a file, start fails and names the commands that need none", async () => {
  const { status, out, err } = await runCommand([], { cwd: service.folder });
  expect([status, out]).toEqual([2, ""]);
  expect(err).toMatch(/^cannot read the configuration file token-proxy\.yaml \(ENOENT\): .*"init".*"dev"\n$/);
});

describe("an address that start cannot listen on", () => {
  it("is in use: it is named with its key in the file, and nothing is left running", async () => {
    const taken = createServer();
    const admin = `127.0.0.1:${await listenLocally(taken)}`;
    await service.configure({ server: { admin } });
    const ended = service.run(["start"], { env: SECRETS });
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
    await service.configure({ server: { listen } });
    const { status, out, err } = await runCommand(["start"], { cwd: service.folder, env: SECRETS });
    expect({ status, out }).toEqual({ status: 1, out: "" });
    expect(err).toMatch(/^cannot listen on \S+: .+"server\.listen"\.?\n$/);
  });

  const FIRST_FREE = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const isPrivileged = existsSync(FIRST_FREE) && Number(readFileSync(FIRST_FREE, "utf8")) > 80;

  it.skipIf(!canBeNobody || !isPrivileged)("is a port for root: the line says which to choose", async () => {
    await service.configure({ server: { listen: "127.0.0.1:80" } });
    await chmod(service.folder, 0o755);
    const { status, stderr } = asNobody(["start"], { cwd: service.folder, env: SECRETS });
    expect(status).toBe(1);
    expect(stderr).toMatch(/^cannot listen on 127\.0\.0\.1:80: .+ above 1023, .+CAP_NET_BIND_SERVICE.+\n$/);
  });
});

describe("a reload of start", () => {
  const statusWith = async (url: string, apikey: string) =>
    (await callGetToken(url, { headers: { "X-apikey": apikey } })).status;

  it("reads --env-file again, and keeps the old variables if that fails", async () => {
    await service.configure({ callers: { ns: { apikeys: [{ env: "FILE_APIKEY" }] } } });
    await service.write("reload.env", `FILE_APIKEY=${APIKEY}\n`);
    const run = await service.start({ args: ["start", "--env-file=reload.env"] });
    await service.write("reload.env", "FILE_APIKEY=another-key-of-the-caller\n");
    await run.reload();
    expect(await statusWith(run.listen, "another-key-of-the-caller")).toBe(200);
    expect(await statusWith(run.listen, APIKEY)).toBe(401);
    expect(run.lines(OVERRIDDEN)).toEqual([]);
    await rm(join(service.folder, "reload.env"));
    run.process.kill("SIGHUP");
    await run.said(/"reason":"cannot read the env file reload\.env \(ENOENT\): /);
    expect(await statusWith(run.listen, "another-key-of-the-caller")).toBe(200);
  });

  it("names the variables of --env-file that the environment overrides: at the start, and if they change", async () => {
    await service.configure();
    await service.write("own.env", "APIKEY=the-key-in-the-env-file\n");
    const run = await service.start({ args: ["start", "--env-file=own.env"], env: SECRETS });
    const names = () => run.lines(OVERRIDDEN).map(({ level, names: found }) => [level, found]);
    expect(names()).toEqual([["warn", "APIKEY"]]);
    await run.reload();
    expect(names()).toHaveLength(1);
    await service.write("own.env", "APIKEY=the-key-in-the-env-file\nCLIENT_SECRET=another-secret\n");
    await run.reload();
    expect(names().slice(1)).toEqual([["warn", "APIKEY, CLIENT_SECRET"]]);
    expect(run.stdout()).not.toMatch(/the-key-in-the-env-file|another-secret/);
  });
});

it("a missing --env-file behind -- ends with status 2", async () => {
  // Without "--", Node itself looks for the file and ends with status 9.
  const args = ["--", CLI, "start", "--env-file", "nowhere.env"];
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: service.folder, encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toMatch(/^cannot read the env file nowhere\.env \(ENOENT\): .+\n$/);
});
