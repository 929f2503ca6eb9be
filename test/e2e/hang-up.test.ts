// A caller that hangs up ends its call: the running request is cancelled, and no other follows.

import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, beforeEach, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import { ALICE, NEXTAUTH_APIKEY, nextauthConfig, SERVERID } from "../support/nextauth-server.ts";
import { request } from "../support/raw-call.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
/** The nextAuth Server. Here, every session is that of alice. */
let nextauth: RecordingProvider;
let host: Host;

const SESSION = json({ loggedin: true, ...ALICE });
const ATTRIBUTES = json({ branch: "Gent" });

beforeAll(async () => {
  [provider, nextauth] = [await startRecordingProvider(), await startRecordingProvider()];
  const file = { nextauth: nextauthConfig(nextauth, { serverid: SERVERID }) };
  const main = { timeout: "1m", params: { branch: "{{attributes.branch}}" } };
  const secrets = { ...SECRETS, NEXTAUTH_APIKEY };
  host = await startHost(fileConfig(provider.tokenEndpoint, { provider: main, file }), secrets);
});
beforeEach(() => {
  for (const peer of [provider, nextauth]) peer.requests.length = 0;
  provider.answer = token();
  nextauth.answer = (socket, asked) => (asked.url.endsWith("/sessions/") ? SESSION : ATTRIBUTES)(socket, asked);
});
afterAll(async () => {
  await host?.close();
  await provider?.close();
  await nextauth?.close();
});

const lines = () =>
  host
    .output()
    .split("\n")
    .filter((line) => line.includes('"event":"call"'))
    .map((line) => JSON.parse(line.slice(line.indexOf("{"))) as Record<string, unknown>);
const sent = () => [...nextauth.requests, ...provider.requests].map(({ url }) => url);

it("the log says that a response was delivered, where the runtime knows", async () => {
  const { status, headers } = await callGetToken(host.url);
  expect(status).toBe(200);
  const line = () => lines().find(({ request_id }) => request_id === headers["x-request-id"]);
  await expect.poll(line).toMatchObject({ outcome: "token" });
  expect(line()?.delivered).toBe(RUNTIME === "node" ? true : undefined);
});

it.each([
  ["the session check", "/sessions/", 1],
  ["the attributes", "/attributes/", 2],
  ["the token request", "/token", 3],
])("cancels %s, and nothing follows", async (_step, path, count) => {
  const { hostname, port } = new URL(host.url);
  const caller = connect(Number(port), hostname).on("error", () => {});
  const cancelled = new Promise<Socket>((resolve) => {
    for (const peer of [provider, nextauth]) {
      const { answer } = peer;
      peer.answer = (socket, asked) => {
        if (!asked.url.endsWith(path)) return answer(socket, asked);
        socket.once("close", () => resolve(socket));
        // workerd itself only notices a reset. Cloudflare tells it of every end.
        if (RUNTIME === "node") caller.destroy();
        else caller.resetAndDestroy();
      };
    }
  });
  const before = lines().length;
  caller.write(request("POST", "/getToken", { "X-nonce": "n-1" }));
  await cancelled;
  await expect.poll(() => lines().length).toBe(before + 1);
  const outcome = { outcome: "error", error_code: "caller_gone", delivered: false };
  expect(lines().at(-1)).toMatchObject({ ...outcome, attempts: path === "/token" ? 1 : 0 });
  expect(sent()).toHaveLength(count);
});
