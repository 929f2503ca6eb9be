// A provider: deadline, limits, retries, rotation of credentials, and suspension.

import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { PAUSE_MS } from "../../src/core/deadline.ts";
import type { TokenProxyError } from "../../src/core/errors.ts";
import { Secret } from "../../src/core/secret.ts";
import { type Delivery, TransportError, type TransportResponse } from "../../src/core/transport.ts";
import { createAssertionFile } from "../../src/oauth/assertion-file.ts";
import { FAILURES_BEFORE_SUSPENSION } from "../../src/oauth/breaker.ts";
import { METADATA_LIFETIME_MS } from "../../src/oauth/discovery.ts";
import { TOKEN_EXCHANGE } from "../../src/oauth/grants.ts";
import type { ProviderSettings } from "../../src/oauth/provider-settings.ts";
import { REFUSALS_OF_EVERYBODY } from "../../src/oauth/refusals.ts";
import { TOKEN_ENDPOINT_AUTH_METHODS } from "../../src/oauth/settings.ts";
import { NOW, response, thrownBy, unsignedJwt } from "../support/fakes.ts";
import { ENDPOINT, ISSUER, setUp, TOKEN } from "./set-up-provider.ts";

const DISCOVERING = { issuer: ISSUER, discovery: "oidc", token_endpoint: undefined } as const;
const WAIT = { timeout: 10_000 };
const codeOf = async (run: () => unknown) => ((await thrownBy(run)) as TokenProxyError).code;

function unreachable(): never {
  throw new TransportError("unreachable");
}

it("has a transport with the file's settings", () => {
  const tls = { ca: new Secret("a CA") };
  const common = { connect_timeout: 1_000, connections: 256, tls };
  expect(setUp({}, { tls }).transports).toMatchObject([common]);
  const connections = { http2: "never", reuse_connections: false } as const;
  expect(setUp(connections, { tls }).transports).toMatchObject([{ ...common, ...connections }]);
});

it("refuses a call without a value that it needs, before anything is sent", async () => {
  const { upstream, request } = setUp({ ...DISCOVERING, params: { n: "{{nonce}}" } });
  const message = 'the call has no value "nonce", which "providers.main" needs';
  expect(await thrownBy(request)).toMatchObject({ code: "call_invalid", message });
  expect(upstream.requests).toHaveLength(0);
});

it("lists the attributes that its templates need", () => {
  const { provider } = setUp({ params: { a: "{{userid}}", b: "{{attributes.mail}}", c: "{{attributes.unit}}" } });
  expect(provider.attributes).toEqual(["mail", "unit"]);
});

describe("discovery", () => {
  it("gives the endpoint, and shares the deadline of the call", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = (sent) => {
      clock.advance(1_500);
      return answer(sent);
    };
    await request();
    await request();
    expect(upstream.requests.map(({ method, url, timeout }) => [method, url, timeout])).toEqual([
      ["GET", `${ISSUER}/.well-known/openid-configuration`, 5_000],
      ["POST", ENDPOINT, 3_500],
      ["POST", ENDPOINT, 5_000],
    ]);
  });

  it("that moves the endpoint to another host is logged, and calls go to the old one", async () => {
    const { upstream, request, clock, lines } = setUp(DISCOVERING);
    const { answer } = upstream;
    await request();
    const moved = response(200, { issuer: ISSUER, token_endpoint: "https://evil.example/token" });
    upstream.answer = (sent) => (sent.method === "GET" ? moved : answer(sent));
    clock.advance(METADATA_LIFETIME_MS);
    await request();
    expect(upstream.requests.map(({ method, url }) => `${method} ${url}`).slice(2)).toEqual([
      `GET ${ISSUER}/.well-known/openid-configuration`,
      `POST ${ENDPOINT}`,
    ]);
    const cure = "if the provider confirms that it moved, reload the configuration";
    expect(lines).toEqual([
      {
        level: "warn",
        event: "token endpoint moved to another host: the old one stays",
        fields: { provider: "main", host: "idp.example", moved_to: "evil.example", cure },
      },
    ]);
  });

  it("that takes too long or fails is not followed by a token request", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = (sent) => {
      clock.advance(5_000);
      return answer(sent);
    };
    expect(await codeOf(request)).toBe("provider_timeout");
    const failing = setUp(DISCOVERING);
    failing.upstream.answer = () => response(404, "");
    expect(await codeOf(failing.request)).toBe("provider_wrong_endpoint");
    expect([...upstream.requests, ...failing.upstream.requests].map(({ method }) => method)).toEqual(["GET", "GET"]);
  });

  it.each([
    [5_000, "open", undefined],
    [5_001 + PAUSE_MS, "closed", { late: "process paused" }],
  ])("for which %i ms pass leaves the provider's breaker %s", async (passed, breaker, detail) => {
    const { provider, upstream, request, clock } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = async (sent) => {
      const isFirst = upstream.requests.length === 1;
      await new Promise((done) => setImmediate(done)); // until then all calls begin
      if (isFirst) clock.advance(passed);
      return answer(sent);
    };
    const calls = Array.from({ length: FAILURES_BEFORE_SUSPENSION }, () => thrownBy(request));
    const expected = { code: "provider_timeout", ...(detail && { detail }) };
    for (const call of calls) expect(await call).toMatchObject(expected);
    expect(provider.state().breaker).toBe(breaker);
  });

  it.each(TOKEN_ENDPOINT_AUTH_METHODS)("gives %s its endpoint", async (token_endpoint_auth_method) => {
    const { upstream, request } = setUp({ ...DISCOVERING, token_endpoint_auth_method });
    const alias = "https://mtls.idp.example/token";
    const metadata = { issuer: ISSUER, token_endpoint: ENDPOINT, mtls_endpoint_aliases: { token_endpoint: alias } };
    upstream.answer = ({ method }) => response(200, method === "GET" ? metadata : TOKEN);
    await request();
    expect(upstream.requests[1]?.url).toBe(token_endpoint_auth_method.includes("tls_client_auth") ? alias : ENDPOINT);
  });
});

