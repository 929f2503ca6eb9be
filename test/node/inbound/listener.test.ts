// The listener's limit of requests on one connection, seen from the wire.

import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type Listener, listen } from "../../../src/node/inbound/listener.ts";
import { closeOf, request } from "../../support/raw-call.ts";

/** src/node/inbound/open-requests.ts: with one more the connection is cut off. */
const MAX_OPEN_REQUESTS = 32;

let listener: Listener | undefined;
afterEach(() => listener?.close(0));

async function startListener() {
  const fetch = async () => {
    await new Promise(setImmediate); // until then all requests of one read are in flight
    return new Response("ok");
  };
  listener = await listen(fetch, { host: "127.0.0.1", port: 0 }, "server.listen");
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
