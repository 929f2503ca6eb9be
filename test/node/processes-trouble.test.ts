// What goes wrong with several processes: one that hangs or never starts, a file that changes meanwhile, signals at any time.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { constants } from "node:os";
import { describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { providerConfig } from "../support/config.ts";
import { freePort, holdSocket } from "../support/port.ts";
import type { Run } from "../support/process.ts";
import { callMany, isAlive, lines, metric, ready, servants, useProcesses } from "../support/processes.ts";

const service = useProcesses();
const wait = (ms: number) => new Promise((done) => setTimeout(done, ms));

const withParams = (params: object) => ({
  providers: { main: providerConfig(service.provider.tokenEndpoint, { params }) },
});
const sent = () => new Set(service.provider.requests.map(({ body }) => new URLSearchParams(body).get("v")));
const RELOAD_SUCCESSFUL = /^token_proxy_config_last_reload_successful (\d)$/m;

describe("a process that replaces another one", () => {
  it("goes by the configuration that was taken, not by what has become of the file", async () => {
    await service.write({ listen: `127.0.0.1:${await freePort()}` }, withParams({ v: "taken" }));
    const { run, listen, admin } = await service.start();
    await service.write({ listen: "127.0.0.1:1" }, { ...withParams({ v: "not taken" }), routs: [] });
    for (const pid of servants(run)) process.kill(pid, "SIGKILL");
    await expect.poll(() => servants(run).length, { timeout: 10_000 }).toBe(4);
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 5_000 }).toBe(2);
    expect((await callMany(listen, 20)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(sent()).toEqual(new Set(["taken"]));
  });

  it("learns of a reload that came while it started", async () => {
    await service.write({}, withParams({ v: "old" }));
    const { run, listen, admin } = await service.start();
    process.kill(servants(run)[0] as number, "SIGKILL");
    await run.said(/process ended/);
    await service.write({}, withParams({ v: "new" }));
    for (let i = 0; i < 20; i++) {
      run.process.kill("SIGHUP"); // whenever it gets that far, some of them come before and some after
      await wait(50);
    }
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
    await wait(500);
    service.provider.requests.length = 0;
    await callMany(listen, 40);
    expect(sent()).toEqual(new Set(["new"]));
  });
});

describe("a reload that is refused", () => {
  it("is told by metrics and status page, also of a process that starts later, until one is taken", async () => {
    const { run, admin } = await service.start();
    await service.write({}, { routs: [] });
    run.process.kill("SIGHUP");
    await run.said(/not reloaded/);
    await expect.poll(() => metric(admin, RELOAD_SUCCESSFUL)).toBe(0);
    expect(await (await fetch(admin)).text()).toContain("routs");
    for (const pid of servants(run)) process.kill(pid, "SIGKILL");
    await expect.poll(() => servants(run).length, { timeout: 10_000 }).toBe(4);
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 5_000 }).toBe(2);
    expect(await metric(admin, RELOAD_SUCCESSFUL)).toBe(0);
    await service.write();
    run.process.kill("SIGHUP");
    await expect.poll(() => metric(admin, RELOAD_SUCCESSFUL)).toBe(1);
  });
});

describe("a process that hangs", () => {
  it("holds up neither a shutdown nor what is told of the others, and does not outlive it", async () => {
    await service.write({ shutdown_grace: "500ms" });
    const { run, admin } = await service.start();
    const [hung] = servants(run) as [number];
    process.kill(hung, "SIGSTOP");
    expect((await ready(admin)).processes).toBe(1);
    const asked = performance.now();
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(performance.now() - asked).toBeLessThan(6_000);
    expect(lines(run).at(-1)).toMatchObject({ event: "stopped", processes_lost: 1 });
    await expect.poll(() => isAlive(hung), { timeout: 5_000 }).toBe(false);
  });

  it("is replaced", { timeout: 60_000 }, async () => {
    const { run, admin } = await service.start();
    const [hung] = servants(run) as [number];
    process.kill(hung, "SIGSTOP");
    await expect.poll(() => isAlive(hung), { timeout: 30_000 }).toBe(false);
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
  });
});

describe("a process that ends or hangs while it starts", () => {
  it("is replaced, where it had said that it serves, although the others are not there yet", async () => {
    const run = service.run();
    await run.said(/"event":"started"/);
    process.kill(servants(run)[0] as number, "SIGKILL");
    const [, admin = ""] = await run.said(/"admin":"([^"]+)"/);
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
  });

  it("ends the start with a word, where it is the first one", async () => {
    const run = service.run();
    const children = () =>
      spawnSync("pgrep", ["-P", String(run.process.pid)], { encoding: "utf8" })
        .stdout.split("\n")
        .filter(Boolean);
    await expect.poll(children, { timeout: 5_000, interval: 5 }).toHaveLength(1);
    process.kill(Number(children()[0]), "SIGKILL");
    expect(await run.exit()).toBe(1);
    expect(run.stderr()).toContain("a process was ended while it started");
  });
});

