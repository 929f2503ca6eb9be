// The nextAuth Server confirms the session of a call, and knows the user's attributes, before
// anything is sent to a provider.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { CALL, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, providerConfig, SECRETS } from "../support/config.ts";
import { expectError, type TableCode } from "../support/expect-error.ts";
import { type Host, startHost } from "../support/host.ts";
import {
  ALICE,
  NEXTAUTH_APIKEY,
  type NextAuthServer,
  nextauthConfig,
  SERVERID,
  startNextAuthServer,
} from "../support/nextauth-server.ts";
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

/**
 * The virtual servers of the tests. Each has its own settings in the file; SERVERID is the default.
 */
const OF_SECOND = "c2VydmVyLTI=";
const WITH_ROLE = "a+/b=";
const WRONG_ROLE = "wrong-role";
const CACHED = "cached";
const HURRIED = "hurried";
const GONE = "gone";
const SECOND_APIKEY = "apikey of the second virtual server";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
let second: NextAuthServer;
let host: Host;

beforeAll(async () => {
  provider = await startRecordingProvider();
  const server = { apikey: NEXTAUTH_APIKEY, roles: ["role-1"] };
  const serverids = [SERVERID, WITH_ROLE, WRONG_ROLE, CACHED, HURRIED];
  nextauth = await startNextAuthServer(Object.fromEntries(serverids.map((serverid) => [serverid, server])));
  second = await startNextAuthServer({ [OF_SECOND]: { apikey: SECOND_APIKEY } });
  const gone = await startNextAuthServer();
  await gone.close();
  const file = {
    nextauth: [
      nextauthConfig(nextauth, { serverids: [SERVERID], serverid: SERVERID, timeout: "1m" }),
      nextauthConfig(second, { serverids: [OF_SECOND], apikey: { env: "SECOND_APIKEY" } }),
      nextauthConfig(nextauth, { serverids: [WITH_ROLE], su: "role-1" }),
      nextauthConfig(nextauth, { serverids: [WRONG_ROLE], su: "role-2" }),
      nextauthConfig(nextauth, { serverids: [CACHED], session_cache: "60s" }),
      nextauthConfig(nextauth, { serverids: [HURRIED], timeout: "300ms" }),
      nextauthConfig(gone, { serverids: [GONE] }),
    ],
    providers: { main: providerConfig(provider.tokenEndpoint, { params: { userid: "{{userid}}" } }) },
    routes: [...serverids, OF_SECOND, GONE].map((serverid) => ({ serverid, provider: "main" })),
  };
  const secrets = { ...SECRETS, NEXTAUTH_APIKEY, SECOND_APIKEY };
  host = await startHost(fileConfig(provider.tokenEndpoint, { file }), secrets);
});
beforeEach(() => {
  for (const { requests } of [provider, nextauth, second]) requests.length = 0;
  nextauth.answer = undefined;
});
afterAll(async () => {
  await host?.close();
  for (const server of [provider, nextauth, second]) await server?.close();
});

/** A call with `changes` of its body; serverid: undefined sends none. */
function call(nonce: string, changes: object = {}, headers: Record<string, string> = {}) {
  return callGetToken(host.url, { body: { ...CALL, ...changes }, headers: { "X-nonce": nonce, ...headers } });
}

async function expectRefused(code: TableCode, ...sent: Parameters<typeof call>) {
  const description = expectError(await call(...sent), code);
  expect(provider.requests).toEqual([]);
  return description;
}

const usersSent = () => provider.requests.map(({ body }) => new URLSearchParams(body).get("userid"));
const asked = () => [nextauth.requests.length, second.requests.length];

describe("a session", () => {
  it("that is logged in gets a token for its user, whom the call need not name", async () => {
    const nonce = nextauth.login(SERVERID, ALICE);
    for (const changes of [{}, { userid: undefined, accountid: undefined }]) {
      const { status, text } = await call(nonce, changes);
      expect([status, text]).toEqual([200, expect.stringContaining("the-token")]);
    }
    expect(usersSent()).toEqual(["alice", "alice"]);
  });

  it("is asked about once, with key and role of the file, and no other header of the call", async () => {
    const nonce = nextauth.login(WITH_ROLE, ALICE);
    expect((await call(nonce, { serverid: WITH_ROLE }, { "X-su": "root", "X-other": "x" })).status).toBe(200);
    expect(nextauth.requests).toMatchObject([
      {
        method: "GET",
        target: "/servers/a%2B%2Fb%3D/sessions/",
        headers: { "x-nonce": nonce, "x-apikey": NEXTAUTH_APIKEY, "x-su": "role-1", accept: "application/json" },
      },
    ]);
    expect(nextauth.requests[0]?.headers).not.toHaveProperty("x-other");
  });

  it.each([{ userid: "bob" }, { userid: "Alice" }, { accountid: 8 }])("gets no token for %j", async (changes) => {
    await expectRefused("session_mismatch", nextauth.login(SERVERID, ALICE), changes);
  });

  it("that is not logged in, or at another virtual server, gets no token", async () => {
    await expectRefused("session_not_logged_in", NONCE);
    await expectRefused("session_not_logged_in", nextauth.login(WITH_ROLE, ALICE));
    await expectRefused("session_not_logged_in", nextauth.login(SERVERID, ALICE), { serverid: OF_SECOND });
    expect(asked()).toEqual([2, 1]);
  });

  it("is looked up once with session_cache, but confirms nobody else", async () => {
    const nonce = nextauth.login(CACHED, ALICE);
    for (let i = 0; i < 3; i++) expect((await call(nonce, { serverid: CACHED })).status).toBe(200);
    expect(asked()).toEqual([1, 0]);
    expectError(await call(nonce, { serverid: CACHED, userid: "bob" }), "session_mismatch");
    const ofBob = nextauth.login(CACHED, { userid: "bob", accountid: 7 });
    expectError(await call(ofBob, { serverid: CACHED }), "session_mismatch");
    expect(usersSent()).toEqual(["alice", "alice", "alice"]);
  });
});

