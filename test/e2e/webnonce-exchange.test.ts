// The webNonce exchange: a token endpoint at which an app, as a standard OAuth client, sends its
// webNonce as the code.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, APIKEY, type CallOptions, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError, MARKER, type TableCode } from "../support/expect-error.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { json, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
/** Its exchange has its own path and provider, and limits that no test reaches. */
let host: Host;
const hosts: Host[] = [];

const NO_LIMITS = { WEBNONCE_EXCHANGE_PER_ADDRESS: 1_000, WEBNONCE_EXCHANGE_PER_WEBNONCE: 1_000 };

async function start(file: object, rateLimits: Record<string, number> = NO_LIMITS): Promise<Host> {
  const config = fileConfig(provider.tokenEndpoint, {
    file: { nextauth: nextauthConfig(nextauth, { serverid: SERVERID }), ...file },
  });
  const started = await startHost(config, { ...SECRETS, NEXTAUTH_APIKEY }, { rateLimits });
  hosts.push(started);
  return started;
}

/** A form without the credentials of a getToken call. */
function exchange(at: Host, form: Record<string, string> | string, changes: CallOptions = {}): Promise<Answered> {
  const headers = { "X-apikey": undefined, "X-nonce": undefined, "Content-Type": "application/x-www-form-urlencoded" };
  const body = new URLSearchParams(form).toString();
  const path = at === host ? "/oauth/token" : "/token";
  return callGetToken(at.url, { path, body, ...changes, headers: { ...headers, ...changes.headers } });
}

const grant = (code: string, more = {}) => ({ grant_type: "authorization_code", code, ...more });
const loggedIn = () => nextauth.login(SERVERID, ALICE);

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
  const providers = {
    main: providerConfig(`${provider.url}/wrong`),
    apps: providerConfig(provider.tokenEndpoint, { params: { userid: "{{userid}}", nonce: "{{nonce}}" } }),
  };
  const webnonce_exchange = { path: "/oauth/token", provider: "apps" };
  host = await start({ webnonce_exchange, providers, routes: [{ provider: "main" }] });
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
  nextauth.requests.length = 0;
  nextauth.answer = undefined;
});
afterAll(async () => {
  for (const started of hosts) await started.close();
  await nextauth?.close();
  await provider?.close();
});

describe("a webNonce", () => {
  it("gets the provider's bytes while its session lives, whatever the code_verifier is", async () => {
    const bytes = '{ "token_type":"Bearer",\t"access_token":"caf\\u00e9", "expires_in":3600.0 }\n';
    const code = loggedIn();
    for (const code_verifier of ["a".repeat(43), "b"]) {
      provider.answer = json(bytes, 200, { "Set-Cookie": "a=b" });
      const { status, text, headers } = await exchange(host, grant(code, { code_verifier, client_id: "app" }));
      expect([status, text]).toEqual([200, bytes]);
      expect(headers).toMatchObject({ "cache-control": "no-store", pragma: "no-cache" });
      expect(headers).not.toHaveProperty("set-cookie");
    }
    const form = new URLSearchParams(provider.requests[0]?.body);
    expect(Object.fromEntries(form)).toMatchObject({ userid: "alice", nonce: code });
    expect(provider.requests.map(({ url }) => url)).toEqual(["/token", "/token"]);
  });

  it("whose session is not logged in, or no more, is an invalid_grant", async () => {
    const code = loggedIn();
    nextauth.logout(SERVERID, code);
    for (const unknown of [NONCE, code]) {
      const { status, text, json } = await exchange(host, grant(unknown));
      expect(status).toBe(400);
      expect(json()).toMatchObject({ error: "invalid_grant", error_code: "session_not_logged_in" });
      expect(text).not.toContain(unknown);
    }
    expect(provider.requests).toEqual([]);
  });

  it("is useless at getToken, and an API key is useless here", async () => {
    expectError(await exchange(host, grant(loggedIn()), { path: "/getToken" }), "caller_unauthenticated");
    const answer = await exchange(host, grant(NONCE), { headers: { "X-apikey": APIKEY, "X-nonce": loggedIn() } });
    expect(answer.json()).toMatchObject({ error: "invalid_grant" });
  });

  const QUERY = { path: `/oauth/token?grant_type=authorization_code&code=${NONCE}` };

  it.each<[TableCode, string, Record<string, string> | string, CallOptions?]>([
    ["call_invalid", "a line break in the code", grant(`${MARKER}\r\nX-apikey: a`)],
    ["call_invalid", "the code in the query", "", QUERY],
    ["call_too_large", "70 kB", grant("a".repeat(70_000))],
    ["method_not_allowed", "GET", "", { method: "GET", body: undefined }],
  ])("is refused (%s) with %s", async (code, _, form, changes) => {
    expectError(await exchange(host, form, changes), code);
    expect(nextauth.requests).toEqual([]);
  });
});

