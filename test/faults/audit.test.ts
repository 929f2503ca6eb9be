// The audit of a real process: what is on the disk after calls, callers that hang up, and a stop.

import { readFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, it } from "vitest";
import { APIKEY, CALL, callGetToken, NONCE } from "../support/call.ts";
import { SECRETS } from "../support/config.ts";
import { token } from "../support/recording-provider.ts";
import { useService } from "../support/service.ts";

const service = useService();
const KEY = "a key of identities with 32 or more characters";
const configure = (file: string) => service.configure({ log: { audit: { file }, identities_key: { env: "KEY" } } });

it("has two lines per token, and knows which response was delivered", async () => {
  await configure("audit.jsonl");
  const path = join(service.folder, "audit.jsonl");
  const { listen } = await service.start({ env: { KEY } });
  const lines = async () =>
    (await readFile(path, "utf8"))
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
  const delivered = await callGetToken(listen);

  // The second caller hangs up while the provider works.
  const { hostname, port } = new URL(listen);
  const caller = connect(Number(port), hostname);
  const sent = new Promise<void>((resolve) => {
    service.provider.answer = (socket, request) => {
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

  const [intent, result, secondIntent, secondResult] = await lines();
  const request_id = delivered.headers["x-request-id"];
  expect(intent).toMatchObject({ event: "token_intent", request_id, caller: "nextauth-server", provider: "main" });
  expect(result).toMatchObject({ event: "token_result", request_id, outcome: "token", delivered: true });
  expect(secondIntent.user).toBe(intent.user);
  expect(secondResult).toMatchObject({ request_id: secondIntent.request_id, delivered: false });
  expect(await readFile(path, "utf8")).not.toContain(NONCE);
});

it("cannot be missing: the start fails and names the key", async () => {
  await configure("missing/audit.jsonl");
  const run = service.run([], { env: { ...SECRETS, KEY } });
  expect(await run.exit()).toBe(2);
  expect(run.stderr()).toContain('"log.audit.file" cannot be written (ENOENT)');
});
