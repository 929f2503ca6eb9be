// The first nextAuth Server of the file that is responsible for a virtual server is asked.

import { expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import type { TlsCredentials, TransportRequest, TransportSettings } from "../../src/core/transport.ts";
import { createNextAuthServers, nextauthKey } from "../../src/nextauth/servers.ts";
import type { NextAuthServerSettings } from "../../src/nextauth/settings.ts";
import { fakeClock, response, thrownBy } from "../support/fakes.ts";

const proxyFor = () => undefined;

/** Servers at https://ns0, https://ns1 and so on, with the API keys key-0, key-1. */
function setUp(settings: Partial<NextAuthServerSettings>[], tls?: TlsCredentials) {
  const requests: TransportRequest[] = [];
  const transports: TransportSettings[] = [];
  const clock = fakeClock();
  const answer = { status: 200 };
  const defaults = { apikey: { env: "APIKEY" }, timeout: 2_000, connect_timeout: 1_000, session_cache: 0 };
  const servers = createNextAuthServers(
    settings.map((changes, index) => ({ url: `https://ns${index}`, ...defaults, ...changes })),
    settings.map((_, index) => ({ apikey: new Secret(`key-${index}`), tls, proxyFor })),
    {
      clock,
      createTransport: (transport) => {
        transports.push(transport);
        return async (request) => {
          requests.push(request);
          return response(answer.status, { loggedin: true, userid: "alice", accountid: 7 });
        };
      },
    },
  );
  return { servers, requests, transports, clock, answer };
}

type Settings = Partial<NextAuthServerSettings>[];

const SEVERAL: Settings = [{ serverids: ["a", "b"] }, { serverids: ["b", "c"] }, {}, { serverids: ["d"] }];

it.each<[string, Settings, string | undefined]>([
  ["b", SEVERAL, "nextauth[0]"],
  ["c", SEVERAL, "nextauth[1]"],
  ["d", SEVERAL, "nextauth[2]"],
  ["anything", [{}], "nextauth"],
  ["c", [{ serverids: ["a"] }, { serverids: ["b"] }], undefined],
  ["a", [], undefined],
])("the server for %s in %j is %s", (serverid, settings, key) => {
  expect(setUp(settings).servers.serverFor(serverid)?.key).toBe(key);
});

it.each<[Settings, string | undefined]>([
  [[{}, { serverid: "b", serverids: ["b"] }], "b"],
  [[{ serverid: "a" }, { serverid: "b" }], "a"],
  [[{}, { serverids: ["a"] }], undefined],
])("takes the default serverid from the first server of %j that has one: %s", (settings, serverid) => {
  expect(setUp(settings).servers.defaultServerid).toBe(serverid);
});

it("asks each server, in the order of the file, with its own URL, API key and transport", async () => {
  const tls = { ca: new Secret("ca") };
  const { servers, requests, transports } = setUp(
    [{}, { serverids: ["a"], connect_timeout: 5, http2: "never", reuse_connections: false }],
    tls,
  );
  for (const { getSession } of servers.all) await getSession("x", "n");
  expect(requests.map(({ url, headers }) => [url, headers["x-apikey"]])).toEqual([
    ["https://ns0/servers/x/sessions/", "key-0"],
    ["https://ns1/servers/x/sessions/", "key-1"],
  ]);
  expect(transports).toMatchObject([
    { key: "nextauth[0]", connect_timeout: 1_000, connections: 256, tls, proxyFor },
    {
      key: "nextauth[1]",
      connect_timeout: 5,
      connections: 256,
      http2: "never",
      reuse_connections: false,
      tls,
      proxyFor,
    },
  ]);
});

it("names the server's key in errors", async () => {
  expect([nextauthKey(0, 1), nextauthKey(0, 2)]).toEqual(["nextauth", "nextauth[0]"]);
  const { servers, answer } = setUp([{ serverids: ["a"] }, {}]);
  answer.status = 500;
  const error = await thrownBy(() => servers.serverFor("b")?.getSession("b", "n"));
  expect((error as Error).message).toContain('"nextauth[1]"');
});

it("remembers sessions for each server separately, as long as the file says", async () => {
  const { servers, requests, clock } = setUp([{ serverids: ["a"], session_cache: 1_000 }, {}]);
  const requestsOf = async (...serverids: string[]) => {
    for (const serverid of serverids) await servers.serverFor(serverid)?.confirmSession(serverid, "n", new Map());
    return requests.splice(0).map(({ url }) => new URL(url).host);
  };
  expect(await requestsOf("a", "a")).toEqual(["ns0"]);
  expect(await requestsOf("b", "b")).toEqual(["ns1", "ns1"]);
  clock.advance(1_000);
  expect(await requestsOf("a")).toEqual(["ns0"]);
});
