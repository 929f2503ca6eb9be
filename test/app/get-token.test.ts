// A proper call is answered with the provider's bytes, or with the error that its failure has in the table.

import { describe, expect, it } from "vitest";
import { TransportError, type TransportResponse } from "../../src/core/transport.ts";
import { NONCE } from "../support/call.ts";
import { fakeProvider, response } from "../support/fakes.ts";
import { buildApp, COMMON_HEADERS, call, ownAnswer, TOKEN, TOKEN_ENDPOINT, whole } from "./build-app.ts";

describe("a proper call", () => {
  it("becomes one token request, and its answer the caller's", async () => {
    const { app, upstream } = await buildApp();
    expect(await whole(await app.request(call()))).toEqual({
      status: 200,
      headers: { ...COMMON_HEADERS, "content-type": "application/json" },
      body: TOKEN,
    });
    expect(upstream.requests).toEqual([
      {
        method: "POST",
        url: TOKEN_ENDPOINT,
        headers: {
          accept: "application/json",
          "accept-encoding": "identity",
          authorization: `Basic ${btoa("token-proxy:s3cret+of+the+client")}`,
          "content-type": "application/x-www-form-urlencoded",
          "user-agent": "nextauth-token-proxy",
        },
        body: `grant_type=urn%3Aexample%3Auser&userid=alice&nonce=${NONCE}`,
        timeout: 5_000,
        maxResponseBytes: 65_536,
      },
    ]);
  });

  it.each([
    ["odd spacing, escapes and a line break", ' {"access_token" : "\\u0074", "n":9007199254740993}\r\n'],
    ["a byte order mark", '\ufeff{"access_token":"t"}'],
    ["duplicate members", '{"access_token":"a","access_token":"b"}'],
    ["text that is not ASCII", '{"access_token":"té😀"}'],
  ])("gets the bytes as they came, with %s", async (_, text) => {
    const { app, upstream } = await buildApp();
    upstream.answer = () => response(200, text);
    const answer = await app.request(call());
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(Buffer.from(text));
  });

  it("gets nothing of the provider's headers but the type of the body", async () => {
    const { app, upstream } = await buildApp();
    upstream.answer = () =>
      response(201, TOKEN, {
        "content-type": "application/json;charset=UTF-8",
        "set-cookie": "a=b",
        server: "vendor",
        "cache-control": "public",
        "x-request-id": "theirs",
        "content-encoding": "gzip",
        "content-length": "999",
        location: "https://idp.example",
      });
    expect(await whole(await app.request(call()))).toEqual({
      status: 201,
      headers: { ...COMMON_HEADERS, "content-type": "application/json;charset=UTF-8" },
      body: TOKEN,
    });
  });

  it("is answered for its own user also where two are under way", async () => {
    const { app, upstream } = await buildApp();
    const waiting: (() => void)[] = [];
    upstream.answer = async ({ body }) => {
      await new Promise<void>((resolve) => waiting.push(resolve));
      return response(200, { access_token: new URLSearchParams(body).get("userid") });
    };
    const answers = ["alice", "bob"].map((userid) => app.request(call({ body: { userid } })));
    while (waiting.length < 2) await new Promise(setImmediate);
    for (const go of waiting.reverse()) go();
    expect(await Promise.all(answers.map(async (answer) => (await answer).text()))).toEqual([
      '{"access_token":"alice"}',
      '{"access_token":"bob"}',
    ]);
  });
});

describe("a provider's no for this user", () => {
  it.each([
    [400, 400],
    [403, 403],
    [200, 403],
  ])("with status %i is passed on with %i, byte for byte", async (status, relayed) => {
    const body = '{ "error":"mfa_required", "mfa_token":"Fe26...Ha"}\n';
    const { app, upstream } = await buildApp();
    upstream.answer = () => response(status, body, { "content-type": "application/json; charset=utf-8" });
    expect(await whole(await app.request(call()))).toEqual({
      status: relayed,
      headers: { ...COMMON_HEADERS, "content-type": "application/json; charset=utf-8" },
      body,
    });
  });

  it("goes by the file's user_errors and proxy_errors", async () => {
    const { app, upstream } = await buildApp({
      provider: { user_errors: ["invalid_request"], proxy_errors: ["invalid_grant"] },
    });
    upstream.answer = () => response(400, { error: "invalid_request" });
    expect((await app.request(call())).status).toBe(400);
    upstream.answer = () => response(400, { error: "invalid_grant" });
    expect((await app.request(call())).status).toBe(502);
  });
});

const PROVIDER = 'the provider "providers.main"';

