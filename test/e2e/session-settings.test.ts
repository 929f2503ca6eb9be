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

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let second: NextAuthServer;
const hosts: Host[] = [];

async function start(file: object): Promise<Host> {
  const secrets = { ...SECRETS, NEXTAUTH_APIKEY, SECOND_APIKEY };
  const host = await startHost(fileConfig(provider.tokenEndpoint, { file }), secrets);
  hosts.push(host);
  return host;
}

function call(host: Host, nonce: string, changes: CallOptions = {}): Promise<Answered> {
  return callGetToken(host.url, { ...changes, headers: { "X-nonce": nonce, ...changes.headers } });
}

beforeAll(async () => {
  provider = await startRecordingProvider();
  nextauth = await startNextAuthServer({ [SERVERID]: { apikey: NEXTAUTH_APIKEY, roles: ["role-1"] } });
  second = await startNextAuthServer({ [SECOND_SERVERID]: { apikey: SECOND_APIKEY } });
});
beforeEach(() => {
  for (const { requests } of [provider, nextauth, second]) requests.length = 0;
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  for (const server of [provider, nextauth, second]) await server?.close();
});

describe(`session: trust on ${RUNTIME}`, () => {
  it("takes the caller's word and asks nobody", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth), get_token: { session: "trust" } });
    expect((await call(host, NONCE)).status).toBe(200);
    expect(nextauth.requests).toEqual([]);
  });
});

describe(`a role on ${RUNTIME}`, () => {
  it("goes along as X-su", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { su: "role-1" }) });
    expect((await call(host, nextauth.login(SERVERID, ALICE))).status).toBe(200);
    expect(nextauth.requests[0]?.headers["x-su"]).toBe("role-1");
  });

  it("that the nextAuth Server does not grant is session_check_failed", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { su: "role-2" }) });
    expectError(await call(host, nextauth.login(SERVERID, ALICE)), "session_check_failed");
  });
});

describe(`a default serverid on ${RUNTIME}`, () => {
  const without = { body: { userid: "alice", accountid: 7 } };
  const callers = (serverids: string[]) => ({
    "nextauth-server": { apikeys: [{ env: "APIKEY" }], serverids },
  });

  it("is that of calls which name none, for session, caller, route and templates", async () => {
    const host = await start({
      callers: callers([SERVERID]),
      nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
      providers: { main: providerConfig(provider.tokenEndpoint, { params: { serverid: "{{serverid}}" } }) },
      routes: [{ serverid: SERVERID, provider: "main" }],
    });
    expect((await call(host, nextauth.login(SERVERID, ALICE), without)).status).toBe(200);
    expect(new URLSearchParams(provider.requests[0]?.body).get("serverid")).toBe(SERVERID);
  });

  it("lets no caller speak for a virtual server that is not its own", async () => {
    const host = await start({
      callers: callers([SECOND_SERVERID]),
      nextauth: nextauthConfig(nextauth, { serverid: SERVERID }),
    });
    expectError(await call(host, nextauth.login(SERVERID, ALICE), without), "caller_not_allowed");
    expect(nextauth.requests).toEqual([]);
    expect(provider.requests).toEqual([]);
  });

  it("that is missing makes a call without a serverid invalid", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth) });
    expect(expectError(await call(host, NONCE, without), "call_invalid")).toContain('"serverid"');
  });
});

describe(`several nextAuth Servers on ${RUNTIME}`, () => {
  let host: Host;
  beforeAll(async () => {
    host = await start({
      nextauth: [
        nextauthConfig(nextauth, { serverids: [SERVERID], serverid: SERVERID }),
        nextauthConfig(second, { apikey: { env: "SECOND_APIKEY" }, serverids: [SECOND_SERVERID] }),
      ],
    });
  });

  it("are each asked about their own virtual servers alone", async () => {
    const body = { ...CALL, serverid: SECOND_SERVERID };
    expect((await call(host, second.login(SECOND_SERVERID, ALICE), { body })).status).toBe(200);
    expect([nextauth.requests.length, second.requests.length]).toEqual([0, 1]);
    expect((await call(host, nextauth.login(SERVERID, ALICE))).status).toBe(200);
    expect([nextauth.requests.length, second.requests.length]).toEqual([1, 1]);
  });

  it("do not confirm each other's sessions", async () => {
    const nonce = nextauth.login(SERVERID, ALICE);
    expectError(await call(host, nonce, { body: { ...CALL, serverid: SECOND_SERVERID } }), "session_not_logged_in");
  });

  it("are not asked about a virtual server of neither", async () => {
    expectError(await call(host, NONCE, { body: { ...CALL, serverid: "other" } }), "no_route");
    expect([nextauth.requests.length, second.requests.length]).toEqual([0, 0]);
  });
});

describe(`session_cache on ${RUNTIME}`, () => {
  it("spares getSession for a nonce that was logged in, and for no other", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { session_cache: "60s" }) });
    const alice = nextauth.login(SERVERID, ALICE);
    const bob = nextauth.login(SERVERID, { userid: "bob", accountid: 8 });
    for (let i = 0; i < 3; i++) expect((await call(host, alice)).status).toBe(200);
    expect(nextauth.requests).toHaveLength(1);
    expectError(await call(host, bob), "session_mismatch");
    expectError(await call(host, alice, { body: { ...CALL, userid: "bob" } }), "session_mismatch");
    expect((await call(host, bob, { body: { ...CALL, userid: "bob", accountid: 8 } })).status).toBe(200);
    expect(nextauth.requests).toHaveLength(2);
    expect(provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"))).toEqual([
      "alice",
      "alice",
      "alice",
      "bob",
    ]);
  });

  it("lets a logout go unnoticed for no longer than it says", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { session_cache: "300ms" }) });
    const nonce = nextauth.login(SERVERID, ALICE);
    expect((await call(host, nonce)).status).toBe(200);
    nextauth.logout(SERVERID, nonce);
    await new Promise((done) => setTimeout(done, 400));
    expectError(await call(host, nonce), "session_not_logged_in");
  });

  it("does not remember that nobody is logged in", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { session_cache: "60s" }) });
    nextauth.answer = () => Response.json({ loggedin: false });
    const nonce = nextauth.login(SERVERID, ALICE);
    expectError(await call(host, nonce), "session_not_logged_in");
    nextauth.answer = undefined;
    expect((await call(host, nonce)).status).toBe(200);
  });

  it("still asks who calls", async () => {
    const host = await start({ nextauth: nextauthConfig(nextauth, { session_cache: "60s" }) });
    const nonce = nextauth.login(SERVERID, ALICE);
    expect((await call(host, nonce)).status).toBe(200);
    expectError(await call(host, nonce, { headers: { "X-apikey": `${APIKEY}x` } }), "caller_unauthenticated");
  });
});
