// No secret, token or user in the output of the command line, at a signal, or for a faulty file,
// except for the token on get-token's standard output.

import { existsSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callGetToken, collectAnswer, NONCE } from "../support/call.ts";
import { canaryOfKey, makeCanary, search } from "../support/canaries.ts";
import { assertSilent, type Host, startHost } from "../support/host.ts";
import { makeAuthority, makeKey } from "../support/keys.ts";
import { arrange, callOf, SCENARIOS, type Scenario } from "../support/leak-scenarios.ts";
import { CANARIES, SECRETS, startWorld, type World } from "../support/leak-world.ts";
import { runCli } from "../support/process.ts";
import { exchange } from "../support/raw-call.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ALL = Object.values(CANARIES);
const { token, userid, nonce, apikey, clientSecret } = CANARIES;

let world: World;
const folder = temporaryFolder();
const hosts: Host[] = [];

beforeAll(async () => {
  world = await startWorld();
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  await world?.close();
});

async function start(file: object = world.file, secrets: Record<string, string> = SECRETS): Promise<Host> {
  const host = await startHost(file, secrets, { runtime: "node" });
  hosts.push(host);
  return host;
}

let shared: Promise<Host> | undefined;
/** One process for the tests that do not change it. */
const running = () => (shared ??= start());

const scenario = (what: string) => SCENARIOS.find((one) => one.what === what) as Scenario;

async function write(file: object | string, name = "token-proxy.yaml"): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, typeof file === "string" ? file : JSON.stringify(file, null, 2));
  return path;
}

/** Runs a command to its end. */
async function run(args: string[], env: Record<string, string> = {}) {
  const command = runCli(args, { env: { ...SECRETS, ...env } });
  const status = await command.exit();
  return { status, stdout: command.stdout(), stderr: command.stderr() };
}

const valuesOf = (serverid: string) => [
  "--userid",
  userid.text,
  "--value",
  `serverid=${serverid}`,
  "nonce=env:NONCE",
  "user_token=env:USER_TOKEN",
];
const VALUES = { NONCE: nonce.text, USER_TOKEN: CANARIES.userToken.text };

it("every test searches the output of its proxy, which finds secrets, keys and the nonce", () => {
  const secrets = { CLIENT_SECRET: "s3cret of the client", KEY: CANARIES.signingKey.text };
  for (const [name, text] of [
    ["CLIENT_SECRET", secrets.CLIENT_SECRET],
    ["KEY", secrets.KEY.split("\n")[1]],
    ["NONCE", NONCE],
  ]) {
    expect(() => assertSilent(`{"a":"${text}"}`, secrets)).toThrow(name);
  }
  expect(() => assertSilent('{"event":"started"}', secrets)).not.toThrow();
});

describe("check --live", () => {
  it.each<[string, string]>([
    ["a token", "main"],
    ["a refusal of the user", "main"],
    ["a token for somebody else", "subject"],
    ["an untrusted certificate", "strange"],
    ["metadata of another issuer", "undiscovered"],
  ])("says nothing of %s", async (what, serverid) => {
    arrange(world, scenario(what));
    const path = await write(world.file);
    const { status, stdout, stderr } = await run(["check", "--config", path, "--live", ...valuesOf(serverid)], VALUES);
    expect(status).toBe(1); // one provider of the file is never discovered
    expect(stdout).toMatch(/^live /m);
    // A refusal is printed as received, and who runs `check` has named the user.
    const named = what === "a refusal of the user" ? [`${userid.name} as plain`] : [];
    expect(search(stdout + stderr, ALL)).toEqual(named);
  });
});

describe("get-token", () => {
  it.each<[string, boolean]>([
    ["a token", true],
    ["a page", false],
    ["somebody else logged in", false],
  ])("writes only the answer to standard output: %s", async (what, hasToken) => {
    const host = await running();
    arrange(world, scenario(what));
    const args = ["get-token", "--config", await write(world.file), "--url", host.url, ...valuesOf("main")];
    const { status, stdout, stderr } = await run(args, VALUES);
    expect(status).toBe(hasToken ? 0 : 1);
    expect(search(stderr, ALL)).toEqual([]);
    expect(search(stdout, ALL)).toEqual(hasToken ? [`${userid.name} as plain`, `${token.name} as plain`] : []);
  });
});

