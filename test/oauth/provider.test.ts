// A provider of the file is asked once for each token, within one deadline, with the values of one call.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { TransportError } from "../../src/core/transport.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS } from "../../src/oauth/client-authentication.ts";
import type { ProviderSettings } from "../../src/oauth/provider-settings.ts";
import { fakeTrace, NOW, response, thrownBy } from "../support/fakes.ts";
import { CREDENTIALS, ENDPOINT, ISSUER, setUp, TOKEN } from "./set-up-provider.ts";

const bodies = (requests: { body?: string }[]) => requests.map(({ body }) => body);

describe("a token request", () => {
  it("goes to the token endpoint with the file's limits", async () => {
    const { upstream, request, transports } = setUp();
    expect(await request()).toMatchObject({ outcome: "token", status: 200 });
    expect(upstream.requests).toEqual([
      {
        method: "POST",
        url: ENDPOINT,
        headers: expect.objectContaining({
          authorization: `Basic ${btoa("token-proxy:s")}`,
          "content-type": "application/x-www-form-urlencoded",
        }),
        body: "grant_type=urn%3Aexample%3Auser&user=alice",
        timeout: 5_000,
        maxResponseBytes: 65_536,
      },
    ]);
    expect(transports).toEqual([{ connect_timeout: 1_000, connections: 256, tls: undefined }]);
  });

  it("goes over a connection with the file's TLS credentials", () => {
    const tls = { ca: new Secret("a CA") };
    expect(setUp({}, { tls }).transports).toEqual([{ connect_timeout: 1_000, connections: 256, tls }]);
  });

  it("fills in the provider's own names", async () => {
    const names = ["client_id", "issuer", "token_endpoint", "signing_issuer", "signing.kid", "now", "uuid"];
    const { upstream, request } = setUp({
      issuer: `${ISSUER}/`,
      params: Object.fromEntries(names.map((name) => [`p_${name}`, `{{${name}}}`])),
    });
    await request();
    expect(Object.fromEntries(new URLSearchParams(upstream.requests[0]?.body))).toEqual({
      grant_type: "urn:example:user",
      p_client_id: "token-proxy",
      p_issuer: `${ISSUER}/`,
      p_token_endpoint: ENDPOINT,
      p_signing_issuer: "https://proxy.example",
      "p_signing.kid": "first",
      p_now: String(NOW / 1000),
      p_uuid: "uuid-1",
    });
  });

  it("has a fresh uuid and the time of the request", async () => {
    const { upstream, request, clock } = setUp({ params: { a: "{{uuid}}", b: "{{uuid}}", t: "{{now}}" } });
    await request();
    clock.advance(1_999);
    await request();
    expect(bodies(upstream.requests)).toEqual([
      `grant_type=urn%3Aexample%3Auser&a=uuid-1&b=uuid-1&t=${NOW / 1000}`,
      `grant_type=urn%3Aexample%3Auser&a=uuid-2&b=uuid-2&t=${NOW / 1000 + 1}`,
    ]);
  });

  it("carries each call's own values, also where two are under way", async () => {
    const { provider, upstream } = setUp();
    await Promise.all(
      ["alice", "bob"].map((user) =>
        provider.requestToken(new Map([["userid", user]]), { trace: fakeTrace(), recipient: undefined }),
      ),
    );
    expect(bodies(upstream.requests).sort()).toEqual([
      "grant_type=urn%3Aexample%3Auser&user=alice",
      "grant_type=urn%3Aexample%3Auser&user=bob",
    ]);
  });

  it("is not sent again after a failure", async () => {
    for (const answer of [response(500, ""), response(401, ""), response(400, { error: "invalid_client" })]) {
      const { upstream, request } = setUp();
      upstream.answer = () => answer;
      await thrownBy(request);
      expect(upstream.requests).toHaveLength(1);
    }
  });
});

describe("a value that the call lacks", () => {
  it.each<[string, Partial<ProviderSettings>]>([
    ["a parameter", { params: { n: "{{nonce}}" } }],
    ["a list", { params: { n: ["x", "{{nonce}}"] } }],
    ["the scope", { scope: "a:{{nonce}}" }],
    ["a header", { headers: { "X-Nonce": "{{nonce}}" } }],
    ["what the grant type implies", { grant_type: "authorization_code" }],
    [
      "a JWT",
      { params: { a: "{{jwt.a}}" }, jwt: { a: { header: {}, claims: { n: "{{nonce}}" }, ttl: 1, backdate: 0 } } },
    ],
    ["the expected subject", { expect_subject: { member: "user", equals: "{{nonce}}" } }],
  ])("is told before anything is sent, be it needed by %s", async (_, changes) => {
    const { upstream, request } = setUp({ issuer: ISSUER, discovery: "oidc", token_endpoint: undefined, ...changes });
    const error = (await thrownBy(request)) as TokenProxyError;
    expect(error).toBeInstanceOf(TokenProxyError);
    expect(error.code).toBe("call_invalid");
    expect(error.message).toBe('the call has no value "nonce", which "providers.main" needs');
    expect(upstream.requests).toHaveLength(0);
  });
});