describe("a failure", () => {
  it.each<[Delivery, string, number]>([
    ["none", "authorization_code", 2],
    ["stale", "client_credentials", 2],
    ["stale", "authorization_code", 1],
    ["some", "client_credentials", 1],
  ])("with delivery %s and %s leads to %d requests", async (delivery, grant_type, count) => {
    const { upstream, request, values } = setUp({ grant_type, params: {} });
    values.set("nonce", "n");
    upstream.answer = () => Promise.reject(new TransportError("unreachable", undefined, delivery));
    await thrownBy(request);
    expect(upstream.requests).toHaveLength(count);
  });

  it.each<[Delivery, number]>([
    ["none", 2],
    ["stale", 1],
  ])(
    "with delivery %s and an assertion from a file, which has the same jti again, leads to %d requests",
    async (delivery, count) => {
      const read = async () => unsignedJwt({ aud: ENDPOINT, exp: NOW });
      const method = { token_endpoint_auth_method: "private_key_jwt", grant_type: "client_credentials" } as const;
      const assertionFile = createAssertionFile(read, ENDPOINT, "key");
      const { upstream, request } = setUp({ ...method, params: {} }, { assertionFile });
      upstream.answer = () => Promise.reject(new TransportError("unreachable", undefined, delivery));
      await thrownBy(request);
      expect(upstream.requests.map(({ body }) => new URLSearchParams(body).get("client_assertion"))).toEqual(
        new Array(count).fill(await read()),
      );
    },
  );

  it("of any kind frees its place", async () => {
    const { provider, upstream, request } = setUp({ max_in_flight: 1 });
    const failures = [
      () => response(500, {}),
      () => response(400, { error: "invalid_grant" }),
      () => Promise.reject(new TypeError("a bug")),
      unreachable,
    ];
    for (const failure of failures) {
      upstream.answer = failure;
      await request().catch(() => {});
      expect(provider.state()).toMatchObject({ inFlight: 0, queued: 0 });
    }
    while (provider.state().breaker === "closed") await thrownBy(request);
    expect(await codeOf(request)).toBe("provider_suspended");
    expect(provider.state()).toMatchObject({ inFlight: 0, queued: 0 });
  });
});

