// The pipeline: which requests are answered, and the steps of each, in order.

import { describe, expect, it } from "vitest";
import type { Runtime } from "../src/core/ports.ts";
import type { TransportSettings } from "../src/core/transport.ts";
import { workerInbound } from "../src/worker/inbound.ts";
import { type AppChanges, buildApp, call, type SentCall, TOKEN, TOKEN_ENDPOINT } from "./support/app.ts";
import { APIKEY, NONCE } from "./support/call.ts";
import { fakeProvider, response } from "./support/fakes.ts";
import { makeKey } from "./support/keys.ts";

const COMMON_HEADERS = { "cache-control": "no-store", pragma: "no-cache", "x-content-type-options": "nosniff" };
const NO_KEY = { "x-apikey": undefined };

/** @returns the app's status, headers and body, so that a comparison misses nothing */
async function answerTo(sent: SentCall, changes?: AppChanges) {
  const { app } = await buildApp(changes);
  return whole(await app.request(call(sent)));
}

async function whole(answer: Response) {
  return { status: answer.status, headers: Object.fromEntries(answer.headers), body: await answer.text() };
}

/** Our own error, as `whole` shows that of an app's first call. */
function ownError(status: number, error: string, code: string, description: string, headers: object = {}) {
  return {
    status,
    headers: { ...COMMON_HEADERS, "content-type": "application/json", "x-request-id": "uuid-1", ...headers },
    body: `{"error":"${error}","error_description":${JSON.stringify(description)},"error_code":"${code}","request_id":"uuid-1"}`,
  };
}

const codeOf = async (answer: Response) => ((await answer.json()) as { error_code?: string }).error_code;

describe("getToken", () => {
  it("sends one token request and relays the provider's answer", async () => {
    const { app, upstream } = await buildApp();
    expect(await whole(await app.request(call()))).toEqual({
      status: 200,
      headers: { ...COMMON_HEADERS, "content-type": "application/json", "x-request-id": "uuid-1" },
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
        recipient: expect.anything(),
      },
    ]);
  });
});

describe("paths", () => {
  it("takes the characters of a configured path literally", async () => {
    const changes = { file: { get_token: { path: "/api/v1.0/get-token" } } };
    expect((await answerTo({ path: "/api/v1.0/get-token" }, changes)).status).toBe(200);
    for (const path of ["/api/v1x0/get-token", "/api/v1.0/get-tokenx", "/api/v1.0/get-token/"]) {
      expect((await answerTo({ path }, changes)).status, path).toBe(404);
    }
  });
});

describe("the health of a Worker", () => {
  it("is answered without a key and without a log line, and only if the runtime wants it", async () => {
    const { app, lines } = await buildApp({ deps: { hasHealth: true } });
    const answer = await whole(await app.request("http://proxy.example/healthz"));
    expect(answer).toMatchObject({ status: 200, headers: { "cache-control": "no-store" }, body: '{"status":"ok"}' });
    expect(lines).toEqual([]);
    expect((await app.request("http://proxy.example/%68ealthz")).status).toBe(404);
    expect((await answerTo({ path: "/healthz", method: "GET", body: undefined })).status).toBe(404);
  });
});

describe("published documents", async () => {
  const secrets = { SIGNING_KEY: (await makeKey("ES256")).pem };
  const keys = [{ kid: "a", alg: "ES256", private_key: { env: "SIGNING_KEY" } }];
  const published = { secrets, file: { signing: { issuer: "https://proxy.example", keys } } };
  const path = "/.well-known/jwks.json";

  it.each(["GET", "HEAD"])("answers %s without a key and without a log line", async (method) => {
    const { app, lines } = await buildApp(published);
    const answer = await whole(await app.request(call({ path, method, body: undefined, headers: NO_KEY })));
    expect(answer).toMatchObject({ status: 200, headers: { "content-type": "application/json" } });
    expect(answer.body.includes('"kid":"a"')).toBe(method === "GET");
    expect(lines).toEqual([]);
  });

  it("answers 405 to POST", async () => {
    const allowed = { status: 405, headers: { allow: "GET, HEAD" } };
    expect(await answerTo({ path }, published)).toMatchObject(allowed);
  });

  it("precedes a binding that matches the same path", async () => {
    const values = { serverid: ["path:serverid"], userid: ["path:userid"] };
    const get_token = { method: "GET", path: "/{serverid}/{userid}", values };
    const changes = { ...published, provider: { params: {} }, file: { ...published.file, get_token } };
    const get = { method: "GET", body: undefined };
    expect((await answerTo({ ...get, path }, changes)).body).toContain('"kid":"a"');
    expect((await answerTo({ ...get, path: "/s/alice" }, changes)).body).toBe(TOKEN);
  });

  it("does not exist without an issuer", async () => {
    const sent = { path, method: "GET", body: undefined };
    expect((await answerTo(sent, { secrets, file: { signing: { keys } } })).status).toBe(404);
  });
});

