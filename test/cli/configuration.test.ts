// --env-file: where secrets come from on a machine that has no better place for them.

import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { fileConfig } from "../support/config.ts";
import { CLI, type Run, type RunOptions, runCli } from "../support/process.ts";
import { type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

const OTHER_KEY = "another-key-of-the-caller";

let provider: RecordingProvider;
let folder: string;
const runs: Run[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-env-"));
  await writeFile(join(folder, "token-proxy.yaml"), JSON.stringify(fileConfig(provider.tokenEndpoint)));
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
});
afterEach(() => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
});
afterAll(async () => {
  await provider?.close();
  await rm(folder, { recursive: true, force: true });
});

const write = (name: string, content: string | Buffer) => writeFile(join(folder, name), content);

function cli(args: string[], options: RunOptions = {}): Run {
  const run = runCli(args, { cwd: folder, ...options });
  runs.push(run);
  return run;
}

async function start(args: string[], env: Record<string, string> = {}) {
  const run = cli(args, { env });
  const [, url] = await run.said(/"listen":"(http:[^"]+)"/);
  return { run, url: url as string };
}

const statusWith = async (url: string, apikey: string) =>
  (await callGetToken(url, { headers: { "X-apikey": apikey } })).status;

describe("--env-file", () => {
  it("gives start the variables that are not set, and those that are set stay", async () => {
    await write(".env", `# secrets\nAPIKEY="${APIKEY}" # of the caller\nexport CLIENT_SECRET='from the file'\n`);
    const { url } = await start(["start", "--env-file", ".env"], { CLIENT_SECRET: "from the environment" });
    expect(await statusWith(url, APIKEY)).toBe(200);
    expect(await statusWith(url, OTHER_KEY)).toBe(401);
    const [, basic] = String(provider.requests[0]?.headers.authorization).split(" ");
    const sent = Buffer.from(String(basic), "base64").toString();
    expect(sent).toBe("token-proxy:from+the+environment");
  });

  it("is read again with a reload, and where that fails the old one stays", async () => {
    await write("reload.env", `APIKEY=${APIKEY}\nCLIENT_SECRET=first\n`);
    const { run, url } = await start(["--env-file=reload.env"]);
    await write("reload.env", `APIKEY="${OTHER_KEY}"\nCLIENT_SECRET=second\n`);
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    expect(await statusWith(url, OTHER_KEY)).toBe(200);
    expect(await statusWith(url, APIKEY)).toBe(401);
    await rm(join(folder, "reload.env"));
    run.process.kill("SIGHUP");
    await run.said(/"reason":"cannot read the env file reload\.env \(ENOENT\): there is no such file"/);
    expect(await statusWith(url, OTHER_KEY)).toBe(200);
  });

  it("gives check and get-token theirs, TOKEN_PROXY_CONFIG and env:VARIABLE included", async () => {
    await write("named.yaml", JSON.stringify(fileConfig(provider.tokenEndpoint)));
    const variables = { APIKEY, CLIENT_SECRET: "s", USER: "alice", N: "nonce", TOKEN_PROXY_CONFIG: "named.yaml" };
    await write(
      "all.env",
      Object.entries(variables)
        .map((pair) => pair.join("="))
        .join("\n"),
    );
    const values = ["--value", "userid=env:USER", "--value", "nonce=env:N"];
    const check = cli(["check", "--env-file", "all.env", "--live", "--userid", "alice", "--value", "nonce=env:N"]);
    expect(await check.exit()).toBe(0);
    expect(check.stdout()).toContain("named.yaml: no faults");
    const { url } = await start(["--env-file", "all.env"]);
    const call = cli(["get-token", "--env-file", "all.env", "--url", url, ...values]);
    expect(await call.exit()).toBe(0);
    expect(new URLSearchParams(String(provider.requests.at(-1)?.body)).get("userid")).toBe("alice");
  });

  it("may begin with a byte order mark", async () => {
    await write("bom.env", `\ufeffAPIKEY=${APIKEY}\nCLIENT_SECRET=s\n`);
    const check = cli(["check", "--env-file", "bom.env"]);
    expect(await check.exit()).toBe(0);
  });

  it.each<[string, () => Promise<string>, string]>([
    [
      "a file that is not UTF-8",
      () => write("latin1.env", Buffer.from("APIKEY=s\xe9cret", "latin1")).then(() => "latin1.env"),
      "the env file latin1.env is not UTF-8: save it as that\n",
    ],
    [
      "a file without the variable",
      () => write("lacking.env", `APIKEY=${APIKEY}`).then(() => "lacking.env"),
      'token-proxy.yaml:1:247 "providers.main.client_secret" names the environment variable CLIENT_SECRET, which is not set\n',
    ],
  ])("ends with 2 for %s", async (_, make, message) => {
    for (const command of ["start", "check"]) {
      const run = cli([command, "--env-file", await make()]);
      expect(await run.exit()).toBe(2);
      expect(run.stderr().replace(/:1:\d+ /, ":1:247 ")).toContain(message);
    }
  });

  it.each(["start", "check", "get-token"])("ends %s with 2 where there is no such file", async (command) => {
    // Node itself looks at an --env-file behind the script, and ends with 9 where it is missing, but for one behind "--".
    const args = ["--", CLI, command, "--env-file", "nowhere.env"];
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
    expect(status).toBe(2);
    expect(stderr).toBe("cannot read the env file nowhere.env (ENOENT): there is no such file\n");
  });
});