it("lets some calls wait above max_in_flight, refuses the rest, and skips a caller that hung up", async () => {
  const { provider, upstream, request } = setUp({ max_in_flight: 1 });
  const waiting: (() => void)[] = [];
  upstream.answer = () => new Promise<void>((resolve) => waiting.push(resolve)).then(() => response(200, TOKEN));
  const recipient = Object.assign(new EventEmitter(), { destroyed: false });
  const first = request();
  const second = request(60_000, recipient);
  expect(provider.state()).toMatchObject({ inFlight: 1, queued: 1 });
  expect(await thrownBy(request)).toMatchObject({ code: "overloaded", retryAfter: 1 });
  recipient.destroyed = true;
  await expect.poll(() => waiting.length).toBe(1);
  for (const end of waiting) end();
  await first;
  expect(await codeOf(() => second)).toBe("caller_gone");
  expect(upstream.requests).toHaveLength(1);
});

describe("the call's time", () => {
  const message = (step: string) => `the call's time (get_token.timeout, 2 s) was used up by ${step}`;
  const cutOff = () => Promise.reject(new TransportError("timeout"));

  it("limits the wait for a place", async () => {
    // Without the call's time, it could wait for 15 minutes.
    const { provider, upstream, request } = setUp({ max_in_flight: 1, timeout: 3_600_000 });
    let end = () => {};
    upstream.answer = () => new Promise<void>((resolve) => (end = resolve)).then(() => response(200, TOKEN));
    const first = request();
    expect(await codeOf(() => request(5))).toBe("call_deadline");
    end();
    await first;
    expect(provider.state()).toMatchObject({ inFlight: 0, queued: 0 });
  });

  it("limits the token request", async () => {
    const { upstream, request } = setUp();
    upstream.answer = cutOff;
    expect(await thrownBy(() => request(2_000))).toMatchObject({ message: message("the token request") });
    expect(upstream.requests.map(({ timeout }) => timeout)).toEqual([2_000]);
    expect(await codeOf(() => request(5_000))).toBe("provider_timeout"); // its own
  });

  it("limits discovery, and other calls do not get that error", async () => {
    const { upstream, request } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = cutOff;
    expect(await thrownBy(() => request(2_000))).toMatchObject({ message: message("discovery") });
    upstream.answer = answer;
    await request();
  });

  it("that discovery has used up leads to no token request", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = (sent) => {
      clock.advance(2_000);
      return answer(sent);
    };
    expect(await thrownBy(() => request(2_000))).toMatchObject({ message: message("discovery") });
    expect(upstream.requests.map(({ method }) => method)).toEqual(["GET"]);
  });
});

it("a second credential gets the rest of the time, and the log says so without the secrets", async () => {
  const secrets = ["old", "new"].map((text) => new Secret(text));
  const { upstream, request, clock, lines } = setUp({ token_endpoint_auth_method: "client_secret_post" }, { secrets });
  const secretOf = (body: string | undefined) => new URLSearchParams(body).get("client_secret");
  upstream.answer = ({ body }) => {
    clock.advance(2_000);
    return secretOf(body) === "new" ? response(200, TOKEN) : response(401, { error: "invalid_client" });
  };
  await request();
  expect(upstream.requests.map(({ body, timeout }) => [secretOf(body), timeout])).toEqual([
    ["old", 5_000],
    ["new", 3_000],
  ]);
  const fields = { provider: "main", refused: 1, next: 2 };
  expect(lines).toEqual([{ level: "warn", event: "client credential refused, trying the next", fields }]);
});

it.each([
  ["client_credentials", ["old", "new"]],
  ["authorization_code", ["old"]],
])("a 401 that may mean the user leads with %s to the secrets %j", async (grant_type, expected) => {
  const secrets = ["old", "new"].map((text) => new Secret(text));
  const settings = { token_endpoint_auth_method: "client_secret_post", grant_type, params: {} } as const;
  const { upstream, request, values } = setUp(settings, { secrets });
  values.set("nonce", "n");
  upstream.answer = () => response(401, { error: "unauthorized_client" });
  expect(await codeOf(request)).toBe("provider_rejected_proxy");
  expect(upstream.requests.map(({ body }) => new URLSearchParams(body).get("client_secret"))).toEqual(expected);
});