const WITH_EXCHANGE = {
  nextauth: { url: "https://ns.example", apikey: { env: "NEXTAUTH_APIKEY" }, serverid: "a" },
  webnonce_exchange: {},
};

/** Limiters that refuse by their binding; the app itself logs in every session. */
async function buildExchange(deps: Partial<Runtime> = {}, file: object = {}) {
  const limited = new Set<string>();
  const asked: string[] = [];
  const createRateLimiter: Runtime["createRateLimiter"] =
    ({ binding }) =>
    async () => {
      asked.push(binding.replace("WEBNONCE_EXCHANGE_", ""));
      return limited.has(binding) ? 9 : undefined;
    };
  const built = await buildApp({
    file: { ...WITH_EXCHANGE, ...file },
    secrets: { NEXTAUTH_APIKEY: "a key" },
    deps: { createRateLimiter, ...deps },
  });
  const session = { loggedin: true, userid: "alice", accountid: 7 };
  built.upstream.answer = ({ url }) => response(200, url.startsWith("https://ns.") ? session : TOKEN);
  const exchange = (body = `grant_type=authorization_code&code=${NONCE}`, method = "POST") =>
    built.app.request("http://proxy.example/token", {
      method,
      headers: { "content-type": "application/x-www-form-urlencoded" },
      ...(method === "POST" ? { body } : {}),
    });
  return { ...built, exchange, asked, limited, session };
}

it("an exchange names the same user to the provider as a call does, if the userid has a pattern", async () => {
  const values = { nonce: ["header:x-nonce"], userid: { from: ["body:/userid"], pattern: "^al(.+)$" } };
  const { app, exchange, upstream } = await buildExchange({}, { get_token: { values } });
  expect([(await exchange()).status, (await app.request(call({ body: { userid: "alice" } }))).status]).toEqual([
    200, 200,
  ]);
  const users = upstream.requests.map(({ body }) => new URLSearchParams(body).get("userid"));
  expect(users).toEqual([null, "ice", null, "ice"]);
});

