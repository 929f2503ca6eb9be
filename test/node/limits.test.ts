// Limits towards a provider that takes connections and never answers the TLS handshake.

import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
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

describe("connect_timeout", () => {
  it.each([
    ["200ms", 200],
    ["1500ms", 1_500],
  ])(
    "of %s ends a TLS handshake that never ends, in time and with its socket",
    async (connect_timeout, milliseconds) => {
      const endpoint = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/token`;
      host = await startHost(fileConfig(endpoint, { provider: { connect_timeout } }), SECRETS, { runtime: "node" });
      const started = performance.now();
      expect((await callGetToken(host.url)).json()).toMatchObject({ error_code: "provider_unreachable" });
      const took = performance.now() - started;
      expect(took).toBeGreaterThanOrEqual(milliseconds * 0.95);
      expect(took).toBeLessThan(milliseconds + 400);
      await expect.poll(() => sockets.size).toBe(0);
    },
  );
});

describe("timeout", () => {
  it("ends a call whose connection does not stand, and the connection soon after", async () => {
    const endpoint = `https://127.0.0.1:${(silent.address() as AddressInfo).port}/token`;
    const provider = { timeout: "300ms", connect_timeout: "300ms" };
    host = await startHost(fileConfig(endpoint, { provider }), SECRETS, { runtime: "node" });
    const started = performance.now();
    const { error_code } = (await callGetToken(host.url)).json();
    expect(["provider_timeout", "provider_unreachable"]).toContain(error_code);
    expect(performance.now() - started).toBeLessThan(700);
    await expect.poll(() => sockets.size).toBe(0);
  });
});

describe("tls.ca", () => {
  it("stops the start when it holds no certificate", async () => {
    const started = startHost(
      fileConfig("https://127.0.0.1:1/token", { provider: { tls: { ca: { env: "CA" } } } }),
      { ...SECRETS, CA: "garbage" },
      { runtime: "node" },
    );
    await expect(started).rejects.toThrow('"providers.main.tls" has a ca that is no certificate in PEM');
    const { certificate } = await makeAuthority();
    host = await startHost(
      fileConfig("https://127.0.0.1:1/token", { provider: { tls: { ca: { env: "CA" } } } }),
      { ...SECRETS, CA: certificate },
      { runtime: "node" },
    );
  });
});
