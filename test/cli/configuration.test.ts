// How commands find and read the configuration file and --env-file.

import { spawnSync } from "node:child_process";
import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { environment } from "../../src/cli/configuration.ts";
import { APIKEY } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";
import { asNobody, canBeNobody } from "./nobody.ts";
import { runCommand } from "./run-command.ts";

const folder = temporaryFolder();

beforeAll(async () => {
  await chmod(folder, 0o755); // for the test that runs as another user
  await write("token-proxy.yaml", JSON.stringify(fileConfig("http://127.0.0.1:1/token")));
});

const write = (name: string, content: string | Buffer) => writeFile(join(folder, name), content);
const run = (args: string[], env: Record<string, string> = {}) => runCommand(args, { cwd: folder, env });

describe("the configuration file", () => {
  it("is that of --config, else of TOKEN_PROXY_CONFIG, else ./token-proxy.yaml", async () => {
    const env = { TOKEN_PROXY_CONFIG: "variable.yaml" };
    expect((await run(["check", "--config", "option.yaml"], env)).err).toContain("option.yaml (ENOENT)");
    expect((await run(["check"], env)).err).toContain("variable.yaml (ENOENT)");
    // Compose sets a variable that has no value to nothing.
    expect((await run(["check"], { ...SECRETS, TOKEN_PROXY_CONFIG: "" })).out).toMatch(/^token-proxy\.yaml: no faults/);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ["is missing", async () => {}, "cannot read the configuration file faulty (ENOENT): "],
    ["is a folder", () => mkdir(join(folder, "faulty")), "cannot read the configuration file faulty (EISDIR): "],
    [
      "is not in UTF-8",
      () => write("faulty", Buffer.from("version: 1 # caf\xe9\n", "latin1")),
      "the configuration file faulty is not in UTF-8: save it in that encoding\n",
    ],
    [
      "is too large",
      () => write("faulty", "#".repeat(1_048_577)),
      "the configuration file faulty is larger than 1048576 bytes: name another file\n",
    ],
    ["is a pipe", async () => spawnSync("mkfifo", [join(folder, "faulty")]), "is not a regular file: name one\n"],
    ["is empty", () => write("faulty", ""), "faulty:1:1 "],
  ])("that %s stops the command with status 2", async (_, make, expected) => {
    await make();
    for (const command of ["start", "check", "get-token"]) {
      const { status, out, err } = await run([command, "--config", "faulty"]);
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toContain(expected);
    }
    await rm(join(folder, "faulty"), { recursive: true, force: true });
  });

  it.skipIf(!canBeNobody)("that this user may not read stops the command with status 2", async () => {
    await writeFile(join(folder, "private.yaml"), "version: 1", { mode: 0o600 });
    const { status, stderr } = asNobody(["check", "--config", "private.yaml"], { cwd: folder });
    expect(status).toBe(2);
    expect(stderr).toMatch(/^cannot read the configuration file private\.yaml \(EACCES\): .+\n$/);
  });
});

describe("--env-file", () => {
  it.each([
    ["has no =", "A=1\n\n# a comment\nGETTOKEN_APIKEY s3cret\n", 4],
    ["is after a value of several lines", 'A="one\ntwo" # and\nB=\r\ns3cret', 4],
    ["opens a quote that nothing closes", "A=1\r\nB='s3cret\nC=3\n", 2],
  ])("with a line that %s: the error has its number, and not its text", async (_, text, line) => {
    await write("faulty.env", text);
    const { status, out, err } = await run(["check", "--env-file", "faulty.env"]);
    expect({ status, out }).toEqual({ status: 2, out: "" });
    expect(err).toMatch(new RegExp(`^faulty\\.env:${line} is not NAME=VALUE, .+\n$`));
    expect(err).not.toContain("s3cret");
  });

  it("supplies variables that are not set, with comments, quotes and a byte order mark", async () => {
    await write(
      "all.env",
      `\ufeff# secrets\nAPIKEY="${APIKEY}" # of the caller\nexport CLIENT_SECRET='from the file'\n`,
    );
    process.env.CLIENT_SECRET = "from the environment";
    const env = environment(join(folder, "all.env"));
    delete process.env.CLIENT_SECRET;
    expect(env.variables).toMatchObject({ APIKEY, CLIENT_SECRET: "from the environment" });
    expect(process.env.APIKEY).toBeUndefined();
    expect((await run(["check", "--env-file", "all.env"])).status).toBe(0);
  });

  it("with another value than the environment is warned of by check, once for each name and without a value", async () => {
    await write("other.env", `APIKEY=${APIKEY}\nCLIENT_SECRET=of-the-file\nEMPTY=a\n`);
    const { status, out } = await run(["check", "--env-file", "other.env"], {
      ...{ APIKEY, CLIENT_SECRET: "of-the-environment", EMPTY: "" },
    });
    expect(status).toBe(0);
    expect(out.match(/^warning.*(?:environment).*$/gm)).toEqual([
      "warning           CLIENT_SECRET: the environment has another value than other.env, and wins: unset CLIENT_SECRET",
      "warning           EMPTY: the environment has another value than other.env, and wins: unset EMPTY",
    ]);
    expect(out).not.toMatch(/of-the-/);
    const empty = await run(["check", "--env-file", "other.env"], { APIKEY, CLIENT_SECRET: "" });
    expect([empty.status, empty.out]).toEqual([2, expect.stringContaining("CLIENT_SECRET: the environment has")]);
  });

  it("supplies env:VARIABLE too", async () => {
    await write("named.env", ["CLIENT_SECRET=s", `APIKEY=${APIKEY}`, "N=nonce"].join("\n"));
    const args = ["--env-file", "named.env", "--userid", "alice", "--value", "nonce=env:N"];
    const check = await run(["check", "--live", ...args]);
    expect([check.status, check.err]).toEqual([1, ""]); // the provider is not there
    const call = await run(["get-token", "--url", "http://127.0.0.1:1", ...args]);
    expect(call.err).toContain("no answer from http://127.0.0.1:1/getToken");
  });

  it.each<[string, string | Buffer | undefined, string]>([
    ["is missing", undefined, "cannot read the env file some.env (ENOENT): "],
    ["is not in UTF-8", Buffer.from("APIKEY=s\xe9cret", "latin1"), "the env file some.env is not in UTF-8: save it in"],
    ["lacks a variable", `APIKEY=${APIKEY}`, "CLIENT_SECRET, which is not set: "],
  ])("that %s stops the command with status 2", async (_, content, message) => {
    await rm(join(folder, "some.env"), { force: true });
    if (content !== undefined) await write("some.env", content);
    for (const command of ["start", "check"]) {
      const { status, out, err } = await run([command, "--env-file", "some.env"]);
      expect({ status, out }).toEqual({ status: 2, out: "" });
      expect(err).toContain(message);
    }
  });
});
