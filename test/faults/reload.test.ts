// What a reload leaves as it was: metadata that works, the hashes of the log, what is bound, and a shutdown that has begun.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { makeAuthority, type TestCertificate } from "../support/keys.ts";
import { type Run, runCli } from "../support/process.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

const SERVER = { listen: "127.0.0.1:0", admin: "127.0.0.1:0" };

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

const write = (changes: Parameters<typeof fileConfig>[1] = {}) =>
  writeFile(
    join(folder, "token-proxy.yaml"),
    JSON.stringify(fileConfig(provider.tokenEndpoint, { ...changes, file: { server: SERVER, ...changes.file } })),
  );

/** Of the lines that are whole. */
const events = (run: Run) =>
  run
    .stdout()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Record<string, string>);
const ofEvent = (run: Run, event: string) => events(run).filter((line) => line.event === event);

async function start(): Promise<{ run: Run; listen: string; admin: string }> {
  const run = runCli([], { cwd: folder, env: SECRETS });
  runs.push(run);
  await run.said(/"event":"started"/);
  const { listen, admin } = ofEvent(run, "started")[0] as { listen: string; admin: string };
  return { run, listen, admin };
}

/** @returns the keys that it says need a restart */
async function reload(run: Run): Promise<string[]> {
  const before = events(run).length;
  const reloads = () =>
    events(run).flatMap(({ event }, index) => (event === "reloaded" && index >= before ? [index] : []));
  // Keys are logged behind the first reload: all of them are there once the second one is.
  for (const count of [1, 2]) {
    run.process.kill("SIGHUP");
    await expect.poll(reloads).toHaveLength(count);
  }
  return events(run)
    .slice(...reloads())
    .filter(({ event }) => event === "needs a restart to change")
    .map(({ key }) => key as string);
}

/** Answers discovery by one function and token requests with tokens. */
function discoverBy(answer: RecordingProvider["answer"]): void {
  provider.answer = (socket, request) => (request.method === "GET" ? answer : token())(socket, request);
}
const found: RecordingProvider["answer"] = (socket, request) =>
  json({ issuer: provider.url, token_endpoint: provider.tokenEndpoint })(socket, request);
const discovered = (params: object = {}) => ({
  provider: { issuer: provider.url, token_endpoint: undefined, params },
});

describe("a reload while discovery is down", () => {
  it("goes on by the metadata that is known", async () => {
    discoverBy(found);
    await write(discovered({ v: "old" }));
    const { run, listen, admin } = await start();
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status).toBe(200);
    discoverBy(json("down", 503));
    await write(discovered({ v: "new" }));
    await reload(run);
    expect((await fetch(`${admin}/readyz`)).status).toBe(200);
    expect((await callGetToken(listen)).status).toBe(200);
    const tokenRequest = provider.requests.findLast(({ method }) => method === "POST");
    expect(new URLSearchParams(tokenRequest?.body).get("v")).toBe("new");
    expect(ofEvent(run, "discovery failed").length).toBeGreaterThan(0);
  });
});

describe("the hashes in the log", () => {
  it("stay the same over reloads, and are others in another process", async () => {
    await write();
    const { run, listen } = await start();
    const other = await start();
    await callGetToken(listen);
    await reload(run);
    await callGetToken(listen);
    await callGetToken(other.listen);
    const hashes = async ({ run, calls }: { run: Run; calls: number }) => {
      await expect.poll(() => ofEvent(run, "call")).toHaveLength(calls);
      return ofEvent(run, "call").map(({ user, session }) => `${user} ${session}`);
    };
    const [before, after] = await hashes({ run, calls: 2 });
    expect(before).toMatch(/^[0-9a-f]{16} [0-9a-f]{16}$/);
    expect(after).toBe(before);
    expect(await hashes({ run: other.run, calls: 1 })).not.toEqual([before]);
  });
});

describe("what needs a restart", () => {
  it("is named as long as it differs from what is bound", async () => {
    await write();
    const { run } = await start();
    await write({ file: { server: { listen: "127.0.0.1:1", admin: "127.0.0.1:2" } } });
    expect(await reload(run)).toEqual(["server.listen", "server.admin"]);
    await write();
    expect(await reload(run)).toEqual([]);
  });

  it("is not TLS that was removed from the file and put back with another certificate", async () => {
    const authority = await makeAuthority();
    const issue = (name: string) => authority.issue(name, { ips: ["127.0.0.1"] });
    const writeTls = async ({ certificate, private_key }: TestCertificate, others: object = {}) => {
      await writeFile(join(folder, "certificate.pem"), certificate);
      await writeFile(join(folder, "key.pem"), private_key);
      const tls = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" }, ...others };
      await write({ file: { server: { ...SERVER, tls } } });
    };
    await writeFile(join(folder, "ca.pem"), authority.certificate);
    await writeTls(await issue("first"));
    const { run, listen } = await start();
    const served = async () => {
      const socket = connect({ host: "127.0.0.1", port: Number(new URL(listen).port), ca: authority.certificate });
      await once(socket, "secureConnect");
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    await write();
    expect(await reload(run)).toEqual(["server.tls"]);
    await writeTls(await issue("second"), { client_ca: { file: "ca.pem" } });
    expect(await reload(run)).toEqual(["server.tls"]);
    expect(await served()).toBe("first");
    await writeTls(await issue("third"));
    expect(await reload(run)).toEqual([]);
    expect(await served()).toBe("third");
  });
});

describe("a shutdown that begins while a reload looks for providers", () => {
  it("ends the reload too", async () => {
    discoverBy(found);
    await write({ ...discovered(), file: { server: { ...SERVER, shutdown_delay: "1s" } } });
    const { run, admin } = await start();
    await expect.poll(async () => (await fetch(`${admin}/readyz`)).status).toBe(200);
    discoverBy(() => {});
    provider.requests.length = 0;
    run.process.kill("SIGHUP");
    await expect.poll(() => provider.requests.length).toBe(1);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(ofEvent(run, "stopped")).toHaveLength(1);
    expect(ofEvent(run, "reloaded")).toEqual([]);
    expect(provider.requests).toHaveLength(1);
  });
});
