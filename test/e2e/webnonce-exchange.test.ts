// The webNonce exchange: a token endpoint at which an app, as a standard OAuth client, sends its webNonce as the code.

import * as oauth from "oauth4webapi";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, APIKEY, type CallOptions, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError, MARKER } from "../support/expect-error.ts";
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
const hosts: Host[] = [];

const NO_LIMITS = { WEBNONCE_EXCHANGE_PER_ADDRESS: 1_000, WEBNONCE_EXCHANGE_PER_WEBNONCE: 1_000 };

async function start(exchange: object = {}, rateLimits: Record<string, number> = NO_LIMITS, file = {}): Promise<Host> {
  const config = fileConfig(provider.tokenEndpoint, {
    provider: { params: { userid: "{{userid}}", accountid: "{{accountid}}", nonce: "{{nonce}}" } },
    file: {
      nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
      webnonce_exchange: exchange,
      ...file,
    },
  });
  const host = await startHost(config, { ...SECRETS, NEXTAUTH_APIKEY }, { rateLimits });
  hosts.push(host);
  return host;
}

/** Sends a form to the token endpoint, with nothing of a getToken call about it. */
function exchange(host: Host, form: Record<string, string> | string, changes: CallOptions = {}): Promise<Answered> {
  return callGetToken(host.url, {
    path: "/token",
    body: typeof form === "string" ? form : new URLSearchParams(form).toString(),
    ...changes,
    headers: {
      "X-apikey": undefined,
      "X-nonce": undefined,
      "Content-Type": "application/x-www-form-urlencoded",
      ...changes.headers,
    },
  });
}

const grant = (code: string, more: Record<string, string> = {}) => ({
  grant_type: "authorization_code",
  code,
  ...more,
});

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer();
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
  nextauth.requests.length = 0;
  nextauth.answer = undefined;
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  await nextauth?.close();
  await provider?.close();
});

