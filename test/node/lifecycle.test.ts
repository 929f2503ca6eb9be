// The process as an operator sees it: start, readiness, shutdown, exit status.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS, SERVER } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { type Run, runCli } from "../support/process.ts";
import { exchange } from "../support/raw-call.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let folder: string;
const runs: Run[] = [];
const hosts: Host[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  folder = await mkdtemp(join(tmpdir(), "token-proxy-test-"));
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
});
afterEach(async () => {
  for (const run of runs.splice(0)) run.process.kill("SIGKILL");
  for (const host of hosts.splice(0)) await host.close();
});
afterAll(async () => {
  await provider?.close();
  await rm(folder, { recursive: true, force: true });
});

function run(args: string[], options?: Parameters<typeof runCli>[1]): Run {
  const started = runCli(args, { cwd: folder, ...options });
  runs.push(started);
  return started;
}

async function start(changes: Parameters<typeof fileConfig>[1] = {}): Promise<Host> {
  const host = await startHost(fileConfig(provider.tokenEndpoint, changes), SECRETS, { runtime: "node" });
  hosts.push(host);
  return host;
}

async function write(name: string, file: object | string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof file === "string" ? file : JSON.stringify(file));
  return path;
}

async function readyz(host: Host): Promise<{ status: number; body: Record<string, unknown> }> {
  const response = await fetch(`${host.adminUrl}/readyz`);
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

describe("start", () => {
  it("exits with 2 and lists every fault of the file with its place", async () => {
    const path = await write(
      "faulty.yaml",
      "version: 1\ncallers:\n  ns: { apikey: x }\nproviders:\n  main: { client_id: a }\n",
    );
    const faulty = run(["start", "--config", path]);
    expect(await faulty.exit()).toBe(2);
    expect(faulty.stderr()).toContain(
      `${path}:3:7 "callers.ns" needs apikeys, client_certificates or both; otherwise anyone could call`,
    );
    expect(faulty.stderr()).toContain(`${path}:3:9 "callers.ns.apikey" unknown key; did you mean "apikeys"?`);
    expect(faulty.stderr()).toContain(`${path}:5:9 "providers.main.grant_type" is missing`);
    expect(faulty.stderr()).toContain("3 faults in the configuration");
    expect(faulty.stdout()).toBe("");
  });

  it("exits with 2 when a secret is missing, and names its place and the variable", async () => {
    const path = await write("no-secret.yaml", fileConfig(provider.tokenEndpoint));
    const started = run(["--config", path], { env: { APIKEY } });
    expect(await started.exit()).toBe(2);
    expect(started.stderr()).toContain(
      '"providers.main.client_secret" names the environment variable CLIENT_SECRET, which is not set: set it, or put it into a file for --env-file',
    );
  });

  it("exits with 2 when the file cannot be read", async () => {
    const started = run(["--config", "nowhere.yaml"]);
    expect(await started.exit()).toBe(2);
    expect(started.stderr()).toContain("cannot read the configuration file nowhere.yaml (ENOENT)");
  });

  it("exits with 2 for an unknown option, and with 0 after the help", async () => {
    const unknown = run(["--confg", "x"]);
    expect(await unknown.exit()).toBe(2);
    expect(unknown.stderr()).toContain("unknown option '--confg'");
    const help = run(["--help"]);
    expect(await help.exit()).toBe(0);
    expect(help.stdout()).toContain("start");
  });

  it.each(["listen", "admin"])("exits with 1 when the port of %s is in use, and names the key", async (key) => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
    const file = { server: { ...SERVER, [key]: address } };
    const path = await write("taken.yaml", fileConfig(provider.tokenEndpoint, { file }));
    const started = run(["--config", path], { env: SECRETS });
    expect(await started.exit()).toBe(1);
    expect(started.stderr()).toContain(`cannot listen on ${address}: the port is in use`);
    expect(started.stderr()).toContain(`"server.${key}"`);
    taken.close();
  });

  it("uses the file of TOKEN_PROXY_CONFIG, or else ./token-proxy.yaml", async () => {
    const path = await write("named.yaml", fileConfig(provider.tokenEndpoint));
    await run([], { env: { ...SECRETS, TOKEN_PROXY_CONFIG: path } }).said(/"event":"started"/);
    await write("token-proxy.yaml", fileConfig(provider.tokenEndpoint));
    await run([], { env: SECRETS }).said(/"event":"started"/);
    await rm(join(folder, "token-proxy.yaml"));
  });
});

