// Limits towards a provider that takes connections and never answers the TLS handshake.

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, startHost } from "../support/host.ts";
import { makeAuthority } from "../support/keys.ts";

/** Takes connections and says nothing on them, so that no TLS handshake ends. */
let silent: Server;
const sockets = new Set<Socket>();
let host: Host | undefined;

beforeAll(async () => {
  silent = createServer((socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => {});
    socket.resume(); // only who reads learns that the other end has closed
  }).listen(0, "127.0.0.1");
  await once(silent, "listening");
});
afterEach(() => host?.close());
afterAll(() => {
  for (const socket of sockets) socket.destroy();
  silent?.close();
});

const endpoint = () => `https://127.0.0.1:${(silent.address() as AddressInfo).port}/token`;
const expectNoSocket = () => expect.poll(() => sockets.size, { timeout: 10_000 }).toBe(0);

it.each([
  ["200ms", 200],
  ["1500ms", 1_500],
])("a connect_timeout of %s ends a TLS handshake that stalls, long before the timeout", async (connect_timeout, ms) => {
  const provider = { connect_timeout, timeout: "20s" };
  host = await startHost(fileConfig(endpoint(), { provider }), SECRETS, { runtime: "node" });
  const started = performance.now();
  // After the timeout it would be provider_timeout.
  expect((await callGetToken(host.url)).json()).toMatchObject({ error_code: "provider_unreachable" });
  expect(performance.now() - started).toBeGreaterThanOrEqual(ms * 0.95);
  await expectNoSocket();
});

it("a timeout ends a call whose TLS handshake stalls, and its connection", async () => {
  const provider = { timeout: "300ms", connect_timeout: "300ms" };
  host = await startHost(fileConfig(endpoint(), { provider }), SECRETS, { runtime: "node" });
  const { error_code } = (await callGetToken(host.url)).json();
  expect(["provider_timeout", "provider_unreachable"]).toContain(error_code);
  await expectNoSocket();
});

it("a tls.ca without a certificate stops the start", async () => {
  const started = startHost(
    fileConfig("https://127.0.0.1:1/token", { provider: { tls: { ca: { env: "CA" } } } }),
    { ...SECRETS, CA: "garbage" },
    { runtime: "node" },
  );
  await expect(started).rejects.toThrow('"providers.main.tls" has a ca that is not a PEM certificate');
  const { certificate } = await makeAuthority();
  host = await startHost(
    fileConfig("https://127.0.0.1:1/token", { provider: { tls: { ca: { env: "CA" } } } }),
    { ...SECRETS, CA: certificate },
    { runtime: "node" },
  );
});
