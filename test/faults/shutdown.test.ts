// Restarts and reloads under load, on Node: no admitted call fails, and a faulty new file changes nothing.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { request } from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { noticed } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { holdSocket } from "../support/port.ts";
import { type Run, runCli } from "../support/process.ts";
import { hold, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let folder: string;
const runs: Run[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
});
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
  provider.requests.length = 0;
  provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), 20);
});
afterEach(async () => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
  await rm(folder, { recursive: true, force: true });
});
afterAll(async () => {
  await provider?.close();
});

const write = (text: string | object) =>
  writeFile(join(folder, "token-proxy.yaml"), typeof text === "string" ? text : JSON.stringify(text));

/** Starts a process on the file that was written. @param socket a descriptor, passed on as systemd does */
async function start(socket?: number): Promise<Run> {
  const run = runCli([], { cwd: folder, env: SECRETS, ...(socket === undefined ? {} : { socket }) });
  runs.push(run);
  await run.said(/"event":"started"/);
  return run;
}

/** Eight clients that call all the time until they are stopped. */
function load(url: string, call: (url: string, client: number) => Promise<number> = callOnNewConnection) {
  /** By status, 0 for no answer. */
  const statuses: Record<number, number> = {};
  let answered = 0;
  let isStopped = false;
  const one = async (_: unknown, client: number) => {
    while (!isStopped) {
      const status = await call(url, client).catch(() => 0);
      statuses[status] = (statuses[status] ?? 0) + 1;
      answered += 1;
    }
  };
  const all = Promise.all(Array.from({ length: 8 }, one));
  return {
    /** Waits until so many more calls have been answered. */
    more(calls = 40): Promise<void> {
      const wanted = answered + calls;
      return expect.poll(() => answered).toBeGreaterThanOrEqual(wanted);
    },
    async stop() {
      isStopped = true;
      await all;
      return statuses;
    },
  };
}

function started(run: Run): { listen: string; admin: string } {
  const line = run
    .stdout()
    .split("\n")
    .find((text) => text.includes('"event":"started"'));
  return JSON.parse(line as string);
}

async function callOnNewConnection(url: string): Promise<number> {
  return (await callGetToken(url, { headers: { Connection: "close" } })).status;
}