/** The file with a part of it replaced; the path is of keys. */
function changed(path: string, value: unknown): object {
  const file = structuredClone(world.file) as Record<string, never>;
  const keys = path.split(".");
  const last = keys.pop() as string;
  const place = keys.reduce<Record<string, unknown>>((at, key) => at[key] as Record<string, unknown>, file);
  place[last] = value;
  return file;
}

describe("a secret in the wrong place", () => {
  const secret = clientSecret.text;

  it("several are reported by the command, and not repeated", async () => {
    const file = {
      ...changed("providers.main.client_secret", secret),
      signing: { keys: CANARIES.signingKey.text },
      nextauth: { url: "https://ns.example", apikey: CANARIES.nextauthApikey.text },
    };
    const { status, stdout, stderr } = await run(["--config", await write(file)]);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^[3-9] faults in the configuration/m);
    expect(search(stdout + stderr, ALL)).toEqual([]);
  });

  it("a header that no request can carry is not repeated from its variable", async () => {
    const HEADER = `${CANARIES.header.text}\r\nX: ${CANARIES.header.text}`;
    const { status, stdout, stderr } = await run(["check", "--config", await write(world.file)], { HEADER });
    expect(status).toBe(2);
    expect(search(stdout + stderr, ALL)).toEqual([]);
  });
});

describe("a process", () => {
  it.skipIf(!existsSync("/proc/self/cmdline"))("has no secret in its command line or title", async () => {
    const host = await running();
    arrange(world, scenario("a token"));
    expect((await callGetToken(host.url, callOf("main"))).status).toBe(200);
    for (const name of ["cmdline", "comm", "status"]) {
      expect(search(readFileSync(`/proc/${host.process.pid}/${name}`, "latin1"), ALL)).toEqual([]);
    }
  });

  it.each(["SIGTERM", "SIGHUP"] as const)("says nothing at a %s during a call", async (signal) => {
    const host = await start();
    arrange(world, scenario("no answer"));
    world.provider.requests.length = 0;
    const call = callGetToken(host.url, callOf("mute"));
    await expect.poll(() => world.provider.requests.map(({ url }) => url)).toContain("/token");
    host.process.kill(signal);
    const { error_code, request_id } = (await call).json() as { error_code: string; request_id: string };
    expect(error_code).toBe("provider_timeout");
    await expect.poll(() => host.output()).toContain(request_id);
    if (signal !== "SIGHUP") await expect.poll(() => host.process.exitCode).toBe(0);
    expect(search(host.output(), ALL)).toEqual([]);
  });
});

it("TLS that fails on either side says nothing of its keys", async () => {
  const authority = await makeAuthority();
  const own = await authority.issue("localhost", { ips: ["127.0.0.1"] });
  const key = makeCanary("").text;
  const bits = (pem: string) =>
    canaryOfKey("a TLS key", pem, Buffer.from(pem.split("\n")[1] ?? "").toString("base64url"));
  const tls = { certificate: { env: "CERTIFICATE" }, private_key: { env: "TLS_KEY" }, client_ca: { env: "CA" } };
  const file = changed("server.tls", tls);
  const env = { ...SECRETS, CERTIFICATE: own.certificate, TLS_KEY: own.private_key, CA: authority.certificate };
  const host = await start(file, env);
  const stranger = await (await makeAuthority()).issue("stranger");
  arrange(world, scenario("a token"));
  const options = { ca: authority.certificate, cert: stranger.certificate, key: stranger.private_key, method: "POST" };
  const answer = await new Promise<Awaited<ReturnType<typeof collectAnswer>>>((done, fail) => {
    const headers = { "X-apikey": CANARIES.wrongApikey.text, "X-nonce": nonce.text };
    const outgoing = request(`${host.url}/getToken`, { ...options, headers }, (incoming) =>
      collectAnswer(incoming).then(done, fail),
    );
    outgoing.on("error", fail).end(key);
  });
  expect(answer.status).toBe(401);
  await exchange(host.url, `POST /getToken HTTP/1.1\r\nX-apikey: ${apikey.text}\r\n\r\n`);
  const canaries = [...ALL, bits(own.private_key), bits(stranger.private_key)];
  expect(search(host.output() + answer.text, canaries)).toEqual([]);

  const wrong = { ...env, TLS_KEY: (await makeKey("ES256")).pem };
  const checked = await run(["check", "--config", await write(file)], wrong);
  expect(checked.status).toBe(2);
  expect(search(checked.stdout + checked.stderr, [...canaries, bits(wrong.TLS_KEY)])).toEqual([]);
});