describe("dev mode", () => {
  it("makes one real getToken call, and its curl line repeats it", async () => {
    const dev = run([]);
    const [, url] = await dev.said(/proxy +(http:\S+)/);
    expect(await dev.said(/the same as the provider sent:\n\n(\{.*\})/)).toBeTruthy();
    expect(dev.stdout()).toContain('"sub":"alice"');
    const [, target, options] = await dev.said(/curl -s (\S+) (.+)/);
    expect(target).toBe(`${url}/getToken`);
    const headers = Object.fromEntries(
      [...(options ?? "").matchAll(/-H '([^:]+): ([^']+)'/g)].map(([, n, v]) => [n, v]),
    );
    const body = /-d '(.+)'/.exec(options ?? "")?.[1];
    const answer = await callGetToken(url as string, { headers, body });
    expect(answer.status).toBe(200);
    expect(answer.json()).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    const [, code] = await dev.said(/curl -s \S+\/token .*'code=(.+)'/);
    const form = new URLSearchParams({ grant_type: "authorization_code", code: code as string });
    const exchanged = await fetch(`${url}/token`, { method: "POST", body: form });
    expect(exchanged.status).toBe(200);
    expect(await exchanged.json()).toMatchObject({ token_type: "Bearer", expires_in: 300 });
    dev.process.kill("SIGINT");
    expect(await dev.exit()).toBe(0);
  });
});

