// Bodies that arrive slowly, on Node: they take no place of a call, and hinder no other caller.

import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
import { type Host, noticed, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { closeOf, request } from "../support/raw-call.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let host: Host;
let sockets: Socket[] = [];

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
});
beforeEach(async () => {
  const file = {
    server: {
      listen: "127.0.0.1:0",
      admin: "127.0.0.1:0",
      trusted_proxies: ["127.0.0.0/8"],
      max_in_flight: PLACES,
    },
    nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
    webnonce_exchange: {},
  };
  const config = fileConfig(provider.tokenEndpoint, { file });
  host = await startHost(config, { ...SECRETS, NEXTAUTH_APIKEY }, { runtime: "node" });
});
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  sockets = [];
  await host?.close();
});
afterAll(async () => {
  await nextauth?.close();
  await provider?.close();
});

/** server.max_in_flight, fewer than the slow bodies that one address may have. */
const PLACES = 20;
const FORM = "application/x-www-form-urlencoded";

/**
 * Sends a request with one byte of its body. @returns what the proxy says until it closes the
 * connection
 */
function begin(path: string, headers: Record<string, string> = {}): Promise<string> {
  const socket = connect(Number(new URL(host.url).port), "127.0.0.1");
  sockets.push(socket);
  let received = "";
  socket.on("data", (bytes) => {
    received += bytes.toString("latin1");
  });
  socket.write(request("POST", path, { Connection: undefined, "Content-Length": "50", ...headers }, "x"));
  return closeOf(socket).then(() => received);
}

const beginExchange = (address: string) => begin("/token", { "X-Forwarded-For": address, "Content-Type": FORM });

/** Waits until the proxy has read everything that was sent to it. */
async function arrived(): Promise<void> {
  await Promise.all(sockets.filter(({ connecting }) => connecting).map((socket) => once(socket, "connect")));
  await noticed(host);
}

/** A whole exchange that ends with a token. */
function exchange(address: string): Promise<Answered> {
  const code = nextauth.login(SERVERID, ALICE);
  return callGetToken(host.url, {
    path: "/token",
    headers: { "X-apikey": undefined, "X-nonce": undefined, "Content-Type": FORM, "X-Forwarded-For": address },
    body: new URLSearchParams({ grant_type: "authorization_code", code }).toString(),
  });
}

const callWithSession = () => callGetToken(host.url, { headers: { "X-nonce": nextauth.login(SERVERID, ALICE) } });

describe("slow bodies of the exchange", () => {
  it("from 18 addresses hinder neither getToken nor the exchanges of other addresses", async () => {
    const ends: Promise<string>[] = [];
    for (let address = 1; address <= 18; address++) {
      for (let count = 0; count < 60; count++) ends.push(beginExchange(`198.51.100.${address}`));
    }
    await arrived();
    expect(await exchange("203.0.113.1")).toMatchObject({ status: 200 });
    expect(await callWithSession()).toMatchObject({ status: 200 });
    for (const end of ends) expect(await end).toMatch(/^HTTP\/1\.1 (408 .*call_timeout|429 .*rate_limited)/s);
  });
});

describe("slow bodies of getToken", () => {
  it("take no place of a call", async () => {
    const ends = Array.from({ length: PLACES + 1 }, () => begin("/getToken"));
    await arrived();
    expect(await callWithSession()).toMatchObject({ status: 200 });
    for (const end of ends) expect(await end).toMatch(/^HTTP\/1\.1 408 .*call_timeout/s);
  });
});
