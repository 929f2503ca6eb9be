// A reload fails no call, a faulty file changes nothing, and what still works stays as it was.

import { once } from "node:events";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { makeAuthority } from "../support/keys.ts";
import { load } from "../support/load.ts";
import { hold, json, type RecordingProvider, token } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const service = useService();

const configure = (params: object, file: object = {}) => service.configure({ main: { params }, ...file });
/** The parameter `v` of each token request, which says which file it was made from. */
const sent = () =>
  service.provider.requests
    .filter(({ method }) => method === "POST")
    .map(({ body }) => new URLSearchParams(body).get("v"));
const statusOf = async (url: string) => (await fetch(url)).status;

/** @returns the keys that need a restart, according to the log */
async function reload(run: Running): Promise<unknown[]> {
  const keys = run.lines("needs a restart to change").length;
  // The keys are logged after the first "reloaded", and so before the second.
  for (const _ of [1, 2]) await run.reload();
  const named = run.lines("needs a restart to change").slice(keys);
  return [...new Set(named.map(({ key }) => key))];
}

describe("calls", () => {
  it("in flight finish with the old file, and new ones use the new file", async () => {
    await configure({ v: "old" });
    const run = await service.start();
    const release = hold(service.provider);
    const before = callGetToken(run.listen);
    await expect.poll(sent).toEqual(["old"]);
    await configure({ v: "new" });
    await reload(run);
    service.provider.answer = token();
    expect((await callGetToken(run.listen)).status).toBe(200);
    release();
    expect((await before).status).toBe(200);
    expect(sent()).toEqual(["old", "new"]);
  });

  it("of the old file are in its audit to the end, also if the proxy stops before they do", async () => {
    const log = (name: string) => ({ log: { audit: { file: `${name}.jsonl` }, identities: "plain" } });
    const audited = async (name: string) =>
      (await readFile(join(service.folder, `${name}.jsonl`), "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line).event);
    await configure({ v: "old" }, { ...log("old"), server: { shutdown_delay: "0s" } });
    const run = await service.start();
    const release = hold(service.provider);
    const call = callGetToken(run.listen);
    await expect.poll(sent).toEqual(["old"]);
    await configure({ v: "new" }, log("new"));
    await reload(run);
    run.process.kill("SIGTERM");
    await expect.poll(() => run.lines("shutting down")).toHaveLength(1);
    release();
    expect((await call).status).toBe(200);
    expect(await run.exit()).toBe(0);
    expect(await audited("old")).toEqual(["token_intent", "token_result"]);
  });

  it("do not fail under load, however often the file changes", async () => {
    await configure({ v: "1" });
    const run = await service.start();
    const running = load(run.listen);
    await running.more();
    for (const v of ["2", "3", "4", "5"]) {
      await configure({ v });
      await reload(run);
      await running.more(10);
    }
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    expect(new Set(sent())).toEqual(new Set(["1", "2", "3", "4", "5"]));
  });
});

describe("a faulty file", () => {
  it.each<[string, () => unknown, RegExp]>([
    ["a misspelt key", () => configure({ v: "new" }, { routs: [] }), /routs/],
    ["text that is not YAML", () => service.write("token-proxy.yaml", "version: [1"), /YAML/],
    ["a missing secret", () => configure({ v: { env: "NOWHERE" } }), /NOWHERE/],
    ["no file", () => rm(join(service.folder, "token-proxy.yaml")), /token-proxy\.yaml/],
  ])("changes nothing: %s; log, metrics and status page say so until a reload succeeds", async (_, change, reason) => {
    await configure({ v: "old" });
    const run = await service.start();
    const page = async (name: string) => (await fetch(run.admin + name)).text();
    await change();
    run.process.kill("SIGHUP");
    await expect.poll(() => run.lines("not reloaded: the old configuration stays")).toHaveLength(1);
    const [line] = run.lines("not reloaded: the old configuration stays");
    expect(line).toMatchObject({ level: "error", reason: expect.stringMatching(reason) });
    expect(await page("/metrics")).toMatch(/^token_proxy_config_last_reload_successful 0$/m);
    expect(await page("/")).toMatch(reason);
    expect((await callGetToken(run.listen)).status).toBe(200);
    await configure({ v: "new" });
    await reload(run);
    expect(await page("/metrics")).toMatch(/^token_proxy_config_last_reload_successful 1$/m);
    expect((await callGetToken(run.listen)).status).toBe(200);
    expect(sent()).toEqual(["old", "new"]);
  });
});

it("a reload reads the secrets in files again", async () => {
  const [first, second] = ["the-first-apikey-0123456789", "the-second-apikey-0123456789"];
  await service.write("apikey", first);
  await configure({}, { callers: { ns: { apikeys: [{ file: "apikey" }] } } });
  const run = await service.start();
  const statuses = async () => {
    const answers = [first, second].map((key) => callGetToken(run.listen, { headers: { "X-apikey": key } }));
    return (await Promise.all(answers)).map(({ status }) => status);
  };
  await service.write("apikey", second);
  expect(await statuses()).toEqual([200, 401]);
  await reload(run);
  expect(await statuses()).toEqual([401, 200]);
});

/** Discovery gets this answer, and token requests get tokens. */
function discoverBy(answer: RecordingProvider["answer"]): void {
  service.provider.answer = (socket, request) => (request.method === "GET" ? answer : token())(socket, request);
}
const found: RecordingProvider["answer"] = (socket, request) =>
  json({ issuer: service.provider.url, token_endpoint: service.provider.tokenEndpoint })(socket, request);
const discovered = (v: string) => ({
  main: { issuer: service.provider.url, token_endpoint: undefined, params: { v } },
});

it("a reload accepts a token endpoint on another host", async () => {
  discoverBy(found);
  await service.configure(discovered("old"));
  const run = await service.start();
  await expect.poll(() => run.lines("discovered")).toHaveLength(1);
  const token_endpoint = service.provider.tokenEndpoint.replace("127.0.0.1", "localhost");
  discoverBy((socket, request) => json({ issuer: service.provider.url, token_endpoint })(socket, request));
  await reload(run);
  await expect.poll(() => run.lines("discovered").at(-1)).toMatchObject({ token_endpoint });
  expect(await (await fetch(`${run.admin}/metrics`)).text()).toContain(
    'token_proxy_provider_endpoint_moved{provider="main"} 0\n',
  );
});

describe("while discovery is down", () => {
  it("a reload keeps the metadata that it has", async () => {
    discoverBy(found);
    await service.configure(discovered("old"));
    const run = await service.start();
    await expect.poll(() => statusOf(`${run.admin}/readyz`)).toBe(200);
    discoverBy(json("down", 503));
    await service.configure(discovered("new"));
    await reload(run);
    expect(await statusOf(`${run.admin}/readyz`)).toBe(200);
    expect((await callGetToken(run.listen)).status).toBe(200);
    expect(sent()).toEqual(["new"]);
    expect(run.lines("discovery failed").length).toBeGreaterThan(0);
  });

  it("a shutdown that begins meanwhile ends the reload too", async () => {
    discoverBy(found);
    await service.configure({ ...discovered("x"), server: { shutdown_delay: "4s" } });
    const run = await service.start();
    await expect.poll(() => statusOf(`${run.admin}/readyz`)).toBe(200);
    discoverBy(() => {});
    service.provider.requests.length = 0;
    run.process.kill("SIGHUP");
    await expect.poll(() => service.provider.requests.length).toBe(1);
    run.process.kill("SIGTERM");
    expect(await run.exit()).toBe(0);
    expect(run.lines("stopped")).toHaveLength(1);
    expect(run.lines("reloaded")).toEqual([]);
    expect(service.provider.requests).toHaveLength(1);
  });
});

it("hashes in the log stay the same over reloads, and differ in another process", async () => {
  await service.configure();
  const [run, other] = [await service.start(), await service.start()];
  await callGetToken(run.listen);
  await reload(run);
  await callGetToken(run.listen);
  await callGetToken(other.listen);
  const hashes = async (run: Running, calls: number) => {
    await expect.poll(() => run.lines("call")).toHaveLength(calls);
    return run.lines("call").map(({ user, session }) => `${user} ${session}`);
  };
  const [before, after] = await hashes(run, 2);
  expect(before).toMatch(/^[0-9a-f]{16} [0-9a-f]{16}$/);
  expect(after).toBe(before);
  expect(await hashes(other, 1)).not.toEqual([before]);
});

describe("what needs a restart", () => {
  it("is named as long as it differs from what is in use", async () => {
    await service.configure();
    const run = await service.start();
    await service.configure({ server: { listen: "127.0.0.1:1", admin: "127.0.0.1:2" } });
    expect(await reload(run)).toEqual(["server.listen", "server.admin"]);
    expect((await callGetToken(run.listen)).status).toBe(200);
    await service.configure();
    expect(await reload(run)).toEqual([]);
  });

  it("is TLS itself and its client_ca, but not its certificate, which new connections get", async () => {
    const authority = await makeAuthority();
    const configureTls = async (name: string, others: object = {}) => {
      const { certificate, private_key } = await authority.issue(name, { ips: ["127.0.0.1"] });
      await service.write("certificate.pem", certificate);
      await service.write("key.pem", private_key);
      const tls = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" }, ...others };
      await service.configure({ server: { tls } });
    };
    await service.write("ca.pem", authority.certificate);
    await configureTls("first");
    const run = await service.start();
    const open = async () => {
      const port = Number(new URL(run.listen).port);
      const socket = connect({ host: "127.0.0.1", port, ca: authority.certificate });
      await once(socket, "secureConnect");
      return socket;
    };
    const served = async () => {
      const socket = await open();
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    await service.configure();
    expect(await reload(run)).toEqual(["server.tls"]);
    await configureTls("second", { client_ca: { file: "ca.pem" } });
    expect(await reload(run)).toEqual(["server.tls"]);
    expect(await served()).toBe("first");
    const used = await open();
    used.write("GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n");
    await once(used, "data");
    const closed = once(used, "close"); // a removed authority must not vouch for it any longer
    await configureTls("third");
    expect(await reload(run)).toEqual([]);
    await closed;
    expect(await served()).toBe("third");
  });
});
