// The client of a nextAuth Server: the exact requests, and an error for everything except a proper answer.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { type Delivery, TransportError, type TransportFailure } from "../../src/core/transport.ts";
import { type FakeProvider, fakeConnection, response, thrownBy } from "../support/fakes.ts";
import {
  APIKEY,
  answering,
  asking,
  client,
  LOGGED_IN,
  NONCE,
  OPERATIONS,
  type Operation,
  SERVERID,
  USERID,
} from "./ask.ts";

const HEADERS = { "accept-encoding": "identity", "user-agent": "nextauth-token-proxy", "x-apikey": APIKEY };
const session = () => response(200, LOGGED_IN);

describe("the request", () => {
  it("of getSession is one GET with the apikey and the nonce", async () => {
    const { getSession, requests } = client(session);
    expect(await getSession(SERVERID, NONCE)).toEqual(LOGGED_IN);
    expect(requests).toEqual([
      {
        method: "GET",
        url: "https://ns.example/servers/c2VydmVyLTE%3D/sessions/",
        headers: { ...HEADERS, accept: "application/json", "x-nonce": NONCE },
        timeout: 2_000,
        maxResponseBytes: 65_536,
      },
    ]);
  });

  it("of getUserAttributes is one GET with the apikey and without the nonce of an earlier getSession", async () => {
    const { getSession, getUserAttributes, requests } = client(({ url }) =>
      url.endsWith("/sessions/") ? session() : response(200, OPERATIONS.getUserAttributes.good),
    );
    await getSession(SERVERID, NONCE);
    expect(await getUserAttributes(SERVERID, USERID)).toEqual(new Map([["mail", "a@b.example"]]));
    expect(requests[1]).toEqual({
      method: "GET",
      url: "https://ns.example/servers/c2VydmVyLTE%3D/users/userid-alice/attributes/",
      headers: { ...HEADERS, accept: "application/json, text/plain" },
      timeout: 2_000,
      maxResponseBytes: 65_536,
    });
  });

  it("follows the server's url, role and timeout in the file", async () => {
    const settings = { url: "https://gateway.example:8443/nextauth/v2", su: "42", timeout: 250 };
    const { getSession, requests } = client(session, settings);
    await getSession("a", NONCE);
    expect(requests[0]).toMatchObject({
      url: "https://gateway.example:8443/nextauth/v2/servers/a/sessions/",
      headers: { "x-su": "42" },
      timeout: 250,
    });
  });

  it.each([
    ["a+/b=", "a%2B%2Fb%3D"],
    ["%2e%2e", "%252e%252e"],
    ["ü 😀", "%C3%BC%20%F0%9F%98%80"],
    ["a/../b", "a%2F..%2Fb"],
    ["?a=b&c#d", "%3Fa%3Db%26c%23d"],
    ["a\\b;c", "a%5Cb%3Bc"],
    ["...", "..."],
  ])("has %j as one segment of its path", async (id, segment) => {
    const { getSession, getUserAttributes, requests } = client(session);
    await getSession(id, NONCE);
    await thrownBy(() => getUserAttributes("a/b", id));
    const paths = [`/servers/${segment}/sessions/`, `/servers/a%2Fb/users/${segment}/attributes/`];
    expect(requests.map(({ url }) => url)).toEqual(paths.map((path) => `https://ns.example${path}`));
    expect(requests.map(({ url }) => new URL(url).pathname)).toEqual(paths);
  });

  it.each([".", ".."])("is not sent if the serverid or the userid is %j", async (dots) => {
    const { getSession, getUserAttributes, requests } = client(session);
    for (const ask of [
      () => getSession(dots, NONCE),
      () => getUserAttributes("a", dots),
      () => getUserAttributes(dots, USERID),
    ]) {
      expect(await thrownBy(ask)).toMatchObject({
        code: "call_invalid",
        message: 'the serverid or userid is "." or "..", which has no URL in the nextAuth Server\'s API',
      });
    }
    expect(requests).toEqual([]);
  });

  it.each<[Delivery, number]>([
    ["none", 2],
    ["stale", 2],
    ["some", 1],
  ])("that fails with delivery %s is sent %i time(s)", async (delivery, times) => {
    const { getSession, requests } = client(() => {
      throw new TransportError("unreachable", undefined, delivery);
    });
    await thrownBy(() => getSession(SERVERID, NONCE));
    expect(requests).toHaveLength(times);
  });
});

