// Each virtual server belongs to the first nextAuth Server of the file that answers for it, and an error names that one's key.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import type { TlsCredentials, TransportRequest, TransportSettings } from "../../src/core/transport.ts";
import { createNextAuthServers, type NextAuthServerSettings, nextauthKey } from "../../src/nextauth/servers.ts";
import { fakeClock, response, thrownBy } from "../support/fakes.ts";
import { LOGGED_IN } from "./ask.ts";

/** Servers at https://ns0, https://ns1 and so on, with the keys key-0, key-1; each asked notes its request. */
function setUp(settings: Partial<NextAuthServerSettings>[], tls?: TlsCredentials) {
  const requests: TransportRequest[] = [];
  const transports: TransportSettings[] = [];
  const clock = fakeClock();
  const answer = { status: 200 };
  const servers = createNextAuthServers(
    settings.map((changes, index) => ({
      url: `https://ns${index}`,
      timeout: 2_000,
      connect_timeout: 1_000,
      session_cache: 0,
      ...changes,
    })),
    settings.map((_, index) => ({ apikey: new Secret(`key-${index}`), tls })),
    {
      clock,
      createTransport: (transport) => {
        transports.push(transport);
        return async (request) => {
          requests.push(request);
          return response(answer.status, LOGGED_IN);
        };
      },
    },
  );
  /** The place in the file of the server that is asked about a session of this virtual server. */
  const placeOf = async (serverid: string) => {
    await servers.serverFor(serverid)?.getSession(serverid, "n");
    const request = requests.pop();
    if (request === undefined) return undefined;
    const place = Number(/^https:\/\/ns(\d)/.exec(request.url)?.[1]);
    expect(request.headers["x-apikey"]).toBe(`key-${place}`);
    return place;
  };
  return { servers, placeOf, requests, transports, clock, answer };
}

describe("the nextAuth Server of a call", () => {
  const SEVERAL = [{ serverids: ["a", "b"] }, { serverids: ["c"] }, {}];

  it.each([
    ["a", 0],
    ["b", 0],
    ["c", 1],
    ["d", 2],
    ["A", 2],
    ["", 2],
    ["__proto__", 2],
    ["constructor", 2],
  ])("with the serverid %j is the one at place %i", async (serverid, place) => {
    expect(await setUp(SEVERAL).placeOf(serverid)).toBe(place);
  });

  it("is the only one there is, where that answers for all", async () => {
    expect(await setUp([{}]).placeOf("anything")).toBe(0);
  });

  it("is none, where none answers for its serverid", () => {
    expect(setUp([{ serverids: ["a"] }, { serverids: ["b"] }]).servers.serverFor("c")).toBeUndefined();
    expect(setUp([{ serverids: ["a"] }]).servers.serverFor("toString")).toBeUndefined();
    expect(setUp([]).servers.serverFor("a")).toBeUndefined();
  });

  it("is the first that answers for its serverid", async () => {
    expect(await setUp([{ serverids: ["a"] }, { serverids: ["a", "b"] }]).placeOf("a")).toBe(0);
    expect(await setUp([{ serverids: ["a"] }, { serverids: ["a", "b"] }]).placeOf("b")).toBe(1);
  });

  it("is never one below another that answers for all", async () => {
    expect(await setUp([{}, { serverids: ["a"] }]).placeOf("a")).toBe(0);
    expect(await setUp([{}, {}]).placeOf("a")).toBe(0);
    expect(await setUp([{ serverids: ["a"] }, {}, { serverids: ["b"] }]).placeOf("b")).toBe(1);
  });
});

describe("the serverid of a call that names none", () => {
  it.each<[string, Partial<NextAuthServerSettings>[], string | undefined]>([
    ["the one of the only server", [{ serverid: "a" }], "a"],
    ["the one of whichever server has one", [{}, { serverid: "b", serverids: ["b"] }], "b"],
    ["the first", [{ serverid: "a" }, { serverid: "b" }], "a"],
    ["none without one in the file", [{}, { serverids: ["a"] }], undefined],
    ["none without a nextAuth Server", [], undefined],
  ])("is %s", (_, settings, serverid) => {
    expect(setUp(settings).servers.defaultServerid).toBe(serverid);
  });
});

describe("errors", () => {
  it("name the key as it stands in the file: without a number for the only one", () => {
    expect(nextauthKey(0, 1)).toBe("nextauth");
    expect([0, 1, 2].map((index) => nextauthKey(index, 3))).toEqual(["nextauth[0]", "nextauth[1]", "nextauth[2]"]);
  });

  it.each([
    [[{}], "a", "nextauth"],
    [[{ serverids: ["a"] }, {}], "a", "nextauth[0]"],
    [[{ serverids: ["a"] }, {}], "b", "nextauth[1]"],
  ])("of %j about %s name %s", async (settings, serverid, key) => {
    const { servers, answer } = setUp(settings);
    answer.status = 500;
    for (const ask of ["getSession", "getUserAttributes", "confirmSession"] as const) {
      const error = await thrownBy(() => servers.serverFor(serverid)?.[ask](serverid, "n", new Map()));
      expect(error).toBeInstanceOf(TokenProxyError);
      expect((error as Error).message).toContain(`the nextAuth Server "${key}" answered with status 500`);
    }
  });
});

it("all of them are given in the order of the file, those that are never reached included", async () => {
  const { servers, requests } = setUp([{}, { serverids: ["a"] }]);
  for (const { getSession } of servers.all) await getSession("x", "n");
  expect(requests.map(({ url }) => url)).toEqual([
    "https://ns0/servers/x/sessions/",
    "https://ns1/servers/x/sessions/",
  ]);
});

it("each has a transport of its own, with the time and the certificate that the file gives it", () => {
  const tls = { ca: new Secret("ca") };
  expect(setUp([{}, { connect_timeout: 5 }], tls).transports).toEqual([
    { connect_timeout: 1_000, connections: 256, tls },
    { connect_timeout: 5, connections: 256, tls },
  ]);
});

it("each remembers sessions for as long as the file says, and shares them with no other", async () => {
  const { servers, requests, clock } = setUp([{ serverids: ["a"], session_cache: 1_000 }, {}]);
  const confirm = (serverid: string) => servers.serverFor(serverid)?.confirmSession(serverid, "n", new Map());
  const urls = () => requests.splice(0).map(({ url }) => url);
  await confirm("a");
  await confirm("a");
  expect(urls()).toEqual(["https://ns0/servers/a/sessions/"]);
  await confirm("b");
  await confirm("b");
  expect(urls()).toEqual(["https://ns1/servers/b/sessions/", "https://ns1/servers/b/sessions/"]);
  clock.advance(1_000);
  await confirm("a");
  expect(urls()).toHaveLength(1);
});
