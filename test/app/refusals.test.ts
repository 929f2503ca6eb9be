// What is no proper call is refused with its row of the table, before anything goes to the provider.

import { afterEach, describe, expect, it } from "vitest";
import { APIKEY, CALL } from "../support/call.ts";
import { type AppChanges, buildApp, call, ownAnswer, type SentCall, whole } from "./build-app.ts";

let requests: unknown[] = [];
afterEach(() => {
  expect(requests).toHaveLength(0);
});

async function answerTo(sent: SentCall, changes?: AppChanges) {
  const { app, upstream } = await buildApp(changes);
  requests = upstream.requests;
  return whole(await app.request(call(sent)));
}

const UNAUTHENTICATED = { "www-authenticate": 'x-apikey realm="getToken"' };

describe("a caller", () => {
  it("without a key is refused", async () => {
    expect(await answerTo({ headers: { "x-apikey": undefined } })).toEqual(
      ownAnswer(401, "invalid_client", "caller_unauthenticated", "the call has no API key", UNAUTHENTICATED),
    );
  });

  it("with another key is refused", async () => {
    expect(await answerTo({ headers: { "x-apikey": `${APIKEY}x` } })).toEqual(
      ownAnswer(
        401,
        "invalid_client",
        "caller_unauthenticated",
        "the API key of the call belongs to no caller in the configuration",
        UNAUTHENTICATED,
      ),
    );
  });

  it.each([
    ["a user agent", { "user-agent": "nextauth-server" }],
    [
      "forwarding headers",
      { "x-forwarded-for": "127.0.0.1", forwarded: "for=127.0.0.1", "x-original-url": "/healthz" },
    ],
    ["an overriding method", { "x-http-method-override": "GET" }],
    [
      "the key in another header",
      { authorization: `Bearer ${APIKEY}`, "x-api-key": APIKEY, cookie: `x-apikey=${APIKEY}` },
    ],
  ])("is not let in by %s", async (_, headers) => {
    expect(await answerTo({ headers: { ...headers, "x-apikey": undefined } })).toMatchObject({ status: 401 });
  });

  it("is not let in by the key in the query or in the body", async () => {
    const sent = { path: `/getToken?x-apikey=${APIKEY}`, body: { ...CALL, "X-apikey": APIKEY } };
    expect(await answerTo({ ...sent, headers: { "x-apikey": undefined } })).toMatchObject({ status: 401 });
  });

  it.each(["not JSON", "x".repeat(70_000)])("is refused before its body is looked at", async (body) => {
    expect(await answerTo({ headers: { "x-apikey": undefined }, body })).toMatchObject({ status: 401 });
  });

  const file = { callers: { ns: { apikeys: [{ env: "APIKEY" }], serverids: ["a", "b"] } } };
  it.each([{ ...CALL, serverid: "c" }, { userid: "alice" }])("may speak for its serverids alone: %j", async (body) => {
    expect(await answerTo({ body }, { file })).toEqual(
      ownAnswer(403, "access_denied", "caller_not_allowed", "the caller may not speak for the serverid of this call"),
    );
  });
});

describe("a path", () => {
  it.each([
    "/",
    "/gettoken",
    "/getToken/",
    "//getToken",
    "/%67etToken",
    "/getToken%2F",
    "/healthz",
    "/.well-known/jwks.json",
  ])("that is not the binding's letter for letter is unknown: %s", async (path) => {
    expect(await answerTo({ path })).toEqual(
      ownAnswer(
        404,
        "invalid_request",
        "not_found",
        'there is nothing at this path; getToken is at "get_token.path", which must match exactly',
      ),
    );
  });

  it.each(["GET", "HEAD", "OPTIONS", "DELETE"])("that is unknown is so for %s too", async (method) => {
    expect(await answerTo({ path: "/other", method, body: undefined })).toMatchObject({ status: 404 });
  });

  it("with a segment of the binding takes one segment, and no other path", async () => {
    const changes = {
      file: {
        get_token: {
          path: "/servers/{s}/getToken",
          values: { userid: ["body:/userid"], nonce: ["header:x-nonce"], serverid: ["path:s"] },
        },
      },
    };
    for (const path of ["/servers//getToken", "/servers/a/b/getToken", "/servers/getToken", "/Servers/a/getToken"]) {
      expect(await answerTo({ path }, changes), path).toMatchObject({ status: 404 });
    }
  });
});

describe("a method", () => {
  it.each(["GET", "PUT", "DELETE", "PATCH", "OPTIONS"])("other than the binding's is refused: %s", async (method) => {
    const body = method === "GET" ? undefined : CALL;
    expect(await answerTo({ method, body, headers: { "x-apikey": undefined } })).toEqual(
      ownAnswer(405, "invalid_request", "method_not_allowed", "only POST is allowed on this path", {
        allow: "POST",
      }),
    );
  });

  it("HEAD is refused like any other, without a body", async () => {
    expect(await answerTo({ method: "HEAD", body: undefined })).toMatchObject({
      status: 405,
      headers: { allow: "POST" },
      body: "",
    });
  });

  const GET = { file: { get_token: { method: "GET", values: { userid: ["query:u"], nonce: ["header:x-nonce"] } } } };
  it.each(["POST", "HEAD"])("of a binding by GET is GET alone, not %s", async (method) => {
    const sent = { method, path: "/getToken?u=alice", body: undefined };
    expect(await answerTo(sent, GET)).toMatchObject({ status: 405, headers: { allow: "GET" } });
  });
});

describe("a body", () => {
  it("of more than 64 KiB is refused", async () => {
    expect(await answerTo({ body: `{"userid":"${"x".repeat(65_536)}"}` })).toEqual(
      ownAnswer(413, "invalid_request", "call_too_large", "the call's body is larger than 65536 bytes"),
    );
  });

  it("that announces more is refused", async () => {
    expect(await answerTo({ headers: { "content-length": "65537" } })).toMatchObject({ status: 413 });
  });

  it.each<[string, SentCall, string]>([
    ["no JSON", { body: "userid=alice" }, "the call's body is not JSON"],
    ["no type", { headers: { "content-type": "text/plain" } }, "the call's Content-Type must be application/json"],
    ["no userid", { body: {} }, 'the call has no "userid"'],
    ["a userid of the wrong type", { body: { userid: 1 } }, `the call's "userid" must be text`],
    [
      "no nonce, which the provider needs",
      { headers: { "x-nonce": undefined } },
      'the call has no value "nonce", which "providers.main" needs',
    ],
  ])("must hold what the binding says: %s", async (_, sent, description) => {
    expect(await answerTo(sent)).toEqual(ownAnswer(400, "invalid_request", "call_invalid", description));
  });
});

it("a call that no route takes is refused", async () => {
  expect(await answerTo({}, { file: { routes: [{ serverid: "other", provider: "main" }] } })).toEqual(
    ownAnswer(404, "invalid_target", "no_route", 'no entry of "routes" matches the serverid of this call'),
  );
});

it("a refusal repeats nothing of the call", async () => {
  const canary = "Zq7xWv4kPj";
  const calls: SentCall[] = [
    { path: `/${canary}` },
    { method: canary },
    { headers: { "x-apikey": canary } },
    { headers: { "content-type": canary } },
    { headers: { "x-nonce": canary.repeat(60) } },
    { body: canary },
    { body: { userid: `${canary}\n` } },
    { body: { userid: "a", serverid: canary } },
  ];
  for (const sent of calls) {
    const answer = await answerTo(sent, { file: { routes: [{ serverid: "other", provider: "main" }] } });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(JSON.stringify(answer)).not.toContain(canary);
  }
});