it("can be at several paths, each with its own provider and without routes", async () => {
  const providers = {
    retail: providerConfig(`${provider.url}/retail`),
    staff: providerConfig(`${provider.url}/staff`),
  };
  const webnonce_exchange = Object.keys(providers).map((name) => ({ path: `/${name}/token`, provider: name }));
  const several = await start({ webnonce_exchange, providers, get_token: { provider: "retail" } });
  for (const { path } of webnonce_exchange) {
    expect((await exchange(several, grant(loggedIn()), { path })).status).toBe(200);
    expectError(await exchange(several, "", { path, method: "PUT" }), "method_not_allowed");
  }
  expect(provider.requests.map(({ url }) => url)).toEqual(["/retail", "/staff"]);
  expectError(await exchange(several, grant(loggedIn())), "not_found");
});

describe("the limits", () => {
  const startWith = (per_address: number, per_webnonce: number, file = {}) => {
    const rate_limit = { per_address: { limit: per_address }, per_webnonce: { limit: per_webnonce } };
    const bindings = { WEBNONCE_EXCHANGE_PER_ADDRESS: per_address, WEBNONCE_EXCHANGE_PER_WEBNONCE: per_webnonce };
    return start({ webnonce_exchange: { rate_limit }, ...file }, bindings);
  };

  it("stop one webNonce, and one address whatever it sends, but not getToken", async () => {
    const limited = await startWith(3, 1);
    const code = loggedIn();
    expect((await exchange(limited, grant(code))).status).toBe(200);
    const refused = await exchange(limited, grant(code));
    expectError(refused, "rate_limited");
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(refused.headers["retry-after"])).toBeLessThanOrEqual(60);
    expect((await exchange(limited, grant(loggedIn()))).status).toBe(200);
    const headers = { "X-Forwarded-For": "198.51.100.7" };
    for (const form of ["", grant(loggedIn())]) {
      expectError(await exchange(limited, form, { headers }), "rate_limited");
    }
    expect(nextauth.requests).toHaveLength(2);
    expect((await callGetToken(limited.url, { headers: { "X-nonce": loggedIn() } })).status).toBe(200);
  });

  it.runIf(RUNTIME === "node")("count the address that a trusted proxy names", async () => {
    const server = { listen: "127.0.0.1:0", admin: "127.0.0.1:0", trusted_proxies: ["127.0.0.0/8"] };
    const limited = await startWith(1, 1_000, { server });
    const from = (address: string) => exchange(limited, grant(NONCE), { headers: { "X-Forwarded-For": address } });
    expect((await from("198.51.100.1")).status).toBe(400);
    expectError(await from("198.51.100.1"), "rate_limited");
    expect((await from("198.51.100.2")).status).toBe(400);
    expectError(await from("203.0.113.9, 198.51.100.2"), "rate_limited");
  });

  it.runIf(RUNTIME === "workerd")("need their bindings: the Worker's log says which is missing", async () => {
    const unbound = await start({ webnonce_exchange: {} }, {});
    expect((await exchange(unbound, grant(NONCE))).status).toBe(500);
    const fault =
      '"webnonce_exchange.rate_limit.per_address" needs the rate limiting binding WEBNONCE_EXCHANGE_PER_ADDRESS';
    await expect.poll(() => unbound.output()).toContain(fault);
  });
});
