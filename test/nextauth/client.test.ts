// The client of a nextAuth Server: the exact requests, and an error for everything except a proper
// answer.

import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { type Delivery, TransportError, type TransportFailure } from "../../src/core/transport.ts";
import { createNextAuthClient } from "../../src/nextauth/client.ts";
import type { NextAuthServerSettings } from "../../src/nextauth/settings.ts";
import { type FakeProvider, fakeClock, fakeConnection, fakeProvider, response, thrownBy } from "../support/fakes.ts";

// Easy to find in output.
const APIKEY = "apikey-Zq7xWv4kPj";
const SERVERID = "c2VydmVyLTE=";
const NONCE = "nonce-5f1d7a84db00";
const USERID = "userid-alice";
const LOGGED_IN = { loggedin: true, userid: USERID, accountid: 7 };
const ATTRIBUTES = { mail: "a@b.example" };

type Answer = FakeProvider["answer"];

const answering = (status: number, body: unknown) => () => response(status, body);
const throwing = (error: Error) => () => Promise.reject(error);

function setUp(answer: Answer, settings: Partial<NextAuthServerSettings> = {}) {
  const { createTransport, requests } = fakeProvider(answer);
  const transport = createTransport({ connect_timeout: 1, connections: 1 });
  const whole = { url: "https://ns.example", timeout: 2_000, ...settings };
  return { ...createNextAuthClient(whole, new Secret(APIKEY), "nextauth[1]", transport, fakeClock()), requests };
}

const OPERATIONS = {
  getSession: {
    good: LOGGED_IN,
    ask: (answer: Answer) => setUp(answer).getSession(SERVERID, NONCE),
    failed: "session_check_failed",
    timedOut: "session_check_timeout",
    permission: "has the permission 'sessions' for this serverid",
  },
  getUserAttributes: {
    good: ATTRIBUTES,
    ask: (answer: Answer) => setUp(answer).getUserAttributes(SERVERID, USERID),
    failed: "attributes_failed",
    timedOut: "attributes_timeout",
    permission: "may read the users of this serverid",
  },
};

describe("the request", () => {
  it("is one GET with the apikey, and only for getSession with the nonce", async () => {
    const { getSession, getUserAttributes, requests } = setUp(({ url }) =>
      response(200, url.endsWith("/sessions/") ? LOGGED_IN : ATTRIBUTES),
    );
    expect(await getSession(SERVERID, NONCE)).toEqual(LOGGED_IN);
    expect(await getUserAttributes(SERVERID, USERID)).toEqual(new Map(Object.entries(ATTRIBUTES)));
    const headers = { "accept-encoding": "identity", "user-agent": "nextauth-token-proxy", "x-apikey": APIKEY };
    const common = { method: "GET", timeout: 2_000, maxResponseBytes: 65_536 };
    expect(requests).toEqual([
      {
        ...common,
        url: "https://ns.example/servers/c2VydmVyLTE%3D/sessions/",
        headers: { ...headers, accept: "application/json", "x-nonce": NONCE },
      },
      {
        ...common,
        url: "https://ns.example/servers/c2VydmVyLTE%3D/users/userid-alice/attributes/",
        headers: { ...headers, accept: "application/json, text/plain" },
      },
    ]);
  });

  it("follows the server's url, role and timeout in the file", async () => {
    const settings = { url: "https://gateway.example:8443/nextauth/v2", su: "42", timeout: 250 };
    const { getSession, requests } = setUp(answering(200, LOGGED_IN), settings);
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
    ["...", "..."],
  ])("has %j as one segment of its path", async (id, segment) => {
    const { getSession, getUserAttributes, requests } = setUp(answering(200, LOGGED_IN));
    await getSession(id, NONCE);
    await thrownBy(() => getUserAttributes("a/b", id));
    const paths = [`/servers/${segment}/sessions/`, `/servers/a%2Fb/users/${segment}/attributes/`];
    expect(requests.map(({ url }) => url)).toEqual(paths.map((path) => `https://ns.example${path}`));
    expect(requests.map(({ url }) => new URL(url).pathname)).toEqual(paths);
  });

  it.each([".", ".."])("is not sent if the serverid or the userid is %j", async (dots) => {
    const { getSession, getUserAttributes, requests } = setUp(answering(200, LOGGED_IN));
    const message = 'the serverid or userid is "." or "..", which has no URL in the nextAuth Server\'s API';
    for (const ask of [
      () => getSession(dots, NONCE),
      () => getUserAttributes("a", dots),
      () => getUserAttributes(dots, USERID),
    ]) {
      expect(await thrownBy(ask)).toMatchObject({ code: "call_invalid", message });
    }
    expect(requests).toEqual([]);
  });

  it.each<[Delivery, number]>([
    ["none", 2],
    ["stale", 2],
    ["some", 1],
  ])("that fails with delivery %s is sent %i time(s)", async (delivery, times) => {
    const { getSession, requests } = setUp(throwing(new TransportError("unreachable", undefined, delivery)));
    await thrownBy(() => getSession(SERVERID, NONCE));
    expect(requests).toHaveLength(times);
  });
});

