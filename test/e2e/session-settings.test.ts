// What a file can say of the session check: trust, a role, a default serverid, several nextAuth Servers, a cache.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, APIKEY, CALL, type CallOptions, callGetToken, NONCE } from "../support/call.ts";
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
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const SECOND_SERVERID = "c2VydmVyLTI=";
const SECOND_APIKEY = "apikey of the second virtual server";
/** More virtual servers of the first nextAuth Server, each with settings of its own. */
const WITH_ROLE = "with-role";
const WRONG_ROLE = "wrong-role";
const CACHED = "cached";
const CACHED_BRIEFLY = "cached-briefly";
const FOREIGN_APIKEY = "apikey-of-a-caller-for-another-server";
const BRIEFLY_MS = 300;

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let second: NextAuthServer;
let host: Host;
/** Its nextAuth Server has no default serverid. */
let bare: Host;

const secrets = { ...SECRETS, NEXTAUTH_APIKEY, SECOND_APIKEY, FOREIGN_APIKEY };

beforeAll(async () => {
  provider = await startRecordingProvider();
  const server = { apikey: NEXTAUTH_APIKEY, roles: ["role-1"] };
  const names = [SERVERID, WITH_ROLE, WRONG_ROLE, CACHED, CACHED_BRIEFLY];
  nextauth = await startNextAuthServer(Object.fromEntries(names.map((name) => [name, server])));
  second = await startNextAuthServer({ [SECOND_SERVERID]: { apikey: SECOND_APIKEY } });
  const values = {
    serverid: ["body:/serverid"],
    userid: ["body:/userid"],
    accountid: ["body:/accountid"],
    nonce: ["header:X-nonce"],
  };
  const params = { params: { userid: "{{userid}}", serverid: "{{serverid}}" } };
  const file = {
    callers: {
      "nextauth-server": { apikeys: [{ env: "APIKEY" }] },
      foreign: { apikeys: [{ env: "FOREIGN_APIKEY" }], serverids: [SECOND_SERVERID] },
    },
    get_token: [{}, { path: "/trusted", values, session: "trust" }],
    nextauth: [
      nextauthConfig(nextauth, { serverids: [SERVERID], serverid: SERVERID }),
      nextauthConfig(second, { apikey: { env: "SECOND_APIKEY" }, serverids: [SECOND_SERVERID] }),
      nextauthConfig(nextauth, { serverids: [WITH_ROLE], su: "role-1" }),
      nextauthConfig(nextauth, { serverids: [WRONG_ROLE], su: "role-2" }),
      nextauthConfig(nextauth, { serverids: [CACHED], session_cache: "60s" }),
      nextauthConfig(nextauth, { serverids: [CACHED_BRIEFLY], session_cache: `${BRIEFLY_MS}ms` }),
    ],
    providers: { main: providerConfig(provider.tokenEndpoint, params), other: providerConfig("http://127.0.0.1:1/") },
    routes: [...names, SECOND_SERVERID].map((serverid) => ({ serverid, provider: "main" })),
  };
  host = await startHost(fileConfig(provider.tokenEndpoint, { file }), secrets);
  bare = await startHost(fileConfig(provider.tokenEndpoint, { file: { nextauth: nextauthConfig(nextauth) } }), secrets);
});
beforeEach(() => {
  for (const { requests } of [provider, nextauth, second]) requests.length = 0;
});
afterAll(async () => {
  await host?.close();
  await bare?.close();
  for (const server of [provider, nextauth, second]) await server?.close();
});

const call = (serverid: string | undefined, nonce: string, changes: CallOptions = {}): Promise<Answered> =>
  callGetToken(host.url, {
    body: { ...CALL, serverid },
    ...changes,
    headers: { "X-nonce": nonce, ...changes.headers },
  });
const usersSent = () => provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"));

describe(`session: trust on ${RUNTIME}`, () => {
  it("takes the caller's word and asks nobody", async () => {
    expect((await call(SERVERID, NONCE, { path: "/trusted" })).status).toBe(200);
    expect(nextauth.requests).toEqual([]);
  });
});