describe("a provider's failure", () => {
  it.each<[string, TransportResponse, ReturnType<typeof ownAnswer>]>([
    [
      "refuses the proxy",
      response(401, { error: "invalid_client" }),
      ownAnswer(
        502,
        "server_error",
        "provider_rejected_proxy",
        `${PROVIDER} rejects this proxy: check its client_id, client_secret, token_endpoint_auth_method, grant_type, scope and params`,
      ),
    ],
    [
      "limits the proxy",
      response(429, "<html>", { "retry-after": "7" }),
      ownAnswer(503, "temporarily_unavailable", "provider_busy", `${PROVIDER} limits the requests of this proxy`, {
        "retry-after": "7",
      }),
    ],
  ])("is told when it %s", async (_, answer, expected) => {
    const { app, upstream } = await buildApp();
    upstream.answer = () => answer;
    expect(await whole(await app.request(call()))).toEqual(expected);
    expect(upstream.requests).toHaveLength(1);
  });

  it("is told when there is no answer, and not tried again", async () => {
    const { app, upstream } = await buildApp();
    upstream.answer = () => {
      throw new TransportError("timeout", new Error("inside"));
    };
    expect(await whole(await app.request(call()))).toEqual(
      ownAnswer(504, "server_error", "provider_timeout", `${PROVIDER} did not answer in time`),
    );
    expect(upstream.requests).toHaveLength(1);
  });

  it("is told when it answers with a status that no body may follow", async () => {
    const { app, upstream, lines } = await buildApp();
    upstream.answer = () => response(205, TOKEN);
    const answer = await app.request(call());
    expect(answer.status).toBe(502);
    expect(lines).toHaveLength(1);
  });

  it("of one leaves calls to another alone", async () => {
    const second = {
      token_endpoint: "https://other.example/token",
      client_id: "x",
      client_secret: { env: "CLIENT_SECRET" },
      grant_type: "x",
    };
    const main = {
      issuer: "https://idp.example",
      client_id: "x",
      client_secret: { env: "CLIENT_SECRET" },
      grant_type: "x",
    };
    const file = { providers: { main, second }, routes: [{ serverid: "a", provider: "main" }, { provider: "second" }] };
    const { app, upstream } = await buildApp({ file });
    upstream.answer = ({ url }) => {
      if (url.startsWith("https://idp.example")) throw new TransportError("unreachable");
      return response(200, TOKEN);
    };
    const statuses = await Promise.all(
      ["a", "b"].map(async (serverid) => (await app.request(call({ body: { userid: "u", serverid } }))).status),
    );
    expect(statuses).toEqual([502, 200]);
  });
});

describe("with discovery", () => {
  const provider = { token_endpoint: undefined, issuer: "https://idp.example" };
  const metadata = { issuer: "https://idp.example", token_endpoint: "https://idp.example/discovered" };

  it("the endpoint is looked up for the first call and remembered", async () => {
    const { app, upstream } = await buildApp({ provider });
    const token = upstream.answer;
    upstream.answer = (request) => (request.method === "GET" ? response(200, metadata) : token(request));
    for (const userid of ["alice", "bob"])
      expect((await app.request(call({ body: { userid, nonce: "n" } }))).status).toBe(200);
    expect(upstream.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET https://idp.example/.well-known/openid-configuration",
      "POST https://idp.example/discovered",
      "POST https://idp.example/discovered",
    ]);
  });

  it("another issuer's document gets no credentials and tells the cure", async () => {
    const { app, upstream } = await buildApp({ provider });
    upstream.answer = () => response(200, { ...metadata, issuer: "https://idp.example/" });
    expect(await whole(await app.request(call()))).toEqual(
      ownAnswer(
        502,
        "server_error",
        "provider_error",
        'discovery of "providers.main" failed: the provider has another issuer than the file; copy the provider\'s exactly',
      ),
    );
    expect(upstream.requests.map(({ method }) => method)).toEqual(["GET"]);
  });
});

it("each provider has a transport of its own", async () => {
  const made: number[] = [];
  const upstream = fakeProvider(() => response(200, TOKEN));
  const rest = {
    token_endpoint: TOKEN_ENDPOINT,
    client_id: "x",
    client_secret: { env: "CLIENT_SECRET" },
    grant_type: "x",
  };
  const file = {
    providers: { one: { ...rest, connect_timeout: "100ms" }, two: { ...rest, connect_timeout: "200ms" } },
    routes: [{ provider: "one" }],
  };
  await buildApp({
    file,
    deps: {
      createTransport: (settings) => {
        made.push(settings.connect_timeout);
        return upstream.createTransport(settings);
      },
    },
  });
  expect(made).toEqual([100, 200]);
});
