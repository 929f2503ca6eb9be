// The listener's limit of requests on one connection, seen from the wire.

import { once } from "node:events";
import { connect } from "node:net";
import type { HttpBindings } from "@hono/node-server";
import { afterEach, expect, it } from "vitest";
import { type Listener, listen } from "../../../src/node/inbound/listener.ts";
import { closeOf, request } from "../../support/raw-call.ts";

/** src/node/inbound/listener.ts: with one more the connection is cut off. */
const MAX_OPEN_REQUESTS = 32;

let listener: Listener | undefined;
afterEach(() => listener?.close(0));

async function startListener(host = "127.0.0.1") {
  const fetch = async (_request: Request, env: unknown) => {
    await new Promise(setImmediate); // until then all requests of one read are in flight
    return new Response(listener?.isOutdated((env as HttpBindings).incoming.socket) === true ? "outdated" : "current");
  };
  listener = await listen(fetch, { host, port: 0 }, "server.listen");
  return { port: Number(new URL(listener.url).port), listener };
}

const REQUEST = request("POST", "/", { Connection: "keep-alive" });

it.each([
  ["sends more requests than the limit", REQUEST.repeat(MAX_OPEN_REQUESTS + 1)],
  ["sends something that is not HTTP", `${REQUEST}no request\r\n\r\n`],
])("a connection that %s is closed, and its neighbours are answered", async (_what, bytes) => {
  const { port, listener } = await startListener();
  const [cut, other] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  const closed = closeOf(cut);
  cut.resume().write(bytes);
  other.write(REQUEST);
  expect(String((await once(other, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  await closed;
  await expect.poll(() => listener.inFlight(), { timeout: 10_000 }).toBe(0);
  other.destroy();
});

it("closes the idle ones of outdated connections at once, and the others with their next response", async () => {
  const { port, listener } = await startListener("0.0.0.0");
  /** From one port to two addresses of ours. */
  const open = async (host: string, localPort?: number) => {
    const socket = connect({ port, host, localAddress: "127.0.0.1", ...(localPort && { localPort }) });
    await once(socket, "connect");
    const answer = async () => {
      let text = "";
      socket.write(REQUEST);
      while (!/(current|outdated)$/.test(text)) text += String((await once(socket, "data"))[0]);
      return text;
    };
    return { socket, answer, closed: closeOf(socket) };
  };
  const [idle, silent] = [await open("127.0.0.1"), await open("127.0.0.1")];
  expect(await idle.answer()).toMatch(/keep-alive.*current$/s);
  listener.outdateConnections();
  await idle.closed;
  const later = await open("127.0.0.2", silent.socket.localPort);
  expect(await later.answer()).toMatch(/keep-alive.*current$/s);
  expect(await silent.answer()).toMatch(/Connection: close.*outdated$/s);
  await silent.closed;
  expect(await later.answer()).toMatch(/keep-alive.*current$/s);
  later.socket.destroy();
});

it.each([
  ["by the application", "", 401],
  ["because of an unknown expectation", "a-token", 417],
])(
  "a connection answered before its body has arrived, %s, closes and takes no other request",
  async (_, Expect, status) => {
    let calls = 0;
    const fetch = async () => {
      calls += 1;
      return new Response(null, { status: 401 });
    };
    listener = await listen(fetch, { host: "127.0.0.1", port: 0 }, "server.listen");
    const socket = connect({ port: Number(new URL(listener.url).port), host: "127.0.0.1", allowHalfOpen: true });
    const body = "b".repeat(10_000);
    const headers = { Connection: "keep-alive", "Content-Length": String(body.length), ...(Expect && { Expect }) };
    socket.write(request("POST", "/", headers, ""));
    let text = "";
    for await (const chunk of socket.iterator({ destroyOnReturn: false })) text += chunk;
    const [head] = text.split("\r\n\r\n", 1);
    expect([head?.slice(0, 12), head]).toEqual([
      `HTTP/1.1 ${status}`,
      expect.stringContaining("\r\nConnection: close"),
    ]);
    calls = 0;
    socket.end(body + REQUEST); // a load balancer may use it all the same
    await listener.close(10_000);
    expect(calls).toBe(0);
  },
);