it("getUserAttributes returns undefined for a user whom the server does not know", async () => {
  expect(await asking("getUserAttributes", answering(404, { mail: "a@b.example" }))).toBeUndefined();
});

const FAILED = { getSession: "session_check_failed", getUserAttributes: "attributes_failed" } as const;
const TIMEOUT = { getSession: "session_check_timeout", getUserAttributes: "attributes_timeout" } as const;
const PERMISSION = {
  getSession: "check its apikey, and that it has the permission 'sessions' for this serverid",
  getUserAttributes: "check its apikey, and that it may read the users of this serverid",
} as const;

async function failureOf(operation: Operation, answer: FakeProvider["answer"]): Promise<TokenProxyError> {
  const error = await thrownBy(() => asking(operation, answer));
  expect(error).toBeInstanceOf(TokenProxyError);
  return error as TokenProxyError;
}

const throwing = (error: Error) => () => {
  throw error;
};

describe.each(Object.keys(OPERATIONS) as Operation[])("%s", (operation) => {
  const at = `${operation}: the nextAuth Server "nextauth[1]"`;
  const redirected = "answered with a redirect, which is never followed: correct its url";

  it.each([
    [201, "answered with status 201"],
    [204, "answered with status 204"],
    [301, redirected],
    [308, redirected],
    [401, `refused the request with status 401: ${PERMISSION[operation]}`],
    [403, `refused the request with status 403: ${PERMISSION[operation]}`],
    [429, "answered with status 429"],
    [500, "answered with status 500"],
    ...(operation === "getSession" ? [[404, "answered with status 404"] as const] : []),
  ] as const)("fails with status %i, whatever the body says", async (status, what) => {
    const error = await failureOf(operation, answering(status, OPERATIONS[operation].good));
    expect(error.code).toBe(FAILED[operation]);
    expect(error.message).toBe(`${at} ${what}`);
    expect(error.detail).toEqual({ nextauth_status: status });
  });

  it.each<[TransportFailure, string]>([
    ["unreachable", "cannot be reached"],
    ["connect_timeout", "did not accept a connection in time"],
    ["timeout", "did not answer in time"],
    ["truncated", "closed the connection in the middle of its answer"],
    ["too_large", "answered with more than 65536 bytes"],
    ["malformed", "answered with invalid HTTP"],
  ])("fails if the exchange fails (%s), and keeps the cause for the log", async (failure, what) => {
    const cause = new Error("connect ECONNREFUSED");
    const error = await failureOf(operation, throwing(new TransportError(failure, cause)));
    expect(error.code).toBe((failure === "timeout" ? TIMEOUT : FAILED)[operation]);
    expect(error.message).toBe(`${at} ${what}`);
    expect(error.cause).toBe(cause);
  });

  it("fails if a 200 has another body", async () => {
    const error = await failureOf(operation, answering(200, "<html>"));
    expect(error.code).toBe(FAILED[operation]);
    expect(error.message).toMatch(
      /^get\w+: the nextAuth Server "nextauth\[1\]" answered with something that is not a /,
    );
    expect(error.detail).toEqual({ nextauth_status: 200 });
  });

  it.each([
    [200, "<html>", true],
    [200, OPERATIONS[operation].good, false],
    [401, "<html>", false],
    [500, "<html>", false],
  ])("closes the connection of an answer that may belong to another request: %i %j", async (status, body, isClosed) => {
    const connection = fakeConnection();
    await asking(operation, () => ({ ...response(status, body), connection })).catch(() => {});
    expect(connection.isTroubled).toBe(isClosed);
  });

  it("throws a bug unchanged", async () => {
    const bug = new TypeError("a bug");
    expect(await thrownBy(() => asking(operation, throwing(bug)))).toBe(bug);
  });

  it("repeats nothing of the call or the answer in an error", async () => {
    const canary = "answer-9xTqLm2R";
    const bodies = [canary, [canary], { [canary]: [canary] }, { loggedin: true, userid: `${canary}\n` }];
    for (const status of [200, 302, 403, 500]) {
      for (const body of bodies) {
        const error = await failureOf(operation, answering(status, body));
        const shown = inspect(error, { depth: 9 }) + JSON.stringify(error) + String(error.stack);
        for (const hidden of [canary, APIKEY, NONCE, USERID, SERVERID, encodeURIComponent(SERVERID)]) {
          expect(shown).not.toContain(hidden);
        }
      }
    }
  });
});