it("a value that no header can carry is the call's fault, told without it", async () => {
  const { upstream, request, values } = setUp({ headers: { "X-User": "{{userid}}" } });
  values.set("userid", "cañary");
  const error = (await thrownBy(request)) as TokenProxyError;
  expect(error.code).toBe("call_invalid");
  expect(error.message).toBe(
    'a value of the call has characters that the header "providers.main.headers.X-User" cannot carry',
  );
  expect(error.message).not.toContain("cañary");
  expect(upstream.requests).toHaveLength(0);
});

describe("discovery", () => {
  const DISCOVERING = { issuer: ISSUER, discovery: "oidc", token_endpoint: undefined } as const;

  it("gives the endpoint, and both share one deadline", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    const answer = upstream.answer;
    upstream.answer = (sent) => {
      clock.advance(1_500);
      return answer(sent);
    };
    await request();
    expect(upstream.requests.map(({ method, url, timeout }) => [method, url, timeout])).toEqual([
      ["GET", `${ISSUER}/.well-known/openid-configuration`, 5_000],
      ["POST", ENDPOINT, 3_500],
    ]);
    await request();
    expect(upstream.requests.slice(2).map(({ method, timeout }) => [method, timeout])).toEqual([["POST", 5_000]]);
  });

  it("that takes all the time leaves none for a token that nobody would wait for", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    const answer = upstream.answer;
    upstream.answer = (sent) => {
      clock.advance(5_000);
      return answer(sent);
    };
    expect(await thrownBy(request)).toMatchObject({ code: "provider_timeout" });
    expect(upstream.requests.map(({ method }) => method)).toEqual(["GET"]);
  });

  it("that fails sends no token request and no credentials", async () => {
    const { upstream, request } = setUp(DISCOVERING);
    upstream.answer = () => response(404, "");
    expect(await thrownBy(request)).toMatchObject({ code: "provider_error" });
    expect(upstream.requests.map(({ method }) => method)).toEqual(["GET"]);
    expect(JSON.stringify(upstream.requests)).not.toMatch(/authorization|secret/i);
  });

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("with %s goes to the endpoint that is for it", async (method) => {
    const { upstream, request } = setUp(
      { ...DISCOVERING, token_endpoint_auth_method: method },
      { clientKeys: CREDENTIALS.signingKeys },
    );
    const alias = "https://mtls.idp.example/token";
    upstream.answer = ({ method: verb }) =>
      response(
        200,
        verb === "GET"
          ? { issuer: ISSUER, token_endpoint: ENDPOINT, mtls_endpoint_aliases: { token_endpoint: alias } }
          : TOKEN,
      );
    await request();
    expect(upstream.requests[1]?.url).toBe(method.includes("tls_client_auth") ? alias : ENDPOINT);
  });

  it("gives TLS clients the usual endpoint where there is no other", async () => {
    const { upstream, request } = setUp({ ...DISCOVERING, token_endpoint_auth_method: "tls_client_auth" });
    await request();
    expect(upstream.requests[1]?.url).toBe(ENDPOINT);
  });

  it("is absent where the file names the endpoint", () => {
    expect(setUp({ issuer: ISSUER }).provider.discovery).toBeUndefined();
    expect(setUp(DISCOVERING).provider.discovery).toBeDefined();
  });
});

describe("a failure", () => {
  it("of any kind gives its place back", async () => {
    const { provider, upstream, request } = setUp({ max_in_flight: 1 });
    const ends = [
      () => response(500, {}),
      () => response(400, { error: "invalid_grant" }),
      () => Promise.reject(new TransportError("timeout")),
      () => Promise.reject(new TypeError("a bug")),
    ];
    for (const end of ends) {
      upstream.answer = end;
      await request().catch(() => {});
      expect(provider.state()).toMatchObject({ inFlight: 0, queued: 0 });
    }
    upstream.answer = () => Promise.reject(new TransportError("timeout"));
    while (provider.state().breaker === "closed") await thrownBy(request);
    expect(await thrownBy(request)).toMatchObject({ code: "provider_suspended" });
    expect(provider.state()).toMatchObject({ inFlight: 0, queued: 0 });
  });

  it("of the exchange is told by the provider's key", async () => {
    const { upstream, request } = setUp();
    upstream.answer = () => {
      throw new TransportError("timeout");
    };
    expect(await thrownBy(request)).toMatchObject({
      code: "provider_timeout",
      message: 'the provider "providers.main" did not answer in time',
    });
  });

  it("that is a bug stays what it is", async () => {
    const { upstream, request } = setUp();
    const bug = new TypeError("a bug");
    upstream.answer = () => {
      throw bug;
    };
    expect(await thrownBy(request)).toBe(bug);
  });
});