describe("readiness", () => {
  it("is not answered under a name that server.admin_hosts does not have, until a reload adds it", async () => {
    const file = { server: { ...SERVER, admin_hosts: ["a.bank.example"] } };
    const path = await write("hosts.yaml", fileConfig(provider.tokenEndpoint, { file }));
    const started = run(["--config", path], { env: SECRETS });
    const [, admin] = await started.said(/"admin":"([^"]+)"/);
    const statusOf = async (host: string) =>
      (await exchange(admin as string, `GET /readyz HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).status;
    const hosts = ["a.bank.example", "A.bank.example.:9613", "b.bank.example", "127.0.0.1:80", "[::1]:80", "LOCALHOST"];
    const statuses = async () => await Promise.all(hosts.map(statusOf));
    expect(await statuses()).toEqual([200, 200, 421, 200, 200, 200]);
    await write(
      "hosts.yaml",
      fileConfig(provider.tokenEndpoint, { file: { server: { ...SERVER, admin_hosts: ["b.bank.example"] } } }),
    );
    started.process.kill("SIGHUP");
    await started.said(/"event":"reloaded"/);
    expect(await statuses()).toEqual([421, 421, 200, 200, 200, 200]);
  });

  it("is answered in HTTP/1.0 without a Host, as load balancers ask", async () => {
    const host = await start();
    const { status, body } = await exchange(host.adminUrl as string, "GET /readyz HTTP/1.0\r\n\r\n");
    expect([status, JSON.parse(body).status]).toEqual([200, "ready"]);
  });

  it("is there at once when no discovery is needed", async () => {
    const host = await start();
    expect(await readyz(host)).toEqual({
      status: 200,
      body: {
        status: "ready",
        in_flight: 0,
        providers: { main: { ready: true, breaker: "closed" } },
        nextauth: {},
      },
    });
    expect((await fetch(`${host.adminUrl}/healthz`)).status).toBe(200);
    expect((await fetch(`${host.url}/healthz`)).status).toBe(404);
  });

  it("comes with a log line that says why a provider cannot be discovered", async () => {
    const down = { ...providerConfig("", { issuer: "http://127.0.0.1:1", token_endpoint: undefined }) };
    const host = await start({ file: { providers: { main: down } } });
    await expect.poll(() => host.output()).toContain('"event":"discovery failed"');
    expect(host.output()).toMatch(/"error_code":"provider_unreachable".*"cause":"ECONNREFUSED"/);
  });

  it("waits for a provider that is down, which does not stop the start", async () => {
    const issuer = provider.url;
    provider.answer = json("down", 503);
    const discovered = { ...providerConfig("", { issuer, token_endpoint: undefined }) };
    const host = await start({ file: { providers: { main: discovered } } });
    const before = await readyz(host);
    expect(before.status).toBe(503);
    expect(before.body).toMatchObject({ status: "not ready", providers: { main: { ready: false } } });
    expect((await fetch(`${host.adminUrl}/healthz`)).status).toBe(200);
    expect((await callGetToken(host.url)).json()).toMatchObject({ error_code: "provider_error" });

    provider.answer = (socket, request) =>
      request.method === "GET"
        ? json({ issuer, token_endpoint: provider.tokenEndpoint })(socket, request)
        : token()(socket, request);
    await expect.poll(async () => (await readyz(host)).status, { timeout: 10_000 }).toBe(200);
    expect((await callGetToken(host.url)).status).toBe(200);
  });
});

describe("SIGTERM", () => {
  it("finishes the call in flight, turns not ready, refuses connections and exits with 0", async () => {
    const host = await start();
    let release = () => {};
    provider.answer = (socket, request) => {
      release = () => token()(socket, request);
    };
    const inFlight = callGetToken(host.url);
    await expect.poll(() => provider.requests.length).toBe(1);

    host.process.kill("SIGTERM");
    await expect.poll(async () => (await readyz(host)).body.status).toBe("shutting down");
    await expect(callGetToken(host.url)).rejects.toThrow("ECONNREFUSED");

    release();
    const answer = await inFlight;
    expect(answer.status).toBe(200);
    expect(answer.headers.connection).toBe("close");
    const [code] = await once(host.process, "exit");
    expect(code).toBe(0);
    expect(host.output()).toContain('"calls_cut_off":0');
  });

  it("cuts off the remaining calls at the end of the grace, logs their number and exits with 1", async () => {
    const grace = { server: { ...SERVER, shutdown_grace: "300ms" } };
    const host = await start({ file: grace });
    provider.answer = () => {};
    const cut = callGetToken(host.url).catch((error: NodeJS.ErrnoException) => error.code);
    await expect.poll(() => provider.requests.length).toBe(1);
    host.process.kill("SIGTERM");
    const [code] = await once(host.process, "exit");
    expect(code).toBe(1);
    expect(await cut).toBe("ECONNRESET");
    expect(host.output()).toContain('"calls_cut_off":1');
  });

  it("exits at once when it is sent twice", async () => {
    const host = await start();
    provider.answer = () => {};
    callGetToken(host.url).catch(() => {});
    await expect.poll(() => provider.requests.length).toBe(1);
    host.process.kill("SIGTERM");
    await expect.poll(async () => (await readyz(host)).body.status).toBe("shutting down");
    host.process.kill("SIGTERM");
    expect((await once(host.process, "exit"))[0]).toBe(1);
  });
});

describe("a refused reload", () => {
  it("shows in the metrics and on the status page until one succeeds", async () => {
    const path = await write("reload.yaml", fileConfig(provider.tokenEndpoint));
    const started = run(["--config", path], { env: SECRETS });
    const [, admin] = await started.said(/"admin":"([^"]+)"/);
    const page = async (name: string) => (await fetch(`${admin}${name}`)).text();
    await write("reload.yaml", fileConfig(provider.tokenEndpoint, { file: { routs: [] } }));
    started.process.kill("SIGHUP");
    await started.said(/not reloaded/);
    await expect.poll(() => page("/metrics")).toMatch(/^token_proxy_config_last_reload_successful 0$/m);
    expect(await page("/")).toContain("routs");
    await write("reload.yaml", fileConfig(provider.tokenEndpoint));
    started.process.kill("SIGHUP");
    await started.said(/"event":"reloaded"/);
    await expect.poll(() => page("/metrics")).toMatch(/^token_proxy_config_last_reload_successful 1$/m);
  });
});