describe("an answer of the nextAuth Server", () => {
  const LOGGED_IN = { loggedin: true, ...ALICE };

  it.each<[string, () => Response]>([
    ["a redirect", () => new Response(null, { status: 307, headers: { Location: `${nextauth.url}/elsewhere` } })],
    ["70 kB", () => Response.json({ ...LOGGED_IN, pk: "a".repeat(70_000) })],
  ])("with %s is session_check_failed", async (_, answer) => {
    nextauth.answer = answer;
    expect(await expectRefused("session_check_failed", NONCE)).toContain('"nextauth[0]"');
    expect(asked()).toEqual([1, 0]);
  });

  it("that does not come is session_check_failed: wrong role, nobody listens", async () => {
    const nonce = nextauth.login(WRONG_ROLE, ALICE);
    await expectRefused("session_check_failed", nonce, { serverid: WRONG_ROLE });
    await expectRefused("session_check_failed", NONCE, { serverid: GONE });
  });

  it.each<[string, () => Response | Promise<Response>]>([
    ["does not begin", () => new Promise(() => {})],
    ["does not end", () => new Response(new ReadableStream({ start: (body) => body.enqueue(Buffer.from('{"log')) }))],
  ])("that %s in time is session_check_timeout", async (_, answer) => {
    nextauth.answer = answer;
    await expectRefused("session_check_timeout", NONCE, { serverid: HURRIED });
  });
});

describe("attributes of the user", () => {
  const USERID = "alice/../a?b#c é";
  const TIMEOUT = { serverid: HURRIED };
  let attributes: Host;

  beforeAll(async () => {
    nextauth.setUserAttributes(SERVERID, USERID, { branch: "Gent", note: "n", other: "x" });
    const file = fileConfig(provider.tokenEndpoint, {
      provider: {
        params: { userid: "{{userid}}", branch: "{{attributes.branch}}", note: "{{attributes.note}}" },
        headers: { "X-Branch": "{{attributes.branch}}" },
      },
      file: {
        nextauth: [
          nextauthConfig(nextauth, { serverids: [SERVERID], timeout: "1m" }),
          nextauthConfig(nextauth, { serverids: [HURRIED], timeout: "300ms" }),
        ],
        get_token: [
          {},
          { path: "/trusted", session: "trust", values: { userid: ["body:/userid"], serverid: ["body:/serverid"] } },
        ],
      },
    });
    attributes = await startHost(file, { ...SECRETS, NEXTAUTH_APIKEY });
  });
  afterAll(async () => await attributes?.close());

  const trusted = (changes: object) =>
    callGetToken(attributes.url, { path: "/trusted", body: { serverid: SERVERID, userid: USERID, ...changes } });

  it("are fetched once for a call, after its session was confirmed", async () => {
    const headers = { "X-nonce": nextauth.login(SERVERID, { ...ALICE, userid: USERID }) };
    expect((await callGetToken(attributes.url, { body: { serverid: SERVERID }, headers })).status).toBe(200);
    expect(nextauth.requests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      "GET /servers/c2VydmVyLTE%3D/sessions/",
      "GET /servers/c2VydmVyLTE%3D/users/alice%2F..%2Fa%3Fb%23c%20%C3%A9/attributes/",
    ]);
    const [request] = provider.requests;
    const form = Object.fromEntries(new URLSearchParams(request?.body));
    expect(form).toEqual({ grant_type: "urn:example:user", userid: USERID, branch: "Gent", note: "n" });
    expect(request?.headers["x-branch"]).toBe("Gent");
  });

  it.each<[TableCode, string, object, (() => Response | Promise<Response>)?]>([
    ["attributes_failed", "the answer is a redirect", {}, () => Response.redirect("http://127.0.0.1/")],
    ["attributes_failed", "the answer has 70 kB", {}, () => Response.json({ branch: "a".repeat(70_000) })],
    ["attributes_timeout", "no answer comes", TIMEOUT, () => new Promise(() => {})],
  ])("are %s if %s", async (code, _, changes, answer) => {
    nextauth.answer = answer;
    expectError(await trusted(changes), code);
    expect(provider.requests).toEqual([]);
  });
});
