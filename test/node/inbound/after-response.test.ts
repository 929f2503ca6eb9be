// What the end of a response says: it was sent completely, or its caller hung up before.

import { connect } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNodeInbound } from "../../../src/node/inbound/inbound.ts";
import { type Listener, listen } from "../../../src/node/inbound/listener.ts";

const { afterResponse } = createNodeInbound([]);

let listener: Listener;
/** By path: whether the response was delivered. */
const ended = new Map<string, boolean | undefined>();
let respond: (path: string) => Response | Promise<Response>;

beforeEach(async () => {
  ended.clear();
  listener = await listen(
    async (request, env) => {
      const { pathname } = new URL(request.url);
      try {
        return await respond(pathname);
      } finally {
        afterResponse(request, env, (delivered) => ended.set(pathname, delivered));
      }
    },
    { host: "127.0.0.1", port: 0 },
    "server.listen",
  );
});
afterEach(async () => void (await listener.close(0)));

/** A caller that sends these requests at once. */
function call(...paths: string[]) {
  const { hostname, port } = new URL(listener.url);
  const socket = connect(Number(port), hostname);
  socket.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: proxy\r\n\r\n`).join(""));
  return socket;
}

it("is known once a response was sent, on a connection that stays open", async () => {
  respond = () => new Response("ok");
  call("/a", "/b");
  await expect
    .poll(() => [...ended])
    .toEqual([
      ["/a", true],
      ["/b", true],
    ]);
});

describe("a caller that hangs up", () => {
  it.each([
    ["before its response", ["/a"]],
    ["before the response to an earlier request on its connection", ["/a", "/b", "/c"]],
  ])("%s gets none", async (_when, paths) => {
    const { promise: closed, resolve } = Promise.withResolvers<Response>();
    const asked: string[] = [];
    respond = (path) => {
      asked.push(path);
      return path === "/b" ? new Response("ok") : closed.then((response) => response.clone());
    };
    const caller = call(...paths);
    await expect.poll(() => asked.length).toBe(paths.length);
    caller.destroy();
    await expect.poll(() => listener.inFlight()).toBe(0);
    resolve(new Response("late"));
    await expect.poll(() => Object.fromEntries(ended)).toEqual(Object.fromEntries(paths.map((path) => [path, false])));
  });

  it("in the middle of its response has not got all of it", async () => {
    respond = () => new Response(new Uint8Array(64 * 1_024 * 1_024));
    const caller = call("/a");
    caller.once("data", () => caller.destroy());
    await expect.poll(() => ended.get("/a")).toBe(false);
  });
});
