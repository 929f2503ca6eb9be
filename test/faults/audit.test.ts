// The audit of a real process: what is on the disk after calls, callers that hang up, and a stop.

import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { startHost } from "../support/host.ts";
import { runCli } from "../support/process.ts";
import { type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let folder: string;
let provider: RecordingProvider;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-audit-"));
  provider = await startRecordingProvider();
});
afterAll(async () => {
  await provider?.close();
  await rm(folder, { recursive: true, force: true });
});

const KEY = "a key of identities with 32 or more characters";
const fileWith = (file: string) =>
  fileConfig(provider.tokenEndpoint, { file: { log: { audit: { file }, identities_key: { env: "KEY" } } } });

it("has two lines per token, and knows which response was delivered", async () => {
  const path = join(folder, "audit.jsonl");
  const host = await startHost(fileWith(path), { ...SECRETS, KEY }, { runtime: "node" });
  const lines = async () =>
    (await readFile(path, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  const delivered = await callGetToken(host.url);

  // The second caller hangs up while the provider works.
  const { answer } = provider;
  const { hostname, port } = new URL(host.url);
  const caller = connect(Number(port), hostname);
  const sent = new Promise<void>((resolve) => {
    provider.answer = (socket, request) => {
      caller.destroy();
      caller.once("close", () => setImmediate(() => token()(socket, request)));
      resolve();
    };
  });
  const body = JSON.stringify(CALL);
  const headers = `Host: proxy\r\nX-apikey: ${APIKEY}\r\nX-nonce: ${NONCE}\r\nContent-Type: application/json`;
  caller.write(`POST /getToken HTTP/1.1\r\n${headers}\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  await sent;
  await expect.poll(async () => (await lines()).length, { timeout: 10_000 }).toBe(4);
  provider.answer = answer;
  await host.close();

  const [intent, result, secondIntent, secondResult] = await lines();
  const request_id = delivered.headers["x-request-id"];
  expect(intent).toMatchObject({ event: "token_intent", request_id, caller: "nextauth-server", provider: "main" });
  expect(result).toMatchObject({ event: "token_result", request_id, outcome: "token", delivered: true });
  expect(secondIntent.user).toBe(intent.user);
  expect(secondResult).toMatchObject({ request_id: secondIntent.request_id, delivered: false });
  expect(await readFile(path, "utf8")).not.toContain(NONCE);
});

it("cannot be missing: the start fails and names the key", async () => {
  const path = join(folder, "token-proxy.yaml");
  await writeFile(path, JSON.stringify(fileWith(join(folder, "missing", "audit.jsonl"))));
  const run = runCli(["start", "--config", path], { env: { ...SECRETS, KEY } });
  expect(await run.exit()).toBe(2);
  expect(run.stderr()).toContain('"log.audit.file" cannot be written (ENOENT)');
});
