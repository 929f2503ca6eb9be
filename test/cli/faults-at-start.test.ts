// What an operator sees of a machine that is not as it should be: one line for each fault, with its place and its cure.

import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { fileConfig, SECRETS } from "../support/config.ts";
import { CLI, type Run, runCli } from "../support/process.ts";

const ENDPOINT = "http://127.0.0.1:1/token";
const SERVER = { listen: "127.0.0.1:0", admin: "127.0.0.1:0" };

let folder: string;
const runs: Run[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-faults-"));
  await chmod(folder, 0o755); // for the tests that run as somebody else
});
afterEach(() => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const write = (file: object) => writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(file));

function run(args: string[]): Run {
  const started = runCli(args, { cwd: folder, env: SECRETS });
  runs.push(started);
  return started;
}

async function fails(command: "start" | "check", file?: object) {
  if (file !== undefined) await write(file);
  const ended = run([command]);
  const status = await ended.exit();
  return { status, out: ended.stdout(), err: ended.stderr() };
}

/** Of a faulty file: the line of its only fault, without its place. */
function onlyFault(err: string): string {
  const [line, count, end] = err.split("\n");
  expect([count, end]).toEqual(["1 fault in the configuration", ""]);
  return (line as string).replace(/^token-proxy\.yaml:1:\d+ /, "");
}

/** Root may read everything and take every port. */
const asNobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
const SETPRIV = "setpriv";
const canBeNobody = spawnSync(SETPRIV, [...asNobody, process.execPath, "--version"]).status === 0;

function startAsNobody(): SpawnSyncReturns<string> {
  const env = { PATH: process.env.PATH, ...SECRETS };
  return spawnSync(SETPRIV, [...asNobody, process.execPath, CLI, "start"], {
    cwd: folder,
    env,
    encoding: "utf8",
    timeout: 10_000,
  });
}

describe("a listener that cannot be", () => {
  it("on a port that is in use names the key of the admin listener, and nothing stays behind", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const admin = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const { status, err } = await fails("start", fileConfig(ENDPOINT, { file: { server: { ...SERVER, admin } } }));
    taken.close();
    expect(status).toBe(1);
    expect(err).toBe(
      `cannot listen on ${admin}: the port is in use. Stop what uses it, or choose another. Its key in the file is "server.admin".\n`,
    );
  });

  it.each([
    [
      "an address of another machine",
      "192.0.2.1:0",
      /^this machine has no such address\. Use 0\.0\.0\.0 for all of them\./,
    ],
    [
      "an unknown name",
      "nowhere.invalid:0",
      /^the host name (?:is unknown|cannot be looked up now)\. Use an address\./,
    ],
  ])("on %s says what to write", async (_, listen, expected) => {
    const { status, err } = await fails("start", fileConfig(ENDPOINT, { file: { server: { ...SERVER, listen } } }));
    expect(status).toBe(1);
    expect(err.split("\n")).toHaveLength(2);
    expect(err.replace(`cannot listen on ${listen}: `, "")).toMatch(expected);
    expect(err).toMatch(/ Its key in the file is "server\.listen"\.\n$/);
  });

  const FIRST_FREE = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
  const isPrivileged = existsSync(FIRST_FREE) && Number(readFileSync(FIRST_FREE, "utf8")) > 80;

  it.skipIf(!canBeNobody || !isPrivileged)("on a port that only root may take says which to choose", async () => {
    await write(fileConfig(ENDPOINT, { file: { server: { ...SERVER, listen: "127.0.0.1:80" } } }));
    const { status, stderr } = startAsNobody();
    expect(status).toBe(1);
    expect(stderr).toBe(
      "cannot listen on 127.0.0.1:80: no permission for this port. Choose one above 1023, or grant CAP_NET_BIND_SERVICE. " +
        'Its key in the file is "server.listen".\n',
    );
  });
});

const withSecretFile = (file: string) => fileConfig(ENDPOINT, { provider: { client_secret: { file } } });
const WHERE = '"providers.main.client_secret"';

