// The running proxy follows its files: no call fails, and what cannot be used changes nothing.

import { once } from "node:events";
import { mkdir, rename, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "node:tls";
import { describe, expect, it } from "vitest";
import { APIKEY, callGetToken } from "../support/call.ts";
import { makeAuthority, makeSelfSigned, type TestCertificate } from "../support/keys.ts";
import { load } from "../support/load.ts";
import { json, token } from "../support/recording-provider.ts";
import { type Running, useService } from "../support/service.ts";

const service = useService();
/** More than two looks at the files. */
const LONG_MS = 5_000;

/** Two looks at the files, on a busy machine. */
const eventually = <T>(get: () => T) => expect.poll(get, { timeout: 40_000 });

const REFUSED = "not reloaded: the old configuration stays";
const reloads = (run: Running) => run.lines("reloaded").map(({ changed }) => changed);
const metric = async (run: Running, name: string) => {
  const text = await (await fetch(`${run.admin}/metrics`)).text();
  return Number(new RegExp(`^token_proxy_${name}(?:{.*})? (.+)$`, "m").exec(text)?.[1]);
};
/** The client secrets that the provider got. */
const secretsSent = () =>
  new Set(
    service.provider.requests
      .filter(({ method }) => method === "POST")
      .map(({ headers }) => atob(String(headers.authorization).replace("Basic ", "")).split(":")[1]),
  );

/** Writes a Secret as Kubernetes mounts it, and replaces the link ..data. */
async function mount(version: string, files: Record<string, string>): Promise<void> {
  const at = (name: string) => join(service.folder, name);
  await mkdir(at(`..${version}`));
  for (const [name, text] of Object.entries(files)) {
    await service.write(`..${version}/${name}`, text);
    await symlink(`..data/${name}`, at(name)).catch(() => {}); // it is there already
  }
  await symlink(`..${version}`, at("..data_tmp"));
  await rename(at("..data_tmp"), at("..data"));
}

describe("under load, no call fails when", () => {
  it("Kubernetes replaces a client secret and an API key; the log names their keys", async () => {
    await mount("1", { client: "the-first-secret", apikey: APIKEY });
    await service.configure({
      main: { client_secret: { file: "client" } },
      callers: { ns: { apikeys: [{ file: "apikey" }, { env: "APIKEY" }] } },
    });
    const run = await service.start();
    const loadedAt = await metric(run, "config_last_reload_timestamp_seconds");
    const running = load(run.listen);
    await running.more();
    await mount("2", { client: "the-second-secret", apikey: APIKEY });
    await rm(join(service.folder, "..1"), { recursive: true });
    await eventually(() => reloads(run)).toEqual(["providers.main.client_secret"]);
    await running.more();
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    expect(secretsSent()).toEqual(new Set(["the-first-secret", "the-second-secret"]));
    expect(await metric(run, "config_last_reload_successful")).toBe(1);
    expect(await metric(run, "config_last_reload_timestamp_seconds")).toBeGreaterThan(loadedAt);
    expect(run.stdout()).not.toContain("the-second");

    await mount("3", { client: "the-second-secret", apikey: "another-key-0123456789" });
    await eventually(() => reloads(run)).toEqual(["providers.main.client_secret", "callers.ns.apikeys"]);
  });

  it("the served certificate is renewed, first half of it and then the rest", async () => {
    const authority = await makeAuthority();
    const [first, second] = (await Promise.all(
      ["first", "second"].map((name) => authority.issue(name, { ips: ["127.0.0.1"] })),
    )) as [TestCertificate, TestCertificate];
    await service.write("certificate.pem", first.certificate);
    await service.write("key.pem", first.private_key);
    const tls = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" } };
    await service.configure({ server: { tls } });
    const run = await service.start();
    const port = Number(new URL(run.listen).port);
    const served = async () => {
      const socket = connect({ host: "127.0.0.1", port, ca: authority.certificate });
      await once(socket, "secureConnect");
      const { subject } = socket.getPeerCertificate();
      socket.destroy();
      return subject.CN;
    };
    const running = load(run.listen, async () => ((await served()) === undefined ? 0 : 200));
    await running.more();
    await service.write("certificate.pem", second.certificate);
    await eventually(() => run.lines(REFUSED)).toHaveLength(1);
    expect(run.lines(REFUSED)[0]?.reason).toContain("private_key that cannot be used together");
    expect(await metric(run, "config_last_reload_successful")).toBe(0);
    expect(await served()).toBe("first");
    await service.write("key.pem", second.private_key);
    await eventually(() => reloads(run)).toEqual(["server.tls.certificate, server.tls.private_key"]);
    expect(await served()).toBe("second");
    expect(await metric(run, "config_last_reload_successful")).toBe(1);
    expect(Object.keys(await running.stop())).toEqual(["200"]);
    expect(run.lines(REFUSED)).toHaveLength(1);
  });
});

it("a renewed certificate whose key is not one of server.tls.pins is not served, and the log says why", async () => {
  const [served, renewed] = (await Promise.all(["served", "renewed"].map((name) => makeSelfSigned(name)))) as [
    TestCertificate,
    TestCertificate,
  ];
  const write = async ({ certificate, private_key }: TestCertificate) => {
    await service.write("certificate.pem", certificate);
    await service.write("key.pem", private_key);
  };
  await write(served);
  const tls = { certificate: { file: "certificate.pem" }, private_key: { file: "key.pem" } };
  await service.configure({ server: { tls } });
  const check = service.run(["check"], { env: { APIKEY, CLIENT_SECRET: "s" } });
  const [, pin] = await check.said(/pin +(sha256\/\S+)/);
  await service.configure({ server: { tls: { ...tls, pins: [pin] } } });
  const run = await service.start();
  await write(renewed);
  await eventually(() => run.lines(REFUSED)).toHaveLength(1);
  expect(run.lines(REFUSED)[0]?.reason).toMatch(
    /"server\.tls\.certificate" has the key sha256\/\S{44}, which is not one of server\.tls\.pins, .*Certificate managers change the key/,
  );
});

describe("the configuration file", () => {
  it("is followed with watch: all; a faulty one is reported once, and tried again when it changes", async () => {
    const configure = (v: string, file = {}) =>
      service.configure({ server: { watch: "all" }, main: { params: { v } }, ...file });
    await configure("old");
    const run = await service.start();
    await configure("faulty", { routs: [] });
    await eventually(() => run.lines(REFUSED)).toHaveLength(1);
    await sleep(LONG_MS);
    expect(run.lines(REFUSED)).toHaveLength(1);
    await configure("new", { log: { audit: { file: "audit.jsonl" }, identities: "plain" } });
    await eventually(() => reloads(run)).toEqual(["providers, log"]);
    expect((await callGetToken(run.listen)).status).toBe(200);
    expect(new URLSearchParams(service.provider.requests.at(-1)?.body).get("v")).toBe("new");
    // A file that is missing is waited for.
    await service.configure({ server: { watch: "all" }, main: { client_secret: { file: "later" } } });
    await eventually(() => run.lines(REFUSED)).toHaveLength(2);
    await service.write("later", "the-later-secret");
    await eventually(() => reloads(run)).toHaveLength(2);
    await callGetToken(run.listen);
    expect(secretsSent()).toContain("the-later-secret");
  });

  it("is not followed otherwise, and a changed secret does not take it up", async () => {
    await service.write("client", "the-first-secret");
    const configure = (v: string) => service.configure({ main: { client_secret: { file: "client" }, params: { v } } });
    await configure("old");
    const run = await service.start();
    await configure("half-finished");
    await service.write("client", "the-second-secret");
    await eventually(() => reloads(run)).toEqual(["providers.main.client_secret"]);
    await callGetToken(run.listen);
    expect(new URLSearchParams(service.provider.requests.at(-1)?.body).get("v")).toBe("old");
    expect(secretsSent()).toContain("the-second-secret");
    // A SIGHUP that is refused changes neither what is used nor what is followed.
    await service.configure({ main: { client_secret: { file: "missing" } } });
    run.process.kill("SIGHUP");
    await eventually(() => run.lines(REFUSED)).toHaveLength(1);
    await service.write("client", "the-third-secret");
    await eventually(() => reloads(run)).toHaveLength(2);
    await callGetToken(run.listen);
    expect(secretsSent()).toContain("the-third-secret");
  });
});

it("a pattern is a change like any other", async () => {
  const configure = (group: string) => {
    const userid = { from: ["body:/userid"], pattern: `^urn:${group}:(.+)$` };
    const values = { serverid: ["body:/serverid"], nonce: ["body:/nonce"], userid };
    return service.configure({ get_token: { values } });
  };
  await configure("user");
  const run = await service.start();
  await configure("admin");
  await run.reload();
  expect(reloads(run)).toEqual(["get_token"]);
});

it("the file of --env-file is followed as well", async () => {
  await service.write(".env", "SECRET=the-first-secret\n");
  await service.configure({ main: { client_secret: { env: "SECRET" } } });
  const run = await service.start({ args: ["--env-file", ".env"] });
  await service.write(".env", "SECRET=the-second-secret\n");
  await eventually(() => reloads(run)).toEqual(["providers.main.client_secret"]);
  await callGetToken(run.listen);
  expect(secretsSent()).toContain("the-second-secret");
});

it("nothing is reloaded if a file was only touched, or with watch: none", async () => {
  for (const name of ["client", "other"]) await service.write(name, "the-first-secret");
  const configure = (name: string, watch: string) =>
    service.configure({ server: { watch }, main: { client_secret: { file: name } } });
  await configure("client", "credentials");
  const touched = await service.start();
  await configure("other", "none");
  const unwatched = await service.start();
  await service.write("client", "the-first-secret");
  await service.write("other", "the-second-secret");
  await sleep(LONG_MS);
  expect([...reloads(touched), ...reloads(unwatched)]).toEqual([]);
  expect([...touched.lines(REFUSED), ...unwatched.lines(REFUSED)]).toEqual([]);
});

it("a token endpoint on another host is not accepted because a secret has changed", async () => {
  await service.write("client", "the-first-secret");
  let token_endpoint = service.provider.tokenEndpoint;
  const { url: issuer } = service.provider;
  service.provider.answer = (socket, request) =>
    (request.method === "GET" ? json({ issuer, token_endpoint }) : token())(socket, request);
  await service.configure({ main: { issuer, token_endpoint: undefined, client_secret: { file: "client" } } });
  const run = await service.start();
  await eventually(() => run.lines("discovered")).toHaveLength(1);
  token_endpoint = "http://localhost:1/token";
  await service.write("client", "the-second-secret");
  await eventually(() => reloads(run)).toHaveLength(1);
  await eventually(() => metric(run, "provider_endpoint_moved")).toBe(1);
  expect((await callGetToken(run.listen)).status).toBe(200);
  expect(secretsSent()).toEqual(new Set(["the-second-secret"]));
});