describe("the order of the steps", () => {
  it("limits calls in flight after method, caller and body, and before the call is answered", async () => {
    const full = { deps: { maxInFlight: 0 } };
    expect((await answerTo({ method: "PUT" }, full)).status).toBe(405);
    expect((await answerTo({ headers: NO_KEY }, full)).status).toBe(401);
    expect((await answerTo({ body: "not JSON" }, full)).status).toBe(400);
    expect((await answerTo({}, full)).status).toBe(503);
  });

  it.each(["not JSON", "x".repeat(70_000)])("authenticates the caller before it reads the body", async (body) => {
    const { app } = await buildApp();
    const request = call({ headers: NO_KEY, body });
    expect([(await app.request(request)).status, request.bodyUsed]).toEqual([401, false]);
  });

  it("refuses an outdated connection once the body is there, and not at the exchange, which has no callers", async () => {
    const inbound = { ...workerInbound, isOutdated: () => true };
    const { app, upstream } = await buildApp({ deps: { inbound } });
    const request = call();
    const description = "the callers of the configuration have changed: call again, on a new connection";
    expect(await whole(await app.request(request))).toEqual(
      ownError(401, "invalid_client", "caller_unauthenticated", description, {
        "www-authenticate": 'x-apikey realm="getToken"',
      }),
    );
    expect([request.bodyUsed, upstream.requests]).toEqual([true, []]);
    expect((await (await buildExchange({ inbound })).exchange()).status).toBe(200);
  });

  it("reads the call before it authorizes its serverid", async () => {
    const callers = { ns: { apikeys: [{ env: "APIKEY" }], serverids: ["a"] } };
    expect((await answerTo({ body: "not JSON" }, { file: { callers } })).status).toBe(400);
    expect((await answerTo({}, { file: { callers } })).status).toBe(403);
  });

  it("limits an exchange by address, then reads it, then limits it by webNonce, then in flight", async () => {
    const full = await buildExchange({ maxInFlight: 0 });
    expect([await codeOf(await full.exchange()), full.asked]).toEqual(["overloaded", ["PER_ADDRESS", "PER_WEBNONCE"]]);
    const { exchange, asked, limited, upstream } = await buildExchange();
    expect(await codeOf(await exchange("code=x"))).toBe("call_invalid");
    expect(asked).toEqual(["PER_ADDRESS"]);
    limited.add("WEBNONCE_EXCHANGE_PER_WEBNONCE");
    expect(await codeOf(await exchange())).toBe("rate_limited");
    expect(asked).toEqual(["PER_ADDRESS", "PER_ADDRESS", "PER_WEBNONCE"]);
    limited.add("WEBNONCE_EXCHANGE_PER_ADDRESS");
    expect(await codeOf(await exchange("code=x"))).toBe("rate_limited");
    expect(upstream.requests).toEqual([]);
  });

  it("limits unfinished bodies of exchanges by address, then altogether, and those of calls separately", async () => {
    const inbound = { ...workerInbound, awaitsBody: () => true };
    const { app } = await buildExchange({ inbound });
    const type = { "content-type": "application/x-www-form-urlencoded" };
    const begin = (address: string) => {
      const headers = { ...type, "cf-connecting-ip": address };
      const body = new ReadableStream();
      return app.request("http://proxy.example/token", {
        method: "POST",
        headers,
        body,
        duplex: "half",
      } as RequestInit);
    };
    const slow = Array.from({ length: 1_024 }, (_, index) => begin(`192.0.2.${Math.floor(index / 32)}`));
    const refusals = await Promise.all(
      [begin("192.0.2.0"), begin("198.51.100.1")].map(async (one) => (await one).json()),
    );
    expect(refusals).toMatchObject([
      { error_description: "too many requests from this address have an unfinished body: try again in 2 s" },
      { error_description: "too many requests have an unfinished body: try again in 2 s" },
    ]);
    expect((await app.request(call({ body: {} }))).status).toBe(200);
    for (const one of slow) expect(await codeOf(await one)).toBe("call_timeout");
  });

  it("counts calls of all bindings together, and exchanges separately", async () => {
    const get_token = [{}, { path: "/other" }];
    const { app, upstream } = await buildApp({ file: { get_token }, deps: { maxInFlight: 1 } });
    const waiting: (() => void)[] = [];
    const answer = () => new Promise<void>((resolve) => waiting.push(resolve)).then(() => response(200, TOKEN));
    upstream.answer = answer;
    const first = app.request(call());
    await expect.poll(() => waiting.length).toBe(1);
    expect(await codeOf(await app.request(call({ path: "/other" })))).toBe("overloaded");
    for (const end of waiting) end();
    expect((await first).status).toBe(200);

    const other = await buildExchange({ maxInFlight: 1 });
    const { answer: answerAtOnce } = other.upstream;
    other.upstream.answer = answer;
    waiting.length = 0;
    const exchanged = other.exchange();
    await expect.poll(() => waiting.length).toBe(1);
    other.upstream.answer = answerAtOnce;
    expect(await codeOf(await other.exchange())).toBe("overloaded");
    expect((await other.app.request(call({ body: {} }))).status).toBe(200);
    for (const end of waiting) end();
    await exchanged;
  });
});

describe("createDeps", () => {
  it("gives each provider and each nextAuth Server its own transport, with the file's settings", async () => {
    const made: TransportSettings[] = [];
    const { createTransport } = fakeProvider(() => response(200, TOKEN));
    const provider = {
      token_endpoint: TOKEN_ENDPOINT,
      token_endpoint_auth_method: "none",
      client_id: "x",
      grant_type: "x",
    };
    const { deps } = await buildApp({
      file: {
        providers: { one: { ...provider, connect_timeout: "100ms" }, two: { ...provider, connect_timeout: "200ms" } },
        routes: [{ provider: "one" }],
        nextauth: { ...WITH_EXCHANGE.nextauth, connect_timeout: "300ms" },
      },
      secrets: { NEXTAUTH_APIKEY: "a key" },
      deps: {
        createTransport: (settings) => {
          made.push(settings);
          return createTransport(settings);
        },
      },
    });
    expect(made.map(({ connect_timeout }) => connect_timeout)).toEqual([100, 200, 300]);
    expect([...deps.providers.keys()]).toEqual(["one", "two"]);
    expect([deps.nextauth.all.length, deps.nextauth.defaultServerid]).toEqual([1, "a"]);
  });

  it("authenticates the callers of the file, and logs identities as it says", async () => {
    const { deps } = await buildApp({ file: { log: { identities: "plain" } } });
    const headers = new Headers({ "x-apikey": APIKEY });
    expect(await deps.authenticate(headers, undefined, "x-apikey")).toMatchObject({ name: "nextauth-server" });
    expect(await deps.describeIdentities({ userid: "alice" })).toEqual({ user: "alice" });
    const file = { log: { identities_key: { env: "KEY" } } };
    const [one, other] = await Promise.all(
      ["a", "b"].map((key) => buildApp({ file, secrets: { KEY: key.repeat(32) } })),
    );
    const hashed = await one?.deps.describeIdentities({ userid: "alice" });
    expect(hashed).toEqual({ user: expect.stringMatching(/^[0-9a-f]{16}$/) });
    expect(hashed).not.toEqual(await other?.deps.describeIdentities({ userid: "alice" }));
  });
});