describe(`a role on ${RUNTIME}`, () => {
  it("goes along as X-su", async () => {
    expect((await call(WITH_ROLE, nextauth.login(WITH_ROLE, ALICE))).status).toBe(200);
    expect(nextauth.requests[0]?.headers["x-su"]).toBe("role-1");
  });

  it("that the nextAuth Server does not grant is session_check_failed", async () => {
    expectError(await call(WRONG_ROLE, nextauth.login(WRONG_ROLE, ALICE)), "session_check_failed");
  });
});

describe(`a default serverid on ${RUNTIME}`, () => {
  it("is that of calls which name none, for session, caller, route and templates", async () => {
    expect((await call(undefined, nextauth.login(SERVERID, ALICE))).status).toBe(200);
    expect(new URLSearchParams(provider.requests[0]?.body).get("serverid")).toBe(SERVERID);
  });

  it("lets no caller speak for a virtual server that is not its own", async () => {
    const headers = { "X-apikey": FOREIGN_APIKEY };
    expectError(await call(undefined, nextauth.login(SERVERID, ALICE), { headers }), "caller_not_allowed");
    expect(nextauth.requests).toEqual([]);
    expect(provider.requests).toEqual([]);
  });

  it("that is missing makes a call without a serverid invalid", async () => {
    const answer = await callGetToken(bare.url, { body: { ...CALL, serverid: undefined } });
    expect(expectError(answer, "call_invalid")).toContain('"serverid"');
  });
});

describe(`several nextAuth Servers on ${RUNTIME}`, () => {
  it("are each asked only about their own virtual servers", async () => {
    expect((await call(SECOND_SERVERID, second.login(SECOND_SERVERID, ALICE))).status).toBe(200);
    expect([nextauth.requests.length, second.requests.length]).toEqual([0, 1]);
    expect((await call(SERVERID, nextauth.login(SERVERID, ALICE))).status).toBe(200);
    expect([nextauth.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  it("do not confirm each other's sessions", async () => {
    expectError(await call(SECOND_SERVERID, nextauth.login(SERVERID, ALICE)), "session_not_logged_in");
  });

  it("are not asked about a virtual server of neither", async () => {
    expectError(await call("other", NONCE), "no_route");
    expect([nextauth.requests.length, second.requests.length]).toEqual([0, 0]);
  });
});

describe(`session_cache on ${RUNTIME}`, () => {
  it("spares getSession for a nonce that was logged in, and for no other", async () => {
    const alice = nextauth.login(CACHED, ALICE);
    const bob = nextauth.login(CACHED, { userid: "bob", accountid: 8 });
    const asBob = (changes: object) => ({ body: { ...CALL, serverid: CACHED, userid: "bob", ...changes } });
    for (let i = 0; i < 3; i++) expect((await call(CACHED, alice)).status).toBe(200);
    expect(nextauth.requests).toHaveLength(1);
    expectError(await call(CACHED, bob), "session_mismatch");
    expectError(await call(CACHED, alice, asBob({})), "session_mismatch");
    for (let i = 0; i < 2; i++) expect((await call(CACHED, bob, asBob({ accountid: 8 }))).status).toBe(200);
    // An answer about another user is never remembered, and on Node nothing else from its connection.
    expect(nextauth.requests).toHaveLength(RUNTIME === "node" ? 4 : 3);
    expect(usersSent()).toEqual(["alice", "alice", "alice", "bob", "bob"]);
  });

  it("lets a logout go unnoticed for no longer than it says", async () => {
    const nonce = nextauth.login(CACHED_BRIEFLY, ALICE);
    expect((await call(CACHED_BRIEFLY, nonce)).status).toBe(200);
    nextauth.logout(CACHED_BRIEFLY, nonce);
    await new Promise((done) => setTimeout(done, BRIEFLY_MS + 100));
    expectError(await call(CACHED_BRIEFLY, nonce), "session_not_logged_in");
  });

  it("does not remember that nobody is logged in", async () => {
    nextauth.answer = () => Response.json({ loggedin: false });
    const nonce = nextauth.login(CACHED, ALICE);
    expectError(await call(CACHED, nonce), "session_not_logged_in");
    nextauth.answer = undefined;
    expect((await call(CACHED, nonce)).status).toBe(200);
  });

  it("still asks who calls", async () => {
    const nonce = nextauth.login(CACHED, ALICE);
    expect((await call(CACHED, nonce)).status).toBe(200);
    const headers = { "X-apikey": `${APIKEY}x` };
    expectError(await call(CACHED, nonce, { headers }), "caller_unauthenticated");
  });
});