describe("two reloads while a process starts", () => {
  it("leave it with the later one", async () => {
    const slow = createServer(() => {}); // a provider whose discovery never ends, so that this reload takes its time
    await new Promise<void>((done) => slow.listen(0, "127.0.0.1", done));
    const issuer = `http://127.0.0.1:${(slow.address() as { port: number }).port}`;
    const { run, listen, admin } = await service.start();
    process.kill(servants(run)[0] as number, "SIGKILL");
    await run.said(/process ended/);
    await wait(200); // its successor has begun by now, and does not serve yet
    await service.write(
      {},
      {
        providers: { main: providerConfig("", { token_endpoint: undefined, issuer, params: { v: "slow" } }) },
      },
    );
    run.process.kill("SIGHUP");
    await expect.poll(() => servants(run).length, { timeout: 10_000, interval: 5 }).toBe(3);
    await service.write({}, withParams({ v: "last" }));
    run.process.kill("SIGHUP");
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
    await expect
      .poll(() => run.stdout().match(/"event":"reloaded"/g)?.length ?? 0, { timeout: 15_000 })
      .toBeGreaterThan(2);
    await wait(3_000);
    service.provider.requests.length = 0;
    expect((await callMany(listen, 40)).map(({ status }) => status)).toEqual(Array(40).fill(200));
    expect(sent()).toEqual(new Set(["last"]));
    slow.close();
  });
});

describe("counts", () => {
  const CALLS = /^token_proxy_calls_total\{[^}]*outcome="token"[^}]*\} (\d+)$/m;

  it("never go down: of a process that does not answer, or has ended, what it had counted stays", async () => {
    const { run, listen, admin } = await service.start();
    await callMany(listen, 50);
    expect(await metric(admin, CALLS)).toBe(50);
    const [first, second] = servants(run) as [number, number];
    process.kill(first, "SIGSTOP");
    expect(await metric(admin, CALLS)).toBe(50);
    process.kill(first, "SIGCONT");
    process.kill(second, "SIGKILL");
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
    expect(await metric(admin, CALLS)).toBe(50);
    await callMany(listen, 50);
    expect(await metric(admin, CALLS)).toBe(100);
    expect(await metric(admin, /^token_proxy_process_ends_total (\d+)$/m)).toBe(1);
    expect(await metric(admin, /^token_proxy_processes (\d+)$/m)).toBe(2);
    expect(await metric(admin, /^token_proxy_processes_wanted (\d+)$/m)).toBe(2);
    expect(await metric(admin, /^process_start_time_seconds (\d+)$/m)).toBeGreaterThan(Date.now() / 1000 - 60);
  });

  it.skipIf(spawnSync("promtool", ["--version"]).status !== 0).each([1, 2])(
    "and all others of %d processes are named as Prometheus wants it",
    async (processes) => {
      await service.write({ processes });
      const run = service.run();
      const [, admin] = await run.said(/"admin":"([^"]+)"/);
      const text = await (await fetch(`${admin}/metrics`)).text();
      expect(spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" })).toMatchObject({
        status: 0,
        stderr: "",
      });
    },
  );
});

describe("a start that fails half-way", () => {
  it("ends with 1 where the admin port is in use, and leaves nothing", async () => {
    const holder = createServer();
    await new Promise<void>((done) => holder.listen(0, "127.0.0.1", done));
    const { port } = holder.address() as { port: number };
    await service.write({ admin: `127.0.0.1:${port}` });
    const run = service.run();
    expect(await run.exit()).toBe(1);
    expect(run.stderr()).toContain('Its key in the file is "server.admin"');
    expect(servants(run)).toEqual([]);
    holder.close();
  });
});

describe.skipIf(!existsSync("/proc/self/status"))("a signal during the start", () => {
  /** Waits until the process has a handler of its own for the signal: before Node runs any of our code, nothing can be done. */
  const handles = ({ process: { pid } }: Run, signal: number) =>
    expect
      .poll(
        () => {
          const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
          return (BigInt(`0x${caught}`) >> BigInt(signal - 1)) & 1n;
        },
        { interval: 1 },
      )
      .toBe(1n);

  it.each([1, 2])("SIGHUP ends nothing, and SIGTERM ends it in silence: %d process(es)", async (processes) => {
    await service.write({ processes });
    for (const delay of [0, 50, 150]) {
      const run = service.run();
      await handles(run, constants.signals.SIGHUP);
      await wait(delay);
      run.process.kill("SIGHUP");
      await run.said(/"admin":/);
      expect(run.process.exitCode).toBeNull();
      run.process.kill("SIGKILL");
    }
    for (const delay of [0, 100, 200, 300]) {
      const run = service.run();
      await handles(run, constants.signals.SIGHUP);
      await wait(delay);
      run.process.kill("SIGTERM");
      expect([0, null]).toContain(await run.exit()); // null by the signal itself, while only a few lines have run
      expect(run.stderr()).toBe("");
    }
  });
});

describe("a socket that was passed to the first process", () => {
  it("is shared by the others, and where the last of them ends, the service ends, to be started anew", async () => {
    const { fd, port, close } = await holdSocket();
    const { run } = await service.start({ socket: fd });
    const url = `http://127.0.0.1:${port}`;
    expect((await callMany(url, 10)).map(({ status }) => status)).toEqual(Array(10).fill(200));
    for (const pid of servants(run)) process.kill(pid, "SIGKILL");
    expect(await run.exit()).toBe(1);
    expect(run.stdout()).toContain("no process is left");
    const next = await service.start({ socket: fd });
    expect((await callGetToken(url)).status).toBe(200);
    next.run.process.kill("SIGKILL");
    close();
  });
});
