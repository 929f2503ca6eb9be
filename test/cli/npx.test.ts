// The package as npm installs it, with its dependencies: its commands and its main entry on each
// supported Node.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { pack } from "../deploy/installed-package.ts";
import { callGetToken, NONCE } from "../support/call.ts";
import { collect, end, waitForLine } from "../support/child.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { json, type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** The oldest supported major version; Node 24 runs all other tests. */
const NODES = [22];
const BYTES = '{ "access_token":"caf\\u00e9",\n "token_type":"Bearer" }\r\n';
const INSTALL_TIMEOUT_MS = 300_000;
const UNREACHABLE = /\b(?:ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ENETUNREACH|ETIMEDOUT)\b/;

const run = promisify(execFile);
const folder = temporaryFolder();
let project: string;
let provider: RecordingProvider;
let isOffline = false;

beforeAll(async () => {
  project = join(folder, "project");
  provider = await startRecordingProvider();
  provider.answer = json(BYTES);
  const tarball = await pack(folder);
  await mkdir(project);
  // npm runs only the scripts of these packages; they fetch the binary.
  const allowScripts = Object.fromEntries(NODES.map((major) => [`node${major}`, true]));
  await writeFile(join(project, "package.json"), JSON.stringify({ private: true, type: "module", allowScripts }));
  const nodes = NODES.map((major) => `node${major}@npm:node@${major}`);
  const quietly = ["--prefer-offline", "--no-audit", "--no-fund", "--no-update-notifier"];
  try {
    await run("npm", ["install", ...quietly, tarball, ...nodes], { cwd: project });
  } catch (error) {
    isOffline = UNREACHABLE.test((error as { stderr: string }).stderr) && process.env.CI === undefined;
    if (!isOffline) throw error;
    return;
  }
  // It belongs to one of the two; here the PATH chooses.
  await rm(join(project, "node_modules/.bin/node"));
}, INSTALL_TIMEOUT_MS);
beforeEach((context) => context.skip(isOffline, "the registry of npm cannot be reached"));
afterAll(() => provider?.close());

describe.each(NODES)("on Node %i", (major) => {
  const node = () => join(project, `node_modules/node${major}/bin/node`);
  const bin = () => join(project, "node_modules/.bin/nextauth-token-proxy");
  const options = (env: Record<string, string> = {}) => ({
    cwd: project,
    env: { PATH: `${dirname(node())}:${process.env.PATH}`, HOME: folder, ...env },
  });

  async function writeConfig(name: string, file: object): Promise<string> {
    const path = join(folder, `${major}-${name}`);
    await writeFile(path, JSON.stringify(fileConfig(provider.tokenEndpoint, { file })));
    return path;
  }

  /**
   * Starts the command, and stops it with SIGTERM. @returns the result of `use`, the output and the
   * exit status
   */
  async function whileItRuns<T>(args: string[], up: RegExp, use: () => Promise<T>) {
    const child = spawn(bin(), args, { ...options(SECRETS), stdio: ["ignore", "pipe", "pipe"] });
    const output = collect(child);
    try {
      await waitForLine(child, child.stdout, output, (line) => (up.test(line) ? line : undefined));
      const used = await use();
      const exit = once(child, "exit");
      child.kill("SIGTERM");
      const [status] = await exit;
      return { used, output: output(), status };
    } finally {
      await end(child, join(folder, "nothing"));
    }
  }

  it("npx finds the command, which prints its version", async () => {
    const { version } = JSON.parse(await readFile("package.json", "utf8"));
    const { stdout } = await run("npx", ["--no", "--", "nextauth-token-proxy", "--version"], options());
    expect(stdout).toBe(`${version}\n`);
    expect((await run("node", ["--version"], options())).stdout).toMatch(new RegExp(`^v${major}\\.`));
  });

  it("keygen and check work as in a checkout", async () => {
    const key = join(folder, `${major}.pem`);
    const { stdout: jwk } = await run(bin(), ["keygen", "--out", key], options());
    expect(JSON.parse(jwk)).toMatchObject({ kty: "EC", use: "sig" });
    expect((await stat(key)).mode & 0o777).toBe(0o600);

    const config = await writeConfig("check.yaml", {
      signing: { keys: [{ kid: "k", alg: "ES256", private_key: { file: key } }] },
    });
    const { stdout } = await run(bin(), ["check", "--config", config], options(SECRETS));
    expect(stdout).toMatch(/no faults, every secret and key is there\n.*ES256 k, signs/s);
    // The command reads the env file, and not Node.
    const faulty = await run(bin(), ["check", "--env-file", "nowhere.env"], options()).catch((error) => error);
    expect([faulty.code, faulty.stderr]).toEqual([2, expect.stringContaining("cannot read the env file")]);
  });

  it("start answers getToken and get-token calls it, with a readable log", async () => {
    const port = await freePort();
    const server = { ...SERVER, listen: `127.0.0.1:${port}` };
    const config = await writeConfig("start.yaml", { server, log: { format: "pretty" } });
    const url = `http://127.0.0.1:${port}`;
    const ran = await whileItRuns(["start", "--config", config], /\bstarted\b/, async () => {
      const answer = await callGetToken(url);
      const args = ["get-token", "--config", config, "--userid", "alice", "--value", "nonce=env:NONCE"];
      const token = await run(bin(), args, options({ ...SECRETS, NONCE }));
      return [answer.status, answer.text, token.stdout];
    });
    expect(ran.used).toEqual([200, BYTES, BYTES]);
    expect(ran.status, ran.output).toBe(0);
    expect(ran.output).toMatch(new RegExp(`\\bnode=${major}\\.`));
  });

  it("dev needs no file", async () => {
    const ran = await whileItRuns(["dev"], /^ *curl /, async () => {});
    expect(ran.output).toContain('"access_token"');
    expect(ran.status, ran.output).toBe(0);
  });

  it("createApp serves in another project, and does not keep its process alive", async () => {
    const script = `
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { ConfigError, createApp } from "nextauth-token-proxy";
const proxy = await createApp(process.argv[2]);
const server = serve({ fetch: new Hono().route("/", proxy).fetch, port: 0, hostname: "127.0.0.1" }, async ({ port }) => {
  const headers = { "X-apikey": process.env.APIKEY, "X-nonce": "n", "Content-Type": "application/json" };
  const body = '{"serverid":"s","userid":"alice"}';
  const answer = await fetch("http://127.0.0.1:" + port + "/getToken", { method: "POST", headers, body });
  const faulty = await createApp("version: 2").catch((error) => error instanceof ConfigError);
  console.log(JSON.stringify([answer.status, await answer.text(), faulty, process.versions.node.split(".")[0]]));
  server.close();
});
`;
    await writeFile(join(project, "own.js"), script);
    const file = JSON.stringify(fileConfig(provider.tokenEndpoint));
    const { stdout } = await run(node(), ["own.js", file], { ...options(SECRETS), timeout: 60_000 });
    expect(JSON.parse(stdout)).toEqual([200, BYTES, true, `${major}`]);
  });
});