describe(`a webNonce on ${RUNTIME}`, () => {
  let host: Host;
  beforeAll(async () => {
    host = await start();
  });

  it("of a session that is logged in is exchanged for the provider's answer, byte for byte", async () => {
    const bytes = '{ "token_type":"Bearer",\t"access_token":"caf\\u00e9", "expires_in":3600.0 }\n';
    provider.answer = json(bytes, 200, { "Set-Cookie": "a=b" });
    const code = nextauth.login(SERVERID, ALICE);
    const answer = await exchange(host, grant(code));
    expect([answer.status, answer.text]).toEqual([200, bytes]);
    expect(answer.headers).toMatchObject({ "cache-control": "no-store", pragma: "no-cache" });
    expect(answer.headers).not.toHaveProperty("set-cookie");
    expect(Object.fromEntries(new URLSearchParams(provider.requests[0]?.body))).toMatchObject({
      userid: "alice",
      accountid: "7",
      nonce: code,
    });
  });

  it("of a session that is not logged in, or no more, is an invalid_grant", async () => {
    const code = nextauth.login(SERVERID, ALICE);
    nextauth.logout(SERVERID, code);
    for (const unknown of [NONCE, code]) {
      const answer = await exchange(host, grant(unknown));
      expect(answer.status).toBe(400);
      expect(answer.json()).toMatchObject({ error: "invalid_grant", error_code: "session_not_logged_in" });
      expect(answer.text).not.toContain(unknown);
    }
    expect(provider.requests).toEqual([]);
  });

  it("opens nothing at getToken, nor an API key anything here", async () => {
    const code = nextauth.login(SERVERID, ALICE);
    expectError(await exchange(host, grant(code), { path: "/getToken" }), "caller_unauthenticated");
    const answer = await exchange(host, grant(NONCE), { headers: { "X-apikey": APIKEY, "X-nonce": code } });
    expect(answer.json()).toMatchObject({ error: "invalid_grant" });
  });

  it.each<[string, Record<string, string> | string]>([
    ["no grant_type", { code: NONCE }],
    ["an empty grant_type", { grant_type: "", code: NONCE }],
    ["no code", { grant_type: "authorization_code" }],
    ["an empty code", { grant_type: "authorization_code", code: "" }],
    ["two codes", `grant_type=authorization_code&code=${MARKER}&code=b`],
    ["two grant types", "grant_type=authorization_code&grant_type=password&code=a"],
    ["a code with a line break", grant(`${MARKER}\r\nX-apikey: a`)],
    ["a code that is not ASCII", grant("abcé")],
    ["a code of 8 kB", grant("a".repeat(8_192))],
    ["broken percent-encoding", "grant_type=authorization_code&code=%zz"],
    ["nothing", ""],
  ])("is an invalid_request with %s", async (_what, form) => {
    expectError(await exchange(host, form), "call_invalid");
    expect(nextauth.requests).toEqual([]);
  });

  it.each(["client_credentials", "password", "refresh_token", "AUTHORIZATION_CODE", MARKER])(
    "is not taken with grant_type %s",
    async (grant_type) => {
      expectError(await exchange(host, { grant_type, code: NONCE }), "grant_type_unsupported");
      expect(nextauth.requests).toEqual([]);
    },
  );

  it.each<[string, CallOptions]>([
    ["as JSON", { headers: { "Content-Type": "application/json" }, body: grant(NONCE) }],
    ["in the query", { path: `/token?grant_type=authorization_code&code=${NONCE}`, body: "" }],
    ["without a type", { headers: { "Content-Type": undefined } }],
  ])("is not taken %s", async (_what, changes) => {
    expectError(await exchange(host, grant(NONCE), changes), "call_invalid");
    expect(nextauth.requests).toEqual([]);
  });

  it("is taken only by POST, in a body of at most 64 KiB", async () => {
    const answer = await exchange(host, "", { method: "GET", body: undefined });
    expectError(answer, "method_not_allowed");
    expect(answer.headers.allow).toBe("POST");
    expectError(await exchange(host, grant("a".repeat(70_000))), "call_too_large");
  });

  it("that the nextAuth Server cannot judge is no invalid_grant: the app shall try again, not log in", async () => {
    nextauth.answer = () => new Response(null, { status: 500 });
    expectError(await exchange(host, grant(NONCE)), "session_check_failed");
  });

  it("brings the provider's no for this user, byte for byte", async () => {
    provider.answer = json('{"error":"access_denied"}', 403);
    const answer = await exchange(host, grant(nextauth.login(SERVERID, ALICE)));
    expect([answer.status, answer.text]).toEqual([403, '{"error":"access_denied"}']);
  });
});

describe(`the exchange in the file on ${RUNTIME}`, () => {
  it("is off where the file does not have it", async () => {
    const host = await startHost(fileConfig(provider.tokenEndpoint), SECRETS);
    hosts.push(host);
    expectError(await exchange(host, grant(NONCE)), "not_found");
  });

  it("may have a path and a provider of its own", async () => {
    const providers = {
      main: providerConfig(`${provider.url}/wrong`),
      apps: providerConfig(`${provider.url}/apps`, { params: { userid: "{{userid}}" } }),
    };
    const host = await start({ path: "/oauth/token", provider: "apps" }, NO_LIMITS, {
      providers,
      routes: [{ provider: "main" }],
    });
    const answer = await exchange(host, grant(nextauth.login(SERVERID, ALICE)), { path: "/oauth/token" });
    expect(answer.status).toBe(200);
    expect(provider.requests.map(({ url }) => url)).toEqual(["/apps"]);
  });
});