describe("processes that share one socket", () => {
  it("are replaced one after the other under load without a failed call", async () => {
    const socket = await holdSocket();
    await write(fileConfig(provider.tokenEndpoint));
    const old = [await start(socket.fd), await start(socket.fd)];
    expect(old[0]?.stdout()).toContain(`"listen":"http://127.0.0.1:${socket.port}"`);
    const running = load(`http://127.0.0.1:${socket.port}`);
    await running.more();
    for (const run of old) {
      await start(socket.fd);
      run.process.kill("SIGTERM");
      expect(await run.exit()).toBe(0);
      await running.more();
    }
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    socket.close();
  });

  it("may be a single one: calls wait while it is restarted", async () => {
    const socket = await holdSocket();
    await write(fileConfig(provider.tokenEndpoint));
    const old = await start(socket.fd);
    const running = load(`http://127.0.0.1:${socket.port}`);
    await running.more();
    old.process.kill("SIGTERM");
    expect(await old.exit()).toBe(0);
    await start(socket.fd);
    await running.more();
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    socket.close();
  });

  it("go on while one of three restarts and another is killed: no call on the others fails", async () => {
    const socket = await holdSocket();
    const startOne = async (name: string) => {
      const file = { server: { ...SERVER, shutdown_delay: "2s" } };
      await write(fileConfig(provider.tokenEndpoint, { provider: { params: { name, client: "{{userid}}" } }, file }));
      return [name, await start(socket.fd)] as const;
    };
    const processes = new Map([await startOne("a"), await startOne("b"), await startOne("c")]);
    const agents = Array.from({ length: 24 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    const url = `http://127.0.0.1:${socket.port}`;
    const call = (client: number) =>
      callGetToken(url, { agent: agents[client] as Agent, body: { ...CALL, userid: `client-${client}` } });
    /** The process at the other end of a client's connection. */
    const processOf = (client: number) => {
      const asked = provider.requests.map(({ body }) => new URLSearchParams(body));
      return asked.findLast((form) => form.get("client") === `client-${client}`)?.get("name") as string;
    };
    for (const client of agents.keys()) expect((await call(client)).status).toBe(200);
    const [killed, ...others] = new Set([...agents.keys()].map(processOf));
    expect(others.length).toBeGreaterThan(0); // the kernel has spread 24 connections over more than one process
    const safe = [...agents.keys()].filter((client) => processOf(client) !== killed);

    let isStopped = false;
    const statuses: Promise<number[]>[] = safe.map(async (client) => {
      const own: number[] = [];
      while (!isStopped) own.push((await call(client)).status);
      return own;
    });
    processes.get(killed as string)?.process.kill("SIGKILL");
    await processes.get(killed as string)?.exit();
    const restarted = processes.get(others[0] as string);
    await startOne("d");
    restarted?.process.kill("SIGTERM");
    expect(await restarted?.exit()).toBe(0);
    for (const client of safe) expect((await call(client)).status).toBe(200);
    isStopped = true;
    expect(new Set((await Promise.all(statuses)).flat())).toEqual(new Set([200]));
    for (const agent of agents) agent.destroy();
    socket.close();
  });
});

describe("SIGTERM under load", () => {
  it("fails no call of clients that keep their connections open, as long as they heed that theirs ends", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_delay: "3s" } } }));
    const run = await start();
    const { listen, admin } = started(run);
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    let isBalanced = true; // a load balancer sends calls here, until it has noticed that /readyz says no
    let toldToClose = 0;
    const running = load(listen, async (url, client) => {
      if (!isBalanced) {
        await new Promise((done) => setTimeout(done, 10));
        return 200;
      }
      const answer = await callGetToken(url, { agent: agents[client] as Agent });
      if (answer.headers.connection === "close") toldToClose += 1;
      return answer.status;
    });
    await running.more();
    const idle = new Agent({ keepAlive: true, maxSockets: 1 });
    await callGetToken(listen, { agent: idle });
    const asked = performance.now();
    run.process.kill("SIGTERM");
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status, { interval: 10 }).toBe(503);
    // A connection that was idle when the signal came is taken too, and so is a new one.
    const answer = await callGetToken(listen, { agent: idle });
    expect([answer.status, answer.headers.connection]).toEqual([200, "close"]);
    expect(await callOnNewConnection(listen)).toBe(200);
    await expect.poll(() => toldToClose, { interval: 10 }).toBeGreaterThanOrEqual(8);
    isBalanced = false;
    expect(await run.exit()).toBe(0);
    expect(performance.now() - asked).toBeGreaterThan(3_000);
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    for (const agent of [...agents, idle]) agent.destroy();
  });

  it("takes no delay for SIGINT, which comes of a terminal", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_delay: "20s" } } }));
    const run = await start();
    run.process.kill("SIGINT");
    expect(await run.exit()).toBe(0);
    expect(run.stdout()).toContain('"delay_ms":0');
  });

  it.each([
    ["say nothing", ""],
    ["have sent half a request", "POST /getToken HTTP/1.1\r\nHost: a\r\n"],
    ["have sent a request before", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("does not wait for connections that %s", async (_what, bytes) => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_grace: "5m" } } }));
    const run = await start();
    const socket = net.connect(Number(new URL(started(run).listen).port), "127.0.0.1");
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.write(bytes);
    await noticed({ adminUrl: started(run).admin });
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(run.stdout()).toContain('"calls_cut_off":0');
  });

  it("finishes a call in flight under TLS too", async () => {
    const authority = await makeAuthority();
    const { certificate, private_key } = await authority.issue("localhost", { ips: ["127.0.0.1"] });
    const tls = { certificate: { env: "CERTIFICATE" }, private_key: { env: "TLS_KEY" } };
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_grace: "5m", tls } } }));
    const run = runCli([], { cwd: folder, env: { ...SECRETS, CERTIFICATE: certificate, TLS_KEY: private_key } });
    runs.push(run);
    await run.said(/"event":"started"/);
    const release = hold(provider);
    const { port } = new URL(started(run).listen);
    const idle = connect({ host: "127.0.0.1", port: Number(port), ca: authority.certificate });
    await once(idle, "secureConnect");
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const headers = { "X-apikey": APIKEY, "X-nonce": NONCE, "Content-Type": "application/json" };
      request(
        { host: "127.0.0.1", port, path: "/getToken", method: "POST", headers, ca: authority.certificate },
        (incoming) => resolve(incoming.resume().statusCode),
      )
        .on("error", reject)
        .end(JSON.stringify(CALL));
    });
    await expect.poll(() => provider.requests.length).toBe(1);
    run.process.kill("SIGTERM");
    await run.said(/shutting down/);
    release();
    expect(await answered).toBe(200);
    expect(await run.exit()).toBe(0); // and the silent connection was not waited for
  });

  it("ends within the delay at the second signal", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_delay: "20s" } } }));
    const run = await start();
    run.process.kill("SIGTERM");
    await run.said(/shutting down/);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(run.stdout()).toContain('"calls_cut_off":0');
  });

  it("fails no call that was let in, turns readiness first, and ends with 0 within the grace", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: SERVER } }));
    const run = await start();
    const { listen, admin } = started(run);
    const release = hold(provider);
    const calls = Array.from({ length: 20 }, () => callGetToken(listen));
    await expect.poll(() => provider.requests.length).toBe(20);
    run.process.kill("SIGTERM");
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status, { interval: 10 }).toBe(503);
    await expect(callGetToken(listen)).rejects.toThrow();
    release();
    expect((await Promise.all(calls)).map(({ status }) => status)).toEqual(Array(20).fill(200));
    expect(await run.exit()).toBe(0);
    expect(run.stdout()).toContain('"calls_cut_off":0');
  });

  it("ends with 1 and the count of calls that were cut off where the grace is over", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, shutdown_grace: "200ms" } } }));
    const run = await start();
    provider.answer = () => {};
    const calls = Array.from({ length: 5 }, () => callGetToken(started(run).listen).catch(() => "cut off"));
    await expect.poll(() => provider.requests.length).toBe(5);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(await Promise.all(calls)).toEqual(Array(5).fill("cut off"));
    expect(run.stdout()).toContain('"calls_cut_off":5');
  });

  it("ends with 1 and the count at the second signal", async () => {
    await write(fileConfig(provider.tokenEndpoint, { file: { server: SERVER } }));
    const run = await start();
    provider.answer = () => {};
    const calls = Array.from({ length: 3 }, () => callGetToken(started(run).listen).catch(() => "cut off"));
    await expect.poll(() => provider.requests.length).toBe(3);
    run.process.kill("SIGTERM");
    await run.said(/shutting down/);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(await Promise.all(calls)).toEqual(Array(3).fill("cut off"));
    expect(run.stdout()).toContain('"calls_cut_off":3');
  });
});

