// The nextAuth Server is asked at exactly one URL with exactly these headers, and nothing is sent that would be about something else.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { response, thrownBy } from "../support/fakes.ts";
import { APIKEY, answering, asking, client, LOGGED_IN, NONCE, OPERATIONS, SERVERID, USERID } from "./ask.ts";

/** A text, and what it is as one segment of a path. */
const SEGMENTS = [
  ["a+/b=", "a%2B%2Fb%3D"],
  ["c2VydmVyLTE=", "c2VydmVyLTE%3D"],
  ["%2f", "%252f"],
  ["%2e%2e", "%252e%252e"],
  ["a b", "a%20b"],
  ["ü", "%C3%BC"],
  ["日本", "%E6%97%A5%E6%9C%AC"],
  ["😀", "%F0%9F%98%80"],
  ["a/../b", "a%2F..%2Fb"],
  ["/", "%2F"],
  ["?a=b&c", "%3Fa%3Db%26c"],
  ["a#b", "a%23b"],
  ["a\\b", "a%5Cb"],
  ["a;b:c@d,e", "a%3Bb%3Ac%40d%2Ce"],
  ["..x", "..x"],
  ["x..", "x.."],
  ["...", "..."],
] as const;

const attributes = () => response(200, OPERATIONS.getUserAttributes.good);
const session = () => response(200, LOGGED_IN);

describe("getSession", () => {
  it("is one GET with the apikey and the nonce", async () => {
    const { getSession, requests } = client(session);
    expect(await getSession(SERVERID, NONCE)).toEqual(LOGGED_IN);
    expect(requests).toEqual([
      {
        method: "GET",
        url: "https://ns.example/servers/c2VydmVyLTE%3D/sessions/",
        headers: {
          accept: "application/json",
          "accept-encoding": "identity",
          "user-agent": "nextauth-token-proxy",
          "x-apikey": APIKEY,
          "x-nonce": NONCE,
        },
        timeout: 2_000,
        maxResponseBytes: 65_536,
      },
    ]);
  });

  it.each(SEGMENTS)(
    "has the serverid %j as the one segment %s, with the slash behind the path",
    async (id, segment) => {
      const { getSession, requests } = client(session);
      await getSession(id, NONCE);
      expect(requests[0]?.url).toBe(`https://ns.example/servers/${segment}/sessions/`);
      expect(new URL(requests[0]?.url as string).pathname).toBe(`/servers/${segment}/sessions/`);
    },
  );
});

describe("getUserAttributes", () => {
  it("is one GET with the apikey and no nonce, of whatever type the server makes it", async () => {
    const { getUserAttributes, requests } = client(attributes);
    expect(await getUserAttributes(SERVERID, USERID)).toEqual(new Map([["mail", "a@b.example"]]));
    expect(requests).toEqual([
      {
        method: "GET",
        url: "https://ns.example/servers/c2VydmVyLTE%3D/users/userid-alice/attributes/",
        headers: {
          accept: "application/json, text/plain",
          "accept-encoding": "identity",
          "user-agent": "nextauth-token-proxy",
          "x-apikey": APIKEY,
        },
        timeout: 2_000,
        maxResponseBytes: 65_536,
      },
    ]);
  });

  it.each(SEGMENTS)("has the userid %j as the one segment %s", async (id, segment) => {
    const { getUserAttributes, requests } = client(attributes);
    await getUserAttributes("a/b", id);
    const path = `/servers/a%2Fb/users/${segment}/attributes/`;
    expect(requests[0]?.url).toBe(`https://ns.example${path}`);
    expect(new URL(requests[0]?.url as string).pathname).toBe(path);
  });
});

describe("the server of the file", () => {
  it.each([
    ["https://ns.example:8443", "https://ns.example:8443/servers/a/sessions/"],
    ["https://gateway.example/nextauth/v2", "https://gateway.example/nextauth/v2/servers/a/sessions/"],
    ["http://[::1]:8080/a%20b", "http://[::1]:8080/a%20b/servers/a/sessions/"],
  ])("at %s is asked below it", async (url, expected) => {
    const { getSession, requests } = client(session, { url });
    await getSession("a", NONCE);
    expect(requests[0]?.url).toBe(expected);
  });

  it("is asked in a role where the file names one", async () => {
    const { getSession, getUserAttributes, requests } = client(session, { su: "42" });
    await getSession("a", NONCE);
    await thrownBy(() => getUserAttributes("a", USERID));
    expect(requests.map(({ headers }) => headers["x-su"])).toEqual(["42", "42"]);
  });

  it("has the time that the file gives it", async () => {
    const { getSession, requests } = client(session, { timeout: 250 });
    await getSession("a", NONCE);
    expect(requests[0]?.timeout).toBe(250);
  });

  it("is asked with nothing of the call before", async () => {
    const { getSession, getUserAttributes, requests } = client(session);
    await getSession("a", "first");
    await getSession("b", "second");
    await thrownBy(() => getUserAttributes("a", USERID));
    expect(requests.map(({ headers }) => headers["x-nonce"])).toEqual(["first", "second", undefined]);
  });
});

describe('a name that is "." or ".."', () => {
  it.each<[string, (asked: ReturnType<typeof client>) => Promise<unknown>]>([
    ["of a server", ({ getSession }) => getSession("..", NONCE)],
    ["of a server, one dot", ({ getSession }) => getSession(".", NONCE)],
    ["of a user", ({ getUserAttributes }) => getUserAttributes("a", "..")],
    ["of a user, one dot", ({ getUserAttributes }) => getUserAttributes("a", ".")],
    ["of a user's server", ({ getUserAttributes }) => getUserAttributes("..", USERID)],
  ])("is refused before anything is sent: %s", async (_, ask) => {
    const asked = client(session);
    const error = (await thrownBy(() => ask(asked))) as TokenProxyError;
    expect(error).toBeInstanceOf(TokenProxyError);
    expect(error.code).toBe("call_invalid");
    expect(error.message).toBe('a serverid or userid that is "." or ".." has no place in the nextAuth Server\'s API');
    expect(asked.requests).toEqual([]);
  });
});

it("a user whom the server does not know is none", async () => {
  expect(await asking("getUserAttributes", answering(404, { mail: "a@b.example" }))).toBeUndefined();
});
