// Several processes on one port: they serve together, one that ends is replaced, and one speaks for all of them.

import { describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { callers, callMany, isAlive, lines, ready, useProcesses } from "../support/processes.ts";
import { token } from "../support/recording-provider.ts";

const service = useProcesses();

describe("two processes", () => {
  it("share the calls, and are told of together", async () => {
    const { run, listen, admin } = await service.start();
    const answers = await callMany(listen, 100);
    expect(answers.map(({ status }) => status)).toEqual(Array(100).fill(200));
    await expect.poll(() => callers(run).size).toBe(2);
    expect(await ready(admin)).toMatchObject({ status: "ready", processes: 2 });
    const metrics = await (await fetch(`${admin}/metrics`)).text();
    expect(metrics).toMatch(/^token_proxy_calls_total\{[^}]*outcome="token"[^}]*\} 100$/m);
    expect(metrics).toMatch(/^token_proxy_call_duration_seconds_count\{[^}]*\} 100$/m);
    expect(metrics).toMatch(/^token_proxy_build_info\{[^}]*\} 1$/m);
  });

  it("write one hash for one user", async () => {
    const { run, listen } = await service.start();
    await callMany(listen, 40);
    await expect.poll(() => callers(run).size).toBe(2);
    expect(
      new Set(
        lines(run)
          .filter(({ event }) => event === "call")
          .map(({ user }) => user),
      ).size,
    ).toBe(1);
    expect(run.stdout()).not.toContain(CALL.userid);
  });

  it("write whole lines, however many at once and in whatever script", async () => {
    await service.write({}, { log: { identities: "plain" } });
    const { run, listen } = await service.start();
    const body = { ...CALL, userid: "用户".repeat(100) };
    const callers = Array.from({ length: 100 });
    for (let i = 0; i < 10; i++) {
      await Promise.all(callers.map(() => callGetToken(listen, { body, headers: { Connection: "close" } })));
    }
    await expect.poll(() => lines(run).filter(({ event }) => event === "call").length).toBe(1_000);
  });

  it("are replaced where one ends, and meanwhile the other one serves", async () => {
    const { run, listen, admin } = await service.start();
    await callMany(listen, 50);
    await expect.poll(() => callers(run).size).toBe(2);
    const [killed] = [...callers(run)];
    process.kill(killed as number, "SIGKILL");
    await run.said(new RegExp(`"pid":${killed},"signal":"SIGKILL".*process ended`));
    expect((await callMany(listen, 20)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    await expect.poll(async () => (await ready(admin)).processes, { timeout: 10_000 }).toBe(2);
    await callMany(listen, 50);
    await expect.poll(() => callers(run).size).toBe(3);
  });

  it("end together at SIGTERM without failing a call, and no process is left", async () => {
    const { run, listen } = await service.start();
    await callMany(listen, 40);
    await expect.poll(() => callers(run).size).toBe(2);
    service.provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), 400);
    service.provider.requests.length = 0;
    const calls = callMany(listen, 20);
    await expect.poll(() => service.provider.requests.length).toBe(20);
    run.process.kill("SIGTERM");
    expect((await calls).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await run.exit()).toBe(0);
    expect(lines(run).at(-1)).toMatchObject({ event: "stopped", processes: 2, calls_cut_off: 0 });
    for (const pid of callers(run)) await expect.poll(() => isAlive(pid), { timeout: 10_000 }).toBe(false);
  });

  it("say together how many calls they cut off", async () => {
    await service.write({ shutdown_grace: "100ms" });
    const { run, listen } = await service.start();
    service.provider.answer = () => {};
    const calls = Promise.allSettled(Array.from({ length: 10 }, () => callGetToken(listen)));
    await expect.poll(() => service.provider.requests.length).toBe(10);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(lines(run).at(-1)).toMatchObject({ event: "stopped", calls_cut_off: 10 });
    await calls;
  });

  it("take another configuration together, or none of them", async () => {
    const { run, listen } = await service.start();
    const sent = () => new Set(service.provider.requests.map(({ body }) => new URLSearchParams(body).get("v")));
    const changed = { providers: { main: { ...config(), params: { v: "new" } } } };
    await service.write({}, { ...changed, routs: [] });
    run.process.kill("SIGHUP");
    await run.said(/not reloaded: the old configuration stays/);
    await callMany(listen, 20);
    expect(sent()).toEqual(new Set([null]));
    await service.write({}, changed);
    service.provider.requests.length = 0;
    run.process.kill("SIGHUP");
    await run.said(/(?:.*"event":"reloaded"[\s\S]*){2}/);
    await callMany(listen, 20);
    expect(sent()).toEqual(new Set(["new"]));
  });

  it("end where the one that speaks for them is killed", async () => {
    const { run, listen } = await service.start();
    await callMany(listen, 40);
    await expect.poll(() => callers(run).size).toBe(2);
    run.process.kill("SIGKILL");
    for (const pid of callers(run)) await expect.poll(() => isAlive(pid), { timeout: 5_000 }).toBe(false);
  });
});

it("a port that is in use is told once, with status 1", async () => {
  const port = await freePort();
  await service.write({ listen: `127.0.0.1:${port}`, processes: 1 });
  const holder = service.run();
  await holder.said(/"event":"started"/);
  await service.write({ listen: `127.0.0.1:${port}`, processes: 3 });
  const second = service.run();
  expect(await second.exit()).toBe(1);
  expect(second.stderr().match(/port is in use/g)).toHaveLength(1);
});

it("a faulty secret is told once, with status 2", async () => {
  await service.write({}, { callers: { ns: { apikeys: [{ env: "NOWHERE" }] } } });
  const faulty = service.run();
  expect(await faulty.exit()).toBe(2);
  expect(faulty.stderr().match(/NOWHERE/g)).toHaveLength(1);
});

const config = () =>
  (fileConfig(service.provider.tokenEndpoint) as { providers: { main: Record<string, unknown> } }).providers.main;

it("nothing that they have written holds a credential", async () => {
  const { run, listen } = await service.start();
  await callMany(listen, 10);
  for (const secret of [APIKEY, NONCE, SECRETS.CLIENT_SECRET])
    expect(run.stdout() + run.stderr()).not.toContain(secret);
});