describe(`its limits on ${RUNTIME}`, () => {
  const limits = (per_address: number, per_webnonce: number) =>
    [
      { rate_limit: { per_address: { limit: per_address }, per_webnonce: { limit: per_webnonce } } },
      { WEBNONCE_EXCHANGE_PER_ADDRESS: per_address, WEBNONCE_EXCHANGE_PER_WEBNONCE: per_webnonce },
    ] as const;

  it("stop one webNonce and no other", async () => {
    const host = await start(...limits(1_000, 2));
    const code = nextauth.login(SERVERID, ALICE);
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await exchange(host, grant(code))).status);
    expect(statuses).toEqual([200, 200, 429]);
    const limited = await exchange(host, grant(code));
    expectError(limited, "rate_limited");
    expect(Number(limited.headers["retry-after"])).toBeGreaterThan(0);
    expect(Number(limited.headers["retry-after"])).toBeLessThanOrEqual(60);
    expect((await exchange(host, grant(nextauth.login(SERVERID, ALICE)))).status).toBe(200);
    expect(provider.requests).toHaveLength(3);
  });

  it("stop one address, whatever it sends, and do not touch getToken", async () => {
    const host = await start(...limits(2, 1_000));
    for (const form of ["", grant(NONCE)]) expect((await exchange(host, form)).status).toBe(400);
    const headers = { "X-Forwarded-For": "198.51.100.7" }; // which is anybody's word
    expectError(await exchange(host, grant(nextauth.login(SERVERID, ALICE)), { headers }), "rate_limited");
    expect(nextauth.requests).toHaveLength(1);
    const answer = await callGetToken(host.url, { headers: { "X-nonce": nextauth.login(SERVERID, ALICE) } });
    expect(answer.status).toBe(200);
  });

  it.runIf(RUNTIME === "node")("count the address that a trusted proxy names", async () => {
    const host = await start(...limits(1, 1_000), {
      server: { listen: "127.0.0.1:0", admin: "127.0.0.1:0", trusted_proxies: ["127.0.0.0/8"] },
    });
    const from = (address: string) => exchange(host, grant(NONCE), { headers: { "X-Forwarded-For": address } });
    expect((await from("198.51.100.1")).status).toBe(400);
    expectError(await from("198.51.100.1"), "rate_limited");
    expect((await from("198.51.100.2")).status).toBe(400);
    expectError(await from("203.0.113.9, 198.51.100.2"), "rate_limited");
  });

  it.runIf(RUNTIME === "workerd")("that are no bindings stop the Worker, with the cure in its log", async () => {
    const host = await start({}, {});
    expect((await exchange(host, grant(NONCE))).status).toBe(500);
    const cure =
      '"webnonce_exchange.rate_limit.per_address" needs the rate limiting binding WEBNONCE_EXCHANGE_PER_ADDRESS';
    await expect.poll(() => host.output()).toContain(cure);
  });
});

describe(`an app with a client library (oauth4webapi) on ${RUNTIME}`, () => {
  let host: Host;
  beforeAll(async () => {
    host = await start();
  });

  const client: oauth.Client = { client_id: "the-app" };
  const REDIRECT_URI = "app.bank.example:/callback";

  /** What an app's code for the authorization code grant does, with its webNonce as the code. */
  async function tokenFor(code: string, verifier: string | typeof oauth.nopkce) {
    const server: oauth.AuthorizationServer = { issuer: host.url, token_endpoint: `${host.url}/token` };
    const callback = new URL(`https://app.bank.example/callback?${new URLSearchParams({ code })}`);
    const parameters = oauth.validateAuthResponse(server, client, callback, oauth.skipStateCheck);
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      parameters,
      REDIRECT_URI,
      verifier,
      { [oauth.allowInsecureRequests]: true },
    );
    return oauth.processAuthorizationCodeResponse(server, client, response);
  }

  it("gets its token with PKCE parameters", async () => {
    const result = await tokenFor(nextauth.login(SERVERID, ALICE), oauth.generateRandomCodeVerifier());
    expect(result).toMatchObject({ access_token: "the-token", token_type: "bearer", expires_in: 3600 });
  });

  it("gets its token without", async () => {
    expect(await tokenFor(nextauth.login(SERVERID, ALICE), oauth.nopkce)).toMatchObject({ access_token: "the-token" });
  });

  it("gets invalid_grant as the library expects it", async () => {
    await expect(tokenFor(NONCE, oauth.nopkce)).rejects.toMatchObject({ error: "invalid_grant", status: 400 });
  });
});
