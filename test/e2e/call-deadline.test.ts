// One deadline covers a whole call, and the error says which step used it up.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError } from "../support/expect-error.ts";
import { type Host, RUNTIME, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { hold, type RecordingProvider, startRecordingProvider, token } from "../support/recording-provider.ts";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let host: Host;

/** Of a call: each reaches its last step before, also on a busy machine. */
const TIMEOUT = "5s";
const RATE_LIMITS = { WEBNONCE_EXCHANGE_PER_ADDRESS: 1_000, WEBNONCE_EXCHANGE_PER_WEBNONCE: 1_000 };

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer({
    [SERVERID]: { apikey: NEXTAUTH_APIKEY },
    hurried: { apikey: NEXTAUTH_APIKEY },
  });
  nextauth.setUserAttributes(SERVERID, "alice", { branch: "Gent" });
  const file = {
    get_token: [
      { timeout: TIMEOUT },
      { path: "/patient", timeout: "5m" },
      { path: "/trusted", session: "trust", timeout: TIMEOUT },
    ],
    nextauth: [
      nextauthConfig(nextauth, { serverids: [SERVERID], serverid: SERVERID }),
      nextauthConfig(nextauth, { serverids: ["hurried"], timeout: "500ms" }),
    ],
    webnonce_exchange: { timeout: TIMEOUT },
    providers: {
      main: providerConfig(provider.tokenEndpoint, { params: { branch: "{{attributes.branch}}" } }),
      slow: providerConfig(provider.tokenEndpoint, { timeout: "1m" }),
    },
    routes: [{ serverid: "slow", provider: "slow" }, { provider: "main" }],
  };
  const secrets = { ...SECRETS, NEXTAUTH_APIKEY };
  const limits = RUNTIME === "workerd" ? { rateLimits: RATE_LIMITS } : {};
  host = await startHost(fileConfig("", { file }), secrets, limits);
});
beforeEach(() => {
  provider.requests.length = 0;
  provider.answer = token();
  nextauth.answer = undefined;
});
afterAll(async () => {
  await host?.close();
  await nextauth?.close();
  await provider?.close();
});

const forever = () => new Promise<Response>(() => {});

function exchange(code: string): Promise<Answered> {
  const body = new URLSearchParams({ grant_type: "authorization_code", code }).toString();
  return callGetToken(host.url, {
    path: "/token",
    body,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
}

it("the call's time is used up by a step: the error names it, and no later step follows", async () => {
  nextauth.answer = forever;
  hold(provider);
  const slow = { path: "/trusted", body: { ...CALL, serverid: "slow" } };
  const answers = await Promise.all([
    callGetToken(host.url),
    exchange(NONCE),
    callGetToken(host.url, { path: "/trusted" }),
    callGetToken(host.url, slow),
  ]);
  const usedUpBy = (step: string, key = "get_token.timeout") => `the call's time (${key}, 5 s) was used up by ${step}`;
  expect(answers.map((answer) => expectError(answer, "call_deadline"))).toEqual([
    usedUpBy("the session check"),
    usedUpBy("the session check", "webnonce_exchange.timeout"),
    usedUpBy("reading the user's attributes"),
    usedUpBy("the token request"),
  ]);
  expect(provider.requests).toHaveLength(1);
});

describe("a nextAuth Server with one worker, which answers getSession only after its getToken call,", () => {
  it("gets session_check_timeout in time, and the next call a token", async () => {
    const body = { ...CALL, serverid: "hurried" };
    const headers = { "X-nonce": nextauth.login("hurried", ALICE) };
    nextauth.setUserAttributes("hurried", "alice", { branch: "Gent" });
    const call = callGetToken(host.url, { path: "/patient", body, headers });
    nextauth.answer = async () => {
      await call;
      return Response.json({ loggedin: true, ...ALICE });
    };
    expect(expectError(await call, "session_check_timeout")).toContain('"nextauth[1]"');
    expect(provider.requests).toEqual([]);
    nextauth.answer = undefined;
    const other = { body: CALL, headers: { "X-nonce": nextauth.login(SERVERID, ALICE) }, path: "/patient" };
    expect((await callGetToken(host.url, other)).status).toBe(200);
  });
});
