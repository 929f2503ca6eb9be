// wrangler.toml: a dry run deploys each environment, also with the comments taken in. And
// `wrangler dev`, with the variables of .dev.vars.example.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseEnv, promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { freePort } from "../support/port.ts";
import { startRecordingProvider, token } from "../support/recording-provider.ts";

const run = promisify(execFile);
const text = await readFile("wrangler.toml", "utf8");
const WRANGLER = resolve("node_modules/wrangler/bin/wrangler.js");
const ENV = { ...process.env, WRANGLER_SEND_METRICS: "false", NO_COLOR: "1" };

let folder: string;
beforeAll(async () => {
  await mkdir("build", { recursive: true });
  folder = await mkdtemp(resolve("build/wrangler-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** @returns the output of wrangler, and the folder with what it would upload */
async function dryRun(args: string[], cwd = "."): Promise<{ said: string; built: string }> {
  const built = await mkdtemp(join(folder, "built-"));
  const { stdout, stderr } = await run(
    process.execPath,
    [WRANGLER, "deploy", "--dry-run", "--outdir", built, ...args],
    { cwd, env: ENV },
  );
  return { said: stdout + stderr, built };
}

/** Each run takes seconds; the tests of the project `workerd` build one environment in any case. */
const itSlowly = it.runIf(process.env.SOAK === "1");

describe("as it is", () => {
  for (const environment of ["staging", "production"]) {
    itSlowly(`${environment} can be deployed, and has the limits of the exchange`, async () => {
      const { said } = await dryRun(["--env", environment]);
      expect(said).toContain("--dry-run: exiting now");
      expect(said).not.toMatch(/WARNING|ERROR/);
      expect(said).toMatch(/WEBNONCE_EXCHANGE_PER_ADDRESS \(300 requests\/60s\)/);
      expect(said).toMatch(/WEBNONCE_EXCHANGE_PER_WEBNONCE \(10 requests\/60s\)/);
    });
  }

  itSlowly("without an environment there are no bindings, so that any account can deploy it", async () => {
    const { said } = await dryRun(["--env", ""]);
    expect(said).toContain("No bindings found");
    expect(said).not.toMatch(/WARNING|ERROR/);
  });

  it("lets Cloudflare write no line of its own for a request, whose URL may name a user", () => {
    expect(text).toMatch(/^\[observability\.logs\]\ninvocation_logs = false$/m);
  });

  it("shares no limit between environments, the commented ones included", () => {
    const numbers = [...text.matchAll(/namespace_id = "(\d+)"/g)].map(([, number]) => number);
    expect(numbers).toHaveLength(6);
    expect(new Set(numbers).size).toBe(6);
  });
});

describe("with its comments taken in", () => {
  itSlowly("has every binding and option that it shows, and another configuration file for staging", async () => {
    // A line of TOML is a key or a table; sentences are neither.
    const full = text.replaceAll(/^# (?=\[\[|[a-z_]+ = )/gm, "");
    expect(full).not.toBe(text);
    const project = await mkdtemp(join(folder, "project-"));
    await writeFile(join(project, "wrangler.toml"), full);
    await symlink(resolve("src"), join(project, "src"));
    await mkdir(join(project, "worker"));
    await writeFile(join(project, "worker/staging.ts"), await stagingEntry());
    const staging = (await readFile("worker/token-proxy.yaml", "utf8")).replace("sso.bank", "sso-staging.bank");
    await writeFile(join(project, "worker/token-proxy.staging.yaml"), staging);

    for (const environment of ["", "staging", "production"]) {
      const { said, built } = await dryRun(["--env", environment], project);
      expect(said, environment).not.toMatch(/WARNING|ERROR/);
      for (const binding of ["PER_ADDRESS", "PER_WEBNONCE", "RETAIL_CERTIFICATE"]) expect(said).toContain(binding);
      const files = (await readdir(built)).filter((name) => name.endsWith(".yaml"));
      expect(files).toHaveLength(1);
      const bundled = await readFile(join(built, files[0] as string), "utf8");
      expect(bundled.includes("sso-staging")).toBe(environment === "staging");
    }
  });
});

describe("wrangler dev", () => {
  const example = () => readFile(".dev.vars.example", "utf8");
  const workerFile = () => readFile("worker/token-proxy.yaml", "utf8");

  it("has an example with each variable of the Worker's file and no value, and Git ignores the copy", async () => {
    const named = [...(await workerFile()).matchAll(/\{ env: (\w+) \}/g)].map(([, name]) => name);
    expect(named).not.toEqual([]);
    expect(parseEnv(await example())).toEqual(Object.fromEntries(named.map((name) => [name, ""])));
    expect((await readFile(".gitignore", "utf8")).split("\n")).toEqual(
      expect.arrayContaining([".dev.vars*", "!.dev.vars.example"]),
    );
  });

  itSlowly("serves getToken with the copy", async () => {
    const provider = await startRecordingProvider();
    provider.answer = token();
    const project = await mkdtemp(join(folder, "dev-"));
    await writeFile(join(project, "wrangler.toml"), text.replace("src/worker.ts", "worker/staging.ts"));
    await symlink(resolve("src"), join(project, "src"));
    await mkdir(join(project, "worker"));
    await writeFile(join(project, "worker/staging.ts"), await stagingEntry());
    const file = (await workerFile()).replace(/issuer: .*/, `token_endpoint: ${provider.tokenEndpoint}`);
    await writeFile(join(project, "worker/token-proxy.staging.yaml"), file);
    const vars = (await example()).replace("APIKEY=", "APIKEY=key-of-the-caller").replace("SECRET=", "SECRET=s3cret");
    await writeFile(join(project, ".dev.vars"), vars);

    const port = await freePort();
    const args = [WRANGLER, "dev", "--env=", "--ip", "127.0.0.1", "--port", `${port}`, "--inspector-port", "0"];
    const dev = spawn(process.execPath, args, { cwd: project, env: ENV, stdio: "ignore", detached: true });
    try {
      const url = `http://127.0.0.1:${port}`;
      const isHealthy = () =>
        fetch(`${url}/healthz`).then(
          ({ ok }) => ok,
          () => false,
        );
      await expect.poll(isHealthy, { timeout: 60_000, interval: 500 }).toBe(true);
      const headers = { "X-apikey": "key-of-the-caller" };
      expect((await callGetToken(url, { headers })).status).toBe(200);
      expect(provider.requests.at(-1)?.headers.authorization).toBe(`Basic ${btoa("token-proxy:s3cret")}`);
    } finally {
      process.kill(-(dev.pid as number), "SIGKILL"); // with its workerd
      await once(dev, "exit");
      await provider.close();
    }
  });
});

/** The entry that docs/workers.md shows. */
async function stagingEntry(): Promise<string> {
  const page = await readFile("docs/workers.md", "utf8");
  const shown = /```ts\n(.*?)```/s.exec(page)?.[1];
  if (shown === undefined) throw new Error("docs/workers.md shows no entry");
  return shown;
}