describe.each(Object.entries(OPERATIONS))("%s", (name, { good, ask, failed, timedOut, permission }) => {
  const at = `${name}: the nextAuth Server "nextauth[1]"`;
  const redirected = "answered with a redirect, which is never followed: correct its url";

  async function failureOf(answer: Answer): Promise<TokenProxyError> {
    const error = await thrownBy(() => ask(answer));
    expect(error).toBeInstanceOf(TokenProxyError);
    return error as TokenProxyError;
  }

  it.each([
    [204, "answered with status 204"],
    [301, redirected],
    [308, redirected],
    [401, `refused the request with status 401: check its apikey, and that it ${permission}`],
    [403, `refused the request with status 403: check its apikey, and that it ${permission}`],
    [429, "answered with status 429"],
    [500, "answered with status 500"],
  ])("fails with status %i, whatever the body says", async (status, what) => {
    const { code, message, detail } = await failureOf(answering(status, good));
    expect([code, message, detail]).toEqual([failed, `${at} ${what}`, { nextauth_status: status }]);
  });

  it.each<[TransportFailure, string]>([
    ["unreachable", "cannot be reached"],
    ["proxy_refused", "was not reached: the egress proxy refuses; allow its host there, or check proxy"],
    ["connect_timeout", "did not accept a connection in time"],
    ["timeout", "did not answer in time"],
    ["late", "could not answer in time, because this proxy was paused"],
    ["truncated", "closed the connection in the middle of its answer"],
    ["too_large", "sent an answer that is too large"],
    ["malformed", "sent an answer that is not valid HTTP"],
  ])("fails if the request fails (%s), and keeps the cause for the log", async (failure, what) => {
    const error = new Error("connect ECONNREFUSED");
    const { code, message, cause } = await failureOf(throwing(new TransportError(failure, error)));
    expect([code, message]).toEqual([["timeout", "late"].includes(failure) ? timedOut : failed, `${at} ${what}`]);
    expect(cause).toBe(error);
  });

  it("fails if a 200 has another body", async () => {
    const { code, message, detail } = await failureOf(answering(200, "<html>"));
    expect([code, detail]).toEqual([failed, { nextauth_status: 200 }]);
    expect(message).toContain(`${at} answered with something that is not a `);
  });

  it.each([
    [200, "<html>", true],
    [200, good, false],
    [401, "<html>", false],
    [500, "<html>", false],
  ])("closes the connection of an answer that may belong to another request: %i %j", async (status, body, isClosed) => {
    const connection = fakeConnection();
    await ask(() => ({ ...response(status, body), connection })).catch(() => {});
    expect(connection.isTroubled).toBe(isClosed);
  });

  it("throws a bug unchanged", async () => {
    const bug = new TypeError("a bug");
    expect(await thrownBy(() => ask(throwing(bug)))).toBe(bug);
  });

  it("repeats nothing of the call or the answer in an error", async () => {
    const canary = "answer-9xTqLm2R";
    const bodies = [canary, [canary], { [canary]: [canary] }, { loggedin: true, userid: `${canary}\n` }];
    for (const status of [200, 302, 403, 500]) {
      for (const body of bodies) {
        const error = await failureOf(answering(status, body));
        const shown = inspect(error, { depth: 9 }) + JSON.stringify(error) + String(error.stack);
        for (const hidden of [canary, APIKEY, NONCE, USERID, SERVERID, encodeURIComponent(SERVERID)]) {
          expect(shown).not.toContain(hidden);
        }
      }
    }
  });
});

it("a 404 means for getUserAttributes that the server does not know the user, and fails getSession", async () => {
  expect(await OPERATIONS.getUserAttributes.ask(answering(404, ATTRIBUTES))).toBeUndefined();
  const error = await thrownBy(() => OPERATIONS.getSession.ask(answering(404, LOGGED_IN)));
  expect(error).toMatchObject({ code: "session_check_failed", detail: { nextauth_status: 404 } });
});