it("a call that waits for another one's try of the next secret ends when its caller hangs up", async () => {
  const secrets = ["old", "new"].map((text) => new Secret(text));
  const settings = { token_endpoint_auth_method: "client_secret_post", grant_type: "client_credentials", params: {} };
  const { upstream, request } = setUp(settings as Partial<ProviderSettings>, { secrets });
  const { promise, resolve } = Promise.withResolvers<TransportResponse>();
  const secretOf = (body: string | undefined) => new URLSearchParams(body).get("client_secret");
  upstream.answer = ({ body }) =>
    secretOf(body) === "new" ? promise : response(401, { error: "unauthorized_client" });
  const trying = request();
  await vi.waitFor(() => expect(upstream.requests).toHaveLength(2), WAIT);
  const recipient = Object.assign(new EventEmitter(), { destroyed: false });
  const waiting = codeOf(() => request(60_000, recipient));
  await vi.waitFor(() => expect(recipient.listenerCount("close")).toBe(1), WAIT);
  recipient.destroyed = true;
  recipient.emit("close");
  expect(await waiting).toBe("caller_gone");
  resolve(response(200, TOKEN));
  expect((await trying).outcome).toBe("token");
  expect(upstream.requests.map(({ body }) => secretOf(body))).toEqual(["old", "new", "old"]);
});

describe("the breaker", () => {
  it("counts a failed discovery once, and not again for calls that get its remembered failure", async () => {
    const { upstream, request, clock } = setUp(DISCOVERING);
    upstream.answer = unreachable;
    for (let i = 1; i < FAILURES_BEFORE_SUSPENSION; i++) {
      for (const _ of [1, 2, 3]) expect(await codeOf(request)).toBe("provider_unreachable");
      clock.advance(1_000);
    }
    expect(upstream.requests).toHaveLength(FAILURES_BEFORE_SUSPENSION - 1);
    expect(await codeOf(request)).toBe("provider_unreachable");
    expect(await codeOf(request)).toBe("provider_suspended");
  });

  it("counts failed token requests, also after discovery", async () => {
    const { upstream, request } = setUp(DISCOVERING);
    const { answer } = upstream;
    upstream.answer = (sent) => (sent.method === "GET" ? answer(sent) : response(500, ""));
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect(await codeOf(request)).toBe("provider_error");
    expect(await codeOf(request)).toBe("provider_suspended");
  });
});

describe("refusals", () => {
  const refusal = (error_description = "secret of alice") =>
    response(400, { error: "invalid_grant", error_description });

  it("of several users are reported once, with redacted words, and until the next token", async () => {
    const { provider, upstream, request, values, lines } = setUp();
    upstream.answer = () => refusal();
    for (let i = 0; i < REFUSALS_OF_EVERYBODY; i++) {
      values.set("userid", i === 9 ? "alice" : `user-${i}`);
      await request();
    }
    const words = { provider_error: "invalid_grant", provider_error_description: "secret of [redacted]" };
    const fields = { provider: "main", refusals: REFUSALS_OF_EVERYBODY, ...words };
    expect(lines).toEqual([{ level: "warn", event: "provider refuses everybody", fields }]);
    expect(provider.state()).toMatchObject({ refusedUsers: 3, refusesEverybody: true });
    upstream.answer = () => response(200, TOKEN);
    await request();
    expect(provider.state()).toMatchObject({ refusedUsers: 0, refusesEverybody: false });
  });

  it("that a kind knows as an outage suspend the provider", async () => {
    const { upstream, request } = setUp({ kind: "keycloak" });
    upstream.answer = () => refusal("Unable to acquire JDBC Connection");
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect(await codeOf(request)).toBe("provider_error");
    expect(await codeOf(request)).toBe("provider_suspended");
  });

  it.each<[string, string, Partial<ProviderSettings>]>([
    ["refuse", "refused", { grant_type: TOKEN_EXCHANGE, params: { subject_token: "{{user_token}}" } }],
    [
      "refuse",
      "refused",
      { grant_type: TOKEN_EXCHANGE, params: { subject_token: "{{signing_issuer}}", actor_token: "x {{userid}}" } },
    ],
    ["do not refuse", "provider_rejected_proxy", { grant_type: TOKEN_EXCHANGE, params: { subject_token: "fixed" } }],
    ["do not refuse", "provider_rejected_proxy", { grant_type: TOKEN_EXCHANGE, params: { subject_token: "{{now}}" } }],
    ["do not refuse", "provider_rejected_proxy", { params: { subject_token: "{{user_token}}" } }],
  ])("by invalid_request %s the user: %s for %j", async (_, expected, settings) => {
    const { upstream, request, values } = setUp(settings);
    values.set("user_token", "from the call");
    upstream.answer = () => response(400, { error: "invalid_request" });
    expect(
      await request().then(
        ({ outcome }) => outcome,
        ({ code }) => code,
      ),
    ).toBe(expected);
  });
});
