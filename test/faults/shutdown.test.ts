// Restarts and shutdowns under load, on Node: no accepted call fails.

import { once } from "node:events";
import { Agent } from "node:http";
import { request } from "node:https";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { beforeEach, describe, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { SECRETS } from "../support/config.ts";
import { noticed } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";
import { load } from "../support/load.ts";
import { holdSocket } from "../support/port.ts";
import { hold, token } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const service = useService();
beforeEach(() => {
  service.provider.answer = (socket, request) => void setTimeout(() => token()(socket, request), 20);
});

const statusOf = async (url: string) => (await fetch(`${url}/readyz`)).status;

describe("instances on one inherited socket", () => {
  it.each([1, 2])("are restarted one after the other without a failed call: %d", async (count) => {
    const socket = await holdSocket();
    await service.configure();
    const old = await Promise.all(Array.from({ length: count }, () => service.start({ socket: socket.fd })));
    expect(old[0]?.listen).toBe(`http://127.0.0.1:${socket.port}`);
    const running = load(`http://127.0.0.1:${socket.port}`);
    await running.more();
    for (const run of old) {
      run.process.kill("SIGTERM");
      expect(await run.exit()).toBe(0);
      await service.start({ socket: socket.fd }); // a single instance lets calls wait meanwhile
      await running.more();
    }
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    socket.close();
  });

  it("go on while one of three restarts and another is killed: no call on the others fails", async () => {
    const socket = await holdSocket();
    const startOne = async (name: string) => {
      const main = { params: { name, client: "{{userid}}" } };
      await service.configure({ main, server: { shutdown_delay: "2s" } });
      return [name, await service.start({ socket: socket.fd })] as const;
    };
    const instances = new Map([await startOne("a"), await startOne("b"), await startOne("c")]);
    const agents: Agent[] = [];
    const url = `http://127.0.0.1:${socket.port}`;
    const call = (client: number) =>
      callGetToken(url, { agent: agents[client] as Agent, body: { ...CALL, userid: `client-${client}` } });
    /** The instance at the other end of a client's connection. */
    const instanceOf = (client: number) => {
      const forms = service.provider.requests.map(({ body }) => new URLSearchParams(body));
      return forms.findLast((form) => form.get("client") === `client-${client}`)?.get("name") as string;
    };
    const connected = () => [...new Set([...agents.keys()].map(instanceOf))].map((name) => instances.get(name));
    // The kernel spreads connections over the instances, but perhaps not the first ones.
    while (connected().length < 2) {
      const more = Array.from({ length: 24 }, () => agents.push(new Agent({ keepAlive: true, maxSockets: 1 })) - 1);
      for (const { status } of await Promise.all(more.map(call))) expect(status).toBe(200);
    }
    const [killed, restarted] = connected() as [Running, Running];
    const safe = [...agents.keys()].filter((client) => instances.get(instanceOf(client)) !== killed);

    let isStopped = false;
    const statuses: Promise<number[]>[] = safe.map(async (client) => {
      const own: number[] = [];
      for (; !isStopped; await sleep(20)) own.push((await call(client)).status);
      return own;
    });
    killed.process.kill("SIGKILL");
    await killed.exit();
    await startOne("d");
    restarted.process.kill("SIGTERM");
    expect(await restarted.exit()).toBe(0);
    for (const client of safe) expect((await call(client)).status).toBe(200);
    isStopped = true;
    expect(new Set((await Promise.all(statuses)).flat())).toEqual(new Set([200]));
    for (const agent of agents) agent.destroy();
    socket.close();
  });

  it("do not start on a Unix socket, and the message says what to do", async () => {
    await service.configure();
    const server = createServer().listen(join(service.folder, "passed.sock"));
    await once(server, "listening");
    const { fd } = (server as unknown as { _handle: { fd: number } })._handle;
    const run = service.run([], { env: SECRETS, socket: fd });
    expect(await run.exit()).toBe(1);
    expect(run.stderr()).toContain(
      "it is not a TCP socket. Set ListenStream= of the socket unit to an address and a port.",
    );
    server.close();
  });
});

describe("SIGTERM", () => {
  it("fails no call of clients with open connections, and tells them to close these", async () => {
    await service.configure({ server: { shutdown_delay: "3s" } });
    const run = await service.start();
    const agents = Array.from({ length: 8 }, () => new Agent({ keepAlive: true, maxSockets: 1 }));
    let isBalanced = true; // the load balancer still sends calls here
    let closing = 0;
    const running = load(run.listen, async (url, client) => {
      if (!isBalanced) return 200;
      const answer = await callGetToken(url, { agent: agents[client] as Agent });
      if (answer.headers.connection === "close") closing += 1;
      return answer.status;
    });
    await running.more();
    const idle = new Agent({ keepAlive: true, maxSockets: 1 });
    await callGetToken(run.listen, { agent: idle });
    const asked = performance.now();
    run.process.kill("SIGTERM");
    await expect.poll(() => statusOf(run.admin), { interval: 10 }).toBe(503);
    // Idle connections and new ones are still served.
    for (const agent of [idle, new Agent()]) {
      const answer = await callGetToken(run.listen, { agent });
      expect([answer.status, answer.headers.connection]).toEqual([200, "close"]);
    }
    await expect.poll(() => closing, { interval: 10 }).toBeGreaterThanOrEqual(8);
    isBalanced = false;
    expect(await run.exit()).toBe(0);
    expect(performance.now() - asked).toBeGreaterThan(3_000);
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    for (const agent of [...agents, idle]) agent.destroy();
  });

  it("without a delay refuses connections, finishes the calls in flight and ends with 0", async () => {
    await service.configure();
    const run = await service.start();
    const release = hold(service.provider);
    const calls = Array.from({ length: 20 }, () => callGetToken(run.listen));
    await expect.poll(() => service.provider.requests.length).toBe(20);
    run.process.kill("SIGTERM");
    await expect.poll(() => statusOf(run.admin), { interval: 10 }).toBe(503);
    await expect(callGetToken(run.listen)).rejects.toThrow("ECONNREFUSED");
    release();
    for (const { status, headers } of await Promise.all(calls)) {
      expect([status, headers.connection]).toEqual([200, "close"]);
    }
    expect(await run.exit()).toBe(0);
    expect(run.lines("stopped")).toMatchObject([{ calls_cut_off: 0 }]);
  });

  it.each([
    ["at the end of the grace", { shutdown_grace: "200ms" }],
    ["at a second signal", { shutdown_delay: "1m" }],
  ])("cuts off the calls in flight %s, logs their number and ends with 1", async (_, server) => {
    await service.configure({ server });
    const run = await service.start();
    service.provider.answer = () => {};
    const calls = Array.from({ length: 5 }, () => callGetToken(run.listen).catch(() => "cut off"));
    await expect.poll(() => service.provider.requests.length).toBe(5);
    run.process.kill("SIGTERM");
    await run.said(/shutting down/);
    if ("shutdown_delay" in server) run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(1);
    expect(await Promise.all(calls)).toEqual(Array(5).fill("cut off"));
    expect(run.lines("stopped")).toMatchObject([{ calls_cut_off: 5 }]);
  });

  it.each([
    ["is silent", ""],
    ["has sent half a request", "POST /getToken HTTP/1.1\r\nHost: a\r\n"],
    ["has sent a request before", "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n"],
  ])("does not wait for a connection that %s", async (_, bytes) => {
    await service.configure({ server: { shutdown_grace: "5m" } });
    const run = await service.start();
    const socket = connect(Number(new URL(run.listen).port), "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    socket.write(bytes);
    await noticed({ adminUrl: run.admin });
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(run.lines("stopped")).toMatchObject([{ calls_cut_off: 0 }]);
  });

  it("finishes a call in flight over TLS, and does not wait for a silent connection", async () => {
    const authority = await makeAuthority();
    const { certificate, private_key } = await authority.issue("localhost", { ips: ["127.0.0.1"] });
    const tls = { certificate: { env: "CERTIFICATE" }, private_key: { env: "TLS_KEY" } };
    await service.configure({ server: { shutdown_grace: "5m", tls } });
    const run = await service.start({ env: { CERTIFICATE: certificate, TLS_KEY: private_key } });
    const release = hold(service.provider);
    const { port } = new URL(run.listen);
    const to = { host: "127.0.0.1", port: Number(port), ca: authority.certificate };
    await once(connectTls(to), "secureConnect");
    const headers = { "X-apikey": APIKEY, "X-nonce": NONCE, "Content-Type": "application/json" };
    const sent = request({ ...to, path: "/getToken", method: "POST", headers }).end(JSON.stringify(CALL));
    await expect.poll(() => service.provider.requests.length).toBe(1);
    run.process.kill("SIGTERM");
    await run.said(/shutting down/);
    const answered = once(sent, "response");
    release();
    expect((await answered)[0].resume().statusCode).toBe(200);
    expect(await run.exit()).toBe(0);
  });
});

it("SIGINT, which comes from a terminal, skips the delay", async () => {
  await service.configure({ server: { shutdown_delay: "20s" } });
  const run = await service.start();
  run.process.kill("SIGINT");
  expect(await run.exit()).toBe(0);
  expect(run.lines("shutting down")).toMatchObject([{ delay_ms: 0 }]);
});