describe("a secret whose file", () => {
  it.each<[string, string | Buffer | undefined, string]>([
    ["is missing", undefined, "names a file that cannot be read (ENOENT): secret: there is no such file"],
    ["is empty", "", "refers to an empty secret; give it a value"],
    ["holds a line break alone", "\n", "refers to an empty secret; give it a value"],
    ["is too large", "x".repeat(65_537), "names a file of more than 65536 bytes: secret"],
    ["is not UTF-8", Buffer.from("s\xe9cret", "latin1"), "names a file that is not UTF-8: secret"],
  ])("%s stops start and check", async (_, content, expected) => {
    await rm(join(folder, "secret"), { force: true });
    if (content !== undefined) await writeFile(join(folder, "secret"), content);
    for (const command of ["start", "check"] as const) {
      const { status, out, err } = await fails(command, withSecretFile("secret"));
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(onlyFault(err)).toBe(`${WHERE} ${expected}`);
    }
  });

  it("is a folder, never ends, or stands behind a file", async () => {
    await mkdir(join(folder, "keys"), { recursive: true });
    const folderFault = onlyFault((await fails("start", withSecretFile("keys"))).err);
    expect(folderFault).toBe(
      `${WHERE} names a file that cannot be read (EISDIR): keys: it is a folder, so name a file in it`,
    );
    const endless = onlyFault((await fails("start", withSecretFile("/dev/zero"))).err);
    expect(endless).toBe(`${WHERE} names a file of more than 65536 bytes: /dev/zero`);
    const behind = onlyFault((await fails("start", withSecretFile("token-proxy.yaml/secret"))).err);
    expect(behind).toContain("(ENOTDIR): token-proxy.yaml/secret: a part of its path is no folder");
  });

  it.skipIf(!canBeNobody)("may not be read by this user", async () => {
    await write(withSecretFile("private"));
    await writeFile(join(folder, "private"), "s3cret", { mode: 0o600 });
    const { status, stderr } = startAsNobody();
    expect(status).toBe(2);
    expect(onlyFault(stderr)).toBe(
      `${WHERE} names a file that cannot be read (EACCES): private: let the user that runs this read it`,
    );
  });
});

describe("a configuration file that", () => {
  const start = async (path: string) => {
    const ended = run(["start", "--config", path]);
    return { status: await ended.exit(), err: ended.stderr() };
  };

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "is a folder",
      () => mkdir(join(folder, "faulty")),
      "cannot read the configuration file faulty (EISDIR): it is a folder, so name a file in it\n",
    ],
    [
      "is not UTF-8",
      () => writeFile(join(folder, "faulty"), Buffer.from("version: 1 # caf\xe9\n", "latin1")),
      "the configuration file faulty is not UTF-8: save it as that\n",
    ],
    [
      "is too large",
      () => writeFile(join(folder, "faulty"), "#".repeat(1_048_577)),
      "the configuration file faulty has more than 1048576 bytes: that is none, so name another\n",
    ],
    [
      "is empty",
      () => writeFile(join(folder, "faulty"), ""),
      "faulty:1:1 the file must be a mapping with version, callers and providers\n1 fault in the configuration\n",
    ],
  ])("%s stops the start", async (_, make, expected) => {
    await make();
    expect(await start("faulty")).toEqual({ status: 2, err: expected });
    await rm(join(folder, "faulty"), { recursive: true });
  });

  it.skipIf(!canBeNobody)("may not be read stops the start", async () => {
    await write(fileConfig(ENDPOINT));
    await chmod(join(folder, "token-proxy.yaml"), 0o600);
    const { status, stderr } = startAsNobody();
    await rm(join(folder, "token-proxy.yaml"));
    expect(status).toBe(2);
    expect(stderr).toBe(
      "cannot read the configuration file token-proxy.yaml (EACCES): let the user that runs this read it\n",
    );
  });
});
