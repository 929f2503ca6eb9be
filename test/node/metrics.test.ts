// The metrics of a running proxy: counts, gauges, names, and no label that a caller could add.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeKey } from "../support/keys.ts";
import { request } from "../support/raw-call.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let host: Host;
let text: string;
const STARTED_SECONDS = Math.floor(Date.now() / 1000) - 1;

interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

beforeAll(async () => {
  provider = await startRecordingProvider();
  const { pem } = await makeKey("ES256");
  const jwtBearer = {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    params: {},
    token_endpoint: provider.tokenEndpoint,
    issuer: "https://idp.example",
    discovery: "none",
  };
  const file = {
    signing: {
      issuer: "https://tokens.bank.example",
      keys: [{ kid: "k-1", alg: "ES256", private_key: { env: "SIGNING_KEY" }, created: "2026-11-01" }],
    },
    providers: {
      main: providerConfig(provider.tokenEndpoint),
      signed: providerConfig(provider.tokenEndpoint, jwtBearer),
      down: providerConfig("http://127.0.0.1:1/token"),
      refusing: providerConfig(provider.tokenEndpoint),
    },
    routes: [
      { serverid: "signed", provider: "signed" },
      { serverid: "down", provider: "down" },
      { serverid: "refusing", provider: "refusing" },
      { serverid: CALL.serverid, provider: "main" },
    ],
  };
  host = await startHost(fileConfig(provider.tokenEndpoint, { file }), { ...SECRETS, SIGNING_KEY: pem });
  provider.answer = token();
  for (const serverid of [CALL.serverid, CALL.serverid, "signed", "down", "nobody"]) {
    await callGetToken(host.url, { body: { ...CALL, serverid } });
  }
  provider.answer = json({ error: "invalid_grant" }, 400);
  for (const userid of ["alice", "bob", "bob"]) {
    await callGetToken(host.url, { body: { ...CALL, serverid: "refusing", userid } });
  }
  await callGetToken(host.url, { path: "/a-path-that-a-caller-made-up" });
  await callGetToken(host.url, { headers: { "X-apikey": "wrong" } });
  text = await (await fetch(`${host.adminUrl}/metrics`)).text();
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
});

function samples(): Sample[] {
  return text
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const [, name, labels = "", value] = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line) as unknown as string[];
      const pairs = [...(labels as string).matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map((match) => [match[1], match[2]]);
      return { name: name as string, labels: Object.fromEntries(pairs), value: Number(value) };
    });
}

const valueIn = (name: string, labels: Record<string, string> = {}) =>
  samples().find(
    (sample) =>
      sample.name === `token_proxy_${name}` &&
      Object.entries(labels).every(([key, value]) => sample.labels[key] === value),
  )?.value;

it("have no sample about what the file does not have", () => {
  expect(samples().filter(({ name }) => /certificate_expiry|client_assertion_expiry/.test(name))).toEqual([]);
});

