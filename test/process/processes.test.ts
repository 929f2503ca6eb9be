// Several processes on one port: they serve together, one that ends is replaced, and one speaks for all of them.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { type Run, runCli } from "../support/process.ts";
import { type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let folder: string;
const runs: Run[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  provider.requests.length = 0;
  provider.answer = token();
});
afterEach(async () => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await provider?.close();
});

const write = (server: object = {}, changes: object = {}) =>
  writeFile(
    join(folder, "token-proxy.yaml"),
    JSON.stringify(
      fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, processes: 2, ...server }, ...changes } }),
    ),
  );

function run(): Run {
  const started = runCli([], { cwd: folder, env: SECRETS });
  runs.push(started);
  return started;
}

const lines = (from: Run): Record<string, unknown>[] =>
  from
    .stdout()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line)); // and so no line has got into another

async function start(): Promise<{ run: Run; listen: string; admin: string }> {
  const started = run();
  await started.said(/(?:.*"event":"started"[\s\S]*){3}/);
  const own = lines(started).find(({ event, pid }) => event === "started" && pid === undefined);
  return { run: started, ...(own as { listen: string; admin: string }) };
}

/** Calls on connections of their own, so that each process gets some. */
const callMany = (url: string, calls: number) =>
  Promise.all(Array.from({ length: calls }, () => callGetToken(url, { headers: { Connection: "close" } })));

/** The processes that have answered calls. */
const servants = (from: Run) =>
  new Set(
    lines(from)
      .filter(({ event }) => event === "call")
      .map(({ pid }) => pid as number),
  );

async function ready(admin: string) {
  const answer = await fetch(`${admin}/readyz`);
  return (await answer.json()) as { processes: number; status: string };
}

describe("two processes", () => {
  it("share the calls, and are told of together", async () => {
    const { run, listen, admin } = await start();
    const answers = await callMany(listen, 100);
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    await expect.poll(() => servants(run).size).toBe(2);
    expect(await ready(admin)).toMatchObject({ status: "ready", processes: 2 });
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toMatch(/^token_proxy_calls_total\{[^}]*outcome="token"[^}]*\} 100$/m);
    expect(metrics).toMatch(/^token_proxy_call_duration_seconds_count\{[^}]*\} 100$/m);
    expect(metrics).toMatch(/^token_proxy_build_info\{[^}]*\} 1$/m);
  });

  it("write one hash for one user", async () => {
    const { run, listen } = await start();
    await callMany(listen, 40);
    await expect.poll(() => servants(run).size).toBe(2);
    expect(
      new Set(
        lines(run)
          .filter(({ event }) => event === "call")
          .map(({ user }) => user),
      ).size,
    ).toBe(1);
    expect(run.stdout()).not.toContain(CALL.userid);
  });

  it("write whole lines, however many at once", async () => {
    const { run, listen } = await start();
    for (let i = 0; i < 10; i++) await callMany(listen, 100);
    await expect.poll(() => lines(run).filter(({ event }) => event === "call").length).toBe(1_000);
  });

  it("are replaced where one ends, and meanwhile the other one serves", async () => {
    const { run, listen, admin } = await start();
    await callMany(listen, 50);
    await expect.poll(() => servants(run).size).toBe(2);
    const [killed] = [...servants(run)];
    process.kill(killed as number, "SIGKILL");
    await run.said(new RegExp(`"pid":${killed},"signal":"SIGKILL".*process ended`));
    expect((await callMany(listen, 20)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
    await callMany(listen, 50);
    await expect.poll(() => servants(run).size).toBe(3);
  });

  it("end together at SIGTERM without failing a call, and no process is left", async () => {
    const { run, listen } = await start();
    await callMany(listen, 40);
    await expect.poll(() => servants(run).size).toBe(2);
    provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), 400);
    provider.requests.length = 0;
    const calls = callMany(listen, 20);
    await expect.poll(() => provider.requests.length).toBe(20);
    run.process.kill("SIGTERM");
    expect((await calls).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await run.exit()).toBe(0);
    expect(lines(run).at(-1)).toMatchObject({ event: "stopped", processes: 2, calls_cut_off: 0 });
    for (const pid of servants(run)) await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it("say together how many calls they cut off", async () => {
    await write({ shutdown_grace: "100ms" });
    const { run, listen } = await start();
    provider.answer = () => {};
    const calls = Promise.allSettled(Array.from({ length: 10 }, () => callGetToken(listen)));
    await expect.poll(() => provider.requests.length).toBe(10);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(lines(run).at(-1)).toMatchObject({ event: "stopped", calls_cut_off: 10 });
    await calls;
  });

  it("take another configuration together, or none of them", async () => {
    const { run, listen } = await start();
    const sent = () => new Set(provider.requests.map(({ body }) => new URLSearchParams(body).get("v")));
    const changed = { providers: { main: { ...config(), params: { v: "new" } } } };
    await write({}, { ...changed, routs: [] });
    run.process.kill("SIGHUP");
    await run.said(/not reloaded: the old configuration stays/);
    await callMany(listen, 20);
    expect(sent()).toEqual(new Set([null]));
    await write({}, changed);
    provider.requests.length = 0;
    run.process.kill("SIGHUP");
    await run.said(/(?:.*"event":"reloaded"[\s\S]*){2}/);
    await callMany(listen, 20);
    expect(sent()).toEqual(new Set(["new"]));
  });

  it("end where the one that speaks for them is killed", async () => {
    const { run, listen } = await start();
    await callMany(listen, 40);
    await expect.poll(() => servants(run).size).toBe(2);
    run.process.kill("SIGKILL");
    for (const pid of servants(run)) await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

it("a port that is in use is told once, with status 1", async () => {
  const port = await freePort();
  await write({ listen: `127.0.0.1:${port}`, processes: 1 });
  const holder = run();
  await holder.said(/"event":"started"/);
  await write({ listen: `127.0.0.1:${port}`, processes: 3 });
  const second = run();
  expect(await second.exit()).toBe(1);
  expect(second.stderr().match(/port is in use/g)).toHaveLength(1);
});

it("a faulty secret is told once, with status 2", async () => {
  await write({}, { callers: { ns: { apikeys: [{ env: "NOWHERE" }] } } });
  const faulty = run();
  expect(await faulty.exit()).toBe(2);
  expect(faulty.stderr().match(/NOWHERE/g)).toHaveLength(1);
});

beforeEach(() => write());

const config = () =>
  (fileConfig(provider.tokenEndpoint) as { providers: { main: Record<string, unknown> } }).providers.main;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

it("nothing that they have written holds a credential", async () => {
  const { run, listen } = await start();
  await callMany(listen, 10);
  for (const secret of [APIKEY, NONCE, SECRETS.CLIENT_SECRET])
    expect(run.stdout() + run.stderr()).not.toContain(secret);
});
