// The units of deploy/systemd: systemd accepts them, and they agree with their configuration file.

import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { callGetToken } from "../support/call.ts";
import { runCli } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { itWhere, versionOf } from "./it-where.ts";
import { withoutComments, withSigningKey } from "./signing-key.ts";

const run = promisify(execFile);
const SERVICE = "nextauth-token-proxy.service";
const SOCKET = "nextauth-token-proxy.socket";
const read = (name: string) => readFile(join("deploy/systemd", name), "utf8");
const service = await read(SERVICE);
const socket = await read(SOCKET);
const wholeText = await read("token-proxy.yaml");
const fileText = withoutComments(wholeText);
const { config } = parseConfig(fileText, "token-proxy.yaml");

/** All values of a directive, in order. */
const values = (unit: string, key: string) =>
  [...unit.matchAll(new RegExp(`^${key}=(.*)$`, "gm"))].map(([, value]) => value as string);

/** `security --offline` came with version 250. */
const version = Number(/systemd (\d+)/.exec(await versionOf("systemd-analyze", "--version"))?.[1] ?? 0);

const folder = temporaryFolder();

/** Puts the units into a folder, with this machine's Node, and runs `systemd-analyze`. */
async function analyze(args: string[], changes: (unit: string) => string = (unit) => unit) {
  const at = await mkdtemp(join(folder, "units-"));
  await writeFile(join(at, SERVICE), changes(service.replace("/usr/bin/node", process.execPath)));
  await writeFile(join(at, SOCKET), socket);
  return run("systemd-analyze", [...args, join(at, SERVICE), ...(args[0] === "verify" ? [join(at, SOCKET)] : [])]).then(
    ({ stdout, stderr }) => ({ status: 0, output: stdout + stderr }),
    ({ code, stdout, stderr }) => ({ status: code as number, output: stdout + stderr }),
  );
}

describe("systemd", () => {
  itWhere(version > 0, "no systemd-analyze")("accepts both units without a warning", async () => {
    expect(await analyze(["verify", "--man=no"])).toEqual({ status: 0, output: "" });
    const misspelt = await analyze(["verify", "--man=no"], (unit) => unit.replace("ProtectHome", "ProtectHomes"));
    expect(misspelt.output).toContain("ProtectHomes");
  });

  itWhere(version >= 250, "no systemd-analyze of version 250 or later")(
    "rates the exposure at 1.5 or less",
    async () => {
      const rating = ["security", "--offline=true", "--threshold=15"];
      const { status, output } = await analyze(rating);
      expect(status, output).toBe(0);
      expect((await analyze(rating, (unit) => unit.replaceAll(/^SystemCallFilter=.*$/gm, ""))).status).not.toBe(0);
    },
  );
});

describe("the service", () => {
  it("starts a file that exists", () => {
    const [command] = values(service, "ExecStart");
    expect(command).toBe(
      "/usr/bin/node --disable-sigusr1 src/launch.js start --config /etc/nextauth-token-proxy/token-proxy.yaml",
    );
    expect(existsSync("src/launch.js")).toBe(true);
  });

  it("may execute memory that it writes, as V8 does", () => {
    expect(values(service, "MemoryDenyWriteExecute")).toEqual(["no"]);
  });

  it("has time for its shutdown before it is killed, and reloads by SIGHUP", () => {
    const { shutdown_grace, shutdown_delay } = config.server;
    const seconds = Number(/^(\d+)s$/.exec(values(service, "TimeoutStopSec")[0] as string)?.[1]);
    expect(seconds).toBeGreaterThanOrEqual((shutdown_delay + shutdown_grace) / 1_000 + 5);
    expect(values(service, "KillSignal")).toEqual(["SIGTERM"]);
    expect(values(service, "ExecReload")).toEqual(["/bin/kill -HUP $MAINPID"]);
    expect(values(service, "RestartPreventExitStatus")).toEqual(["2"]);
  });

  it("loads exactly the credentials that the configuration names, also with the lines of a signing key", () => {
    for (const [unit, text] of [
      [service, fileText],
      [service.replaceAll("#LoadCredential", "LoadCredential"), withSigningKey(wholeText)],
    ] as const) {
      const loaded = values(unit, "LoadCredential").map((value) => value.split(":")[0]);
      const named = [...text.matchAll(/file: (\S+) }/g)].map(([, path]) => path);
      expect(named.toSorted()).toEqual(loaded.map((name) => `/run/credentials/${SERVICE}/${name}`).toSorted());
      expect(parseConfig(text, "token-proxy.yaml").config.signing !== undefined).toBe(unit !== service);
      for (const value of values(unit, "LoadCredential")) {
        const [name, path] = value.split(":");
        expect(path).toBe(`/etc/nextauth-token-proxy/${name}`);
      }
    }
  });

  it("needs the socket, which listens where the configuration says", () => {
    expect(values(service, "Requires")).toEqual([SOCKET]);
    const { host, port } = config.server.listen;
    expect(values(socket, "ListenStream")).toEqual([`${host}:${port}`]);
    expect(values(socket, "Accept")).toEqual(["no"]); // one process takes all connections
  });

  it("starts on its configuration file, with the credentials where systemd puts them", async () => {
    for (const value of values(service, "LoadCredential")) {
      await writeFile(join(folder, value.split(":")[0] as string), "a-secret-0123456789abcdef\n");
    }
    const local = fileText
      .replaceAll(`/run/credentials/${SERVICE}`, folder)
      .replaceAll(/127\.0\.0\.1:\d+/g, "127.0.0.1:0");
    await writeFile(join(folder, "token-proxy.yaml"), local);
    const proxy = runCli(["start"], { cwd: folder });
    const [, url] = await proxy.said(/"listen":"([^"]+)","admin/);
    const call = await callGetToken(url as string, { headers: { "X-apikey": "a-secret-0123456789abcdef" }, body: {} });
    expect(call.json()).toMatchObject({ error_code: "session_check_failed" });
    proxy.process.kill("SIGKILL");
  });
});