describe("calls", () => {
  it("are counted by outcome", () => {
    expect(valueIn("calls_total", { route: "/getToken", provider: "main", outcome: "token", error_code: "" })).toBe(2);
    expect(valueIn("calls_total", { provider: "down", error_code: "provider_unreachable" })).toBe(1);
    expect(valueIn("calls_total", { provider: "", error_code: "no_route" })).toBe(1);
    expect(valueIn("calls_total", { route: "", provider: "", error_code: "not_found" })).toBe(1);
    expect(valueIn("calls_total", { provider: "", error_code: "caller_unauthenticated" })).toBe(1);
  });

  it("that are refused are counted by whose rule it was, and by users", () => {
    expect(valueIn("provider_errors_judged_total", { provider: "refusing", by: "general" })).toBe(3);
    expect(valueIn("provider_errors_judged_total", { provider: "main" })).toBeUndefined();
    expect(valueIn("provider_refused_users", { provider: "refusing" })).toBe(2);
    expect(valueIn("provider_refused_users", { provider: "main" })).toBe(0);
  });

  it("that bring a token leave their time", () => {
    expect(valueIn("provider_last_token_timestamp_seconds", { provider: "refusing" })).toBe(0);
    const age = Date.now() / 1000 - (valueIn("provider_last_token_timestamp_seconds", { provider: "main" }) as number);
    expect(Math.abs(age)).toBeLessThan(600);
  });

  it("are counted again if their caller hung up", async () => {
    const { hostname, port } = new URL(host.url);
    const caller = connect(Number(port), hostname);
    provider.answer = () => caller.destroy();
    caller.write(request("POST", "/getToken"));
    const labels = { route: "/getToken", provider: "main", outcome: "error" };
    await expect
      .poll(async () => {
        text = await (await fetch(`${host.adminUrl}/metrics`)).text();
        return valueIn("calls_undelivered_total", labels);
      })
      .toBe(1);
    expect(valueIn("calls_total", { ...labels, error_code: "caller_gone" })).toBe(1);
    expect(samples().filter(({ name }) => name.endsWith("calls_undelivered_total"))).toHaveLength(1);
  });

  it("are timed: the whole call, its token requests and its signatures", () => {
    expect(valueIn("call_duration_seconds_count", { provider: "main" })).toBe(3);
    expect(valueIn("provider_duration_seconds_count", { provider: "main" })).toBe(3);
    expect(valueIn("signing_duration_seconds_count", { provider: "signed" })).toBe(1);
    expect(valueIn("signing_duration_seconds_count", { provider: "main" })).toBeUndefined();
    const whole = valueIn("call_duration_seconds_sum", { provider: "main" }) as number;
    expect(whole).toBeGreaterThan(0);
    expect(valueIn("provider_duration_seconds_sum", { provider: "main" })).toBeLessThanOrEqual(whole);
    expect(valueIn("provider_retries_total", { provider: "down" })).toBe(1);
  });
});

describe("gauges", () => {
  it("show the current state", () => {
    expect(valueIn("build_info", { node: process.versions.node })).toBe(1);
    expect(valueIn("calls_in_flight")).toBe(0);
    for (const name of ["provider_in_flight", "provider_queued", "provider_suspensions_total"]) {
      expect(valueIn(name, { provider: "main" }), name).toBe(0);
    }
    expect(valueIn("provider_breaker_state", { provider: "main", state: "closed" })).toBe(1);
    expect(valueIn("provider_breaker_state", { provider: "main", state: "open" })).toBe(0);
    expect(valueIn("signing_key_created_timestamp_seconds", { kid: "k-1", use: "sign" })).toBe(
      Date.parse("2026-11-01") / 1000,
    );
    expect(valueIn("config_last_reload_successful")).toBe(1);
    expect(valueIn("config_last_reload_timestamp_seconds")).toBeGreaterThan(STARTED_SECONDS);
  });

  it("follow a suspension", async () => {
    for (let i = 0; i < 12; i++) await callGetToken(host.url, { body: { ...CALL, serverid: "down" } });
    text = await (await fetch(`${host.adminUrl}/metrics`)).text();
    expect(valueIn("provider_breaker_state", { provider: "down", state: "open" })).toBe(1);
    expect(valueIn("provider_suspensions_total", { provider: "down" })).toBe(1);
  });
});

describe("names", () => {
  it.skipIf(spawnSync("promtool", ["--version"]).status !== 0)("are accepted by promtool", () => {
    const check = spawnSync("promtool", ["check", "metrics"], { input: text, encoding: "utf8" });
    expect(check).toMatchObject({ status: 0, stderr: "" });
  });

  it("have a help text and a type each, and units where they measure", () => {
    const names = [...text.matchAll(/^# TYPE (token_proxy_\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]);
    expect(names.length).toBeGreaterThan(15);
    for (const [name, type] of names) {
      expect(text).toContain(`# HELP ${name} `);
      if (type === "counter") expect(name).toMatch(/_total$/);
      else expect(name).not.toMatch(/_total$/);
      if (type === "histogram") expect(name).toMatch(/_seconds$/);
    }
  });

  it("are all listed in docs/operations.md", () => {
    const listed = readFileSync("docs/operations.md", "utf8");
    for (const [, name] of text.matchAll(/^# TYPE token_proxy_(\w+) /gm)) expect(listed).toContain(`\`${name}\``);
  });

  it("and labels contain nothing that a caller sent", () => {
    for (const sent of ["made-up", CALL.userid, NONCE, CALL.serverid]) expect(text).not.toContain(sent);
  });
});
