// A request whose connection is over before it is begun is not begun.

import { once } from "node:events";
import { connect } from "node:net";
import { afterEach, expect, it } from "vitest";
import { type Listener, listen } from "../../../../src/platform/node/listener.ts";
import { closeOf, request } from "../../../support/raw-call.ts";

/** src/platform/node/open-requests.ts: with one more the connection is cut off. */
const MAX_OPEN_REQUESTS = 32;

let listener: Listener | undefined;
afterEach(() => listener?.close(0));

async function startListener() {
  const begun: string[] = [];
  const fetch = ({ headers }: Request) => {
    begun.push(headers.get("x-name") as string);
    return new Response("ok");
  };
  listener = await listen(fetch, { host: "127.0.0.1", port: 0 }, "server.listen");
  return { begun, port: Number(new URL(listener.url).port), listener };
}

it("those of a connection that is cut off for their number are let go, and its neighbours are answered", async () => {
  const { begun, port, listener } = await startListener();
  const named = (name: string) => request("POST", "/", { "X-name": name, Connection: "keep-alive" });
  const [many, other] = [connect(port, "127.0.0.1"), connect(port, "127.0.0.1")];
  const closed = closeOf(many);
  many.write(named("many").repeat(MAX_OPEN_REQUESTS + 1));
  other.write(named("other"));
  expect(String((await once(other, "data"))[0])).toMatch(/^HTTP\/1\.1 200 /);
  await closed;
  expect(begun).toEqual(["other"]);
  expect(listener.inFlight()).toBe(0);
  other.destroy();
});