describe("SIGHUP", () => {
  const config = (params: object, file: object = {}) =>
    fileConfig(provider.tokenEndpoint, { provider: { params }, file: { server: SERVER, ...file } });
  const sent = () => provider.requests.map(({ body }) => new URLSearchParams(body).get("v"));

  it("takes another file for calls to come, while those in flight end on the old one", async () => {
    await write(config({ v: "old" }));
    const run = await start();
    const release = hold(provider);
    const before = callGetToken(started(run).listen);
    await expect.poll(sent).toEqual(["old"]);
    await write(config({ v: "new" }));
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    provider.answer = token();
    expect((await callGetToken(started(run).listen)).status).toBe(200);
    release();
    expect((await before).status).toBe(200);
    expect(sent()).toEqual(["old", "new"]);
  });

  it("fails no call under load, however often it comes", async () => {
    await write(config({ v: "1" }));
    const run = await start();
    const running = load(started(run).listen);
    await running.more();
    for (let i = 2; i < 6; i++) {
      await write(config({ v: String(i) }));
      run.process.kill("SIGHUP");
      await run.said(new RegExp(`(?:"event":"reloaded"[\\s\\S]*){${i - 1}}`));
      await running.more(10);
    }
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    expect(new Set(sent())).toEqual(new Set(["1", "2", "3", "4", "5"]));
  });

  it.each<[string, () => unknown, RegExp]>([
    ["a misspelt key", () => write(config({ v: "new" }, { routs: [] })), /routs/],
    ["text that is no YAML", () => write("version: [1"), /YAML/],
    ["a secret that is not there", () => write(config({ v: { env: "NOWHERE" } })), /NOWHERE/],
    ["no file", () => rm(join(folder, "token-proxy.yaml")), /token-proxy\.yaml/],
  ])("changes nothing for %s, and says why", async (_what, change, reason) => {
    await write(config({ v: "old" }));
    const run = await start();
    await change();
    run.process.kill("SIGHUP");
    const [line] = await run.said(/.*not reloaded: the old configuration stays.*/);
    expect(JSON.parse(line)).toMatchObject({ level: "error", reason: expect.stringMatching(reason) });
    expect((await callGetToken(started(run).listen)).status).toBe(200);
    expect(sent()).toEqual(["old"]);
    await write(config({ v: "new" }));
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    expect((await callGetToken(started(run).listen)).status).toBe(200);
    expect(sent()).toEqual(["old", "new"]);
  });

  it("reads secrets from files anew", async () => {
    const apikey = join(folder, "apikey");
    await writeFile(apikey, "the-first-apikey-0123456789");
    await write(config({}, { callers: { ns: { apikeys: [{ file: "apikey" }] } } }));
    const run = await start();
    const statusOf = async (key: string) =>
      (await callGetToken(started(run).listen, { headers: { "X-apikey": key } })).status;
    await writeFile(apikey, "the-second-apikey-0123456789");
    expect(await statusOf("the-second-apikey-0123456789")).toBe(401);
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    expect(await statusOf("the-second-apikey-0123456789")).toBe(200);
    expect(await statusOf("the-first-apikey-0123456789")).toBe(401);
  });

  it("serves another certificate to new connections", async () => {
    const authority = await makeAuthority();
    const issue = async (name: string) => {
      const { certificate, private_key } = await authority.issue(name, { ips: ["127.0.0.1"] });
      await writeFile(join(folder, "certificate.pem"), certificate);
      await writeFile(join(folder, "key.pem"), private_key);
    };
    await issue("first");
    const tls = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" } };
    await write(config({}, { server: { ...SERVER, tls } }));
    const run = await start();
    const nameServed = async () => {
      const socket = connect({
        host: "127.0.0.1",
        port: Number(new URL(started(run).listen).port),
        ca: authority.certificate,
      });
      await once(socket, "secureConnect");
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    expect(await nameServed()).toBe("first");
    await issue("second");
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    expect(await nameServed()).toBe("second");
  });

  it("says what needs a restart", async () => {
    await write(config({}));
    const run = await start();
    await write(config({}, { server: { listen: "127.0.0.1:1", admin: "127.0.0.1:2" } }));
    run.process.kill("SIGHUP");
    await run.said(/"event":"reloaded"/);
    for (const key of ["server.listen", "server.admin"]) await run.said(new RegExp(`"key":"${key}".*needs a restart`));
    expect((await callGetToken(started(run).listen)).status).toBe(200);
  });
});
