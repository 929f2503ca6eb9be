// The session check: getSession confirms every call before anything of it goes to the provider, and says whose call it is.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Answered, CALL, type CallOptions, callGetToken, NONCE } from "../support/call.ts";
import { fileConfig, SECRETS } from "../support/config.ts";
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
import { type RecordingProvider, startRecordingProvider } from "../support/recording-provider.ts";

const OTHER_SERVERID = "a+/b=";

let provider: RecordingProvider;
let nextauth: NextAuthServer;
const hosts: Host[] = [];

/** Starts a proxy whose calls the stand-in confirms. */
async function start(changes: { nextauth?: object; file?: object; provider?: object } = {}): Promise<Host> {
  const file = fileConfig(provider.tokenEndpoint, {
    provider: { params: { userid: "{{userid}}", accountid: "{{accountid}}" }, ...changes.provider },
    file: { nextauth: nextauthConfig(nextauth, changes.nextauth), ...changes.file },
  });
  const host = await startHost(file, { ...SECRETS, NEXTAUTH_APIKEY });
  hosts.push(host);
  return host;
}

/** A call about a session, by the default binding. */
function call(host: Host, nonce: string | undefined, changes: CallOptions = {}): Promise<Answered> {
  return callGetToken(host.url, { ...changes, headers: { "X-nonce": nonce, ...changes.headers } });
}

const sent = () => provider.requests.map(({ body }) => Object.fromEntries(new URLSearchParams(body)));

beforeAll(async () => {
  provider = await startRecordingProvider();
  const role = { apikey: NEXTAUTH_APIKEY, roles: ["role-1"] };
  nextauth = await startNextAuthServer({ [SERVERID]: role, [OTHER_SERVERID]: role });
});
beforeEach(() => {
  provider.requests.length = 0;
  nextauth.requests.length = 0;
  nextauth.answer = undefined;
});
afterAll(async () => {
  for (const host of hosts) await host.close();
  await nextauth?.close();
  await provider?.close();
});

describe(`a session on ${RUNTIME}`, () => {
  let host: Host;
  beforeAll(async () => {
    host = await start();
  });

  it("that is logged in gets a token for its user and account", async () => {
    const answer = await call(host, nextauth.login(SERVERID, ALICE));
    expect([answer.status, answer.text]).toEqual([200, expect.stringContaining("the-token")]);
    expect(sent()).toMatchObject([{ userid: "alice", accountid: "7" }]);
  });

  it("is asked for once, by serverid and nonce, with the API key of the virtual server and no other header of the call", async () => {
    const nonce = nextauth.login(OTHER_SERVERID, ALICE);
    await call(host, nonce, { body: { ...CALL, serverid: OTHER_SERVERID }, headers: { "X-su": "root" } });
    expect(nextauth.requests).toHaveLength(1);
    const [request] = nextauth.requests;
    expect(request).toMatchObject({ method: "GET", target: "/servers/a%2B%2Fb%3D/sessions/" });
    expect(request?.headers).toMatchObject({
      "x-nonce": nonce,
      "x-apikey": NEXTAUTH_APIKEY,
      accept: "application/json",
    });
    expect(request?.headers).not.toHaveProperty("x-su");
    expect(sent()).toHaveLength(1);
  });

  it("gives the user and the account that the call leaves out", async () => {
    const answer = await call(host, nextauth.login(SERVERID, ALICE), { body: { serverid: SERVERID } });
    expect(answer.status).toBe(200);
    expect(sent()).toMatchObject([{ userid: "alice", accountid: "7" }]);
  });

  it.each<[string, object]>([
    ["another user", { userid: "bob" }],
    ["the user in other letters", { userid: "Alice" }],
    ["another account", { accountid: 8 }],
    ["another user and account", { userid: "bob", accountid: 8 }],
  ])("does not speak for %s", async (_what, changes) => {
    const answer = await call(host, nextauth.login(SERVERID, ALICE), { body: { ...CALL, ...changes } });
    expectError(answer, "session_mismatch");
    expect(provider.requests).toEqual([]);
  });

  it("that is not logged in gets nothing", async () => {
    expectError(await call(host, NONCE), "session_not_logged_in");
    expect(provider.requests).toEqual([]);
  });

  it("of another virtual server gets nothing", async () => {
    expectError(await call(host, nextauth.login(OTHER_SERVERID, ALICE)), "session_not_logged_in");
    expect(provider.requests).toEqual([]);
  });

  it("that is logged out between two calls gets one token", async () => {
    const nonce = nextauth.login(SERVERID, ALICE);
    expect((await call(host, nonce)).status).toBe(200);
    nextauth.logout(SERVERID, nonce);
    expectError(await call(host, nonce), "session_not_logged_in");
    expect(provider.requests).toHaveLength(1);
  });

  it("must be named: a call without a nonce is refused before anybody is asked", async () => {
    expect(expectError(await call(host, undefined), "call_invalid")).toContain('"nonce"');
    expect(nextauth.requests).toEqual([]);
  });

  it("is not looked up for a caller that has not proved who it is", async () => {
    const nonce = nextauth.login(SERVERID, ALICE);
    expectError(await call(host, nonce, { headers: { "X-apikey": "x".repeat(32) } }), "caller_unauthenticated");
    expect(nextauth.requests).toEqual([]);
  });

  it.each<[string, string]>([
    ["of 8 kB", "a".repeat(8_192)],
    ["that is not ASCII", "5f1d7a84db00d2fcé"],
    ["with a tab", "5f1d7a84\tdb00d2fc"],
  ])("with a nonce %s is refused before anybody is asked", async (_what, nonce) => {
    expectError(await call(host, nonce), "call_invalid");
    expect(nextauth.requests).toEqual([]);
  });

  it.each<[string, string]>([
    ["a line break", "abc\r\nX-apikey: stolen"],
    ["a null", "abc\u0000"],
    ["a letter that is not ASCII", "abcé"],
    ["only spaces", "  "],
    ["8 kB", "a".repeat(8_192)],
  ])("with a nonce of %s in the body is refused before anybody is asked", async (_what, nonce) => {
    const answer = await call(host, undefined, { body: { ...CALL, nonce } });
    expect(expectError(answer, "call_invalid")).toContain('"nonce"');
    expect(nextauth.requests).toEqual([]);
  });

  it.each<[string, string]>([
    ["a/b", "/servers/a%2Fb/sessions/"],
    ["a+b==", "/servers/a%2Bb%3D%3D/sessions/"],
    ["..a", "/servers/..a/sessions/"],
    ["../..", "/servers/..%2F../sessions/"],
    ["%2f", "/servers/%252f/sessions/"],
    ["%2e%2e", "/servers/%252e%252e/sessions/"],
    ["a?b#c", "/servers/a%3Fb%23c/sessions/"],
    ["a b\\é", "/servers/a%20b%5C%C3%A9/sessions/"],
  ])("of the serverid %s is asked for at one segment of the path", async (serverid, target) => {
    await call(host, NONCE, { body: { ...CALL, serverid } });
    expect(nextauth.requests.map((request) => request.target)).toEqual([target]);
    expect(provider.requests).toEqual([]);
  });

  it.each([".", ".."])("of the serverid %s is asked for nowhere", async (serverid) => {
    expectError(await call(host, NONCE, { body: { ...CALL, serverid } }), "call_invalid");
    expect(nextauth.requests).toEqual([]);
  });
});

describe(`an answer that is no LoginStatus on ${RUNTIME}`, () => {
  let host: Host;
  beforeAll(async () => {
    const nextauths = [
      nextauthConfig(nextauth, { serverids: [SERVERID], timeout: "1m" }),
      nextauthConfig(nextauth, { serverids: [OTHER_SERVERID], timeout: "300ms" }),
    ];
    host = await start({ file: { nextauth: nextauths } });
  });

  /** About whose sessions there is a short deadline. */
  const OF_OTHER = { body: { ...CALL, serverid: OTHER_SERVERID } };
  const json = (body: unknown, status = 200) => Response.json(body, { status });
  const LOGGED_IN = { loggedin: true, userid: "alice", accountid: 7 };

  it.each<[string, () => Response]>([
    ['loggedin "true" as text', () => json({ ...LOGGED_IN, loggedin: "true" })],
    ["loggedin 1", () => json({ ...LOGGED_IN, loggedin: 1 })],
    ["no loggedin", () => json({ userid: "alice", accountid: 7 })],
    ["an empty object", () => json({})],
    ["no userid", () => json({ loggedin: true, accountid: 7 })],
    ["an empty userid", () => json({ ...LOGGED_IN, userid: "" })],
    ["a userid that is a number", () => json({ ...LOGGED_IN, userid: 7 })],
    ["a userid with a line break", () => json({ ...LOGGED_IN, userid: "alice\n" })],
    ["an accountid as text", () => json({ ...LOGGED_IN, accountid: "7" })],
    ["no accountid, though the call names one", () => json({ loggedin: true, userid: "alice" })],
    ["a list", () => json([LOGGED_IN])],
    ["null", () => json(null)],
    ["no body", () => new Response(null, { status: 204 })],
    ["HTML", () => new Response(`<html>${MARKER}</html>`, { headers: { "Content-Type": "text/html" } })],
    ["HTML called JSON", () => new Response("<html>", { headers: { "Content-Type": "application/json" } })],
    ["a status 500", () => json({ ...LOGGED_IN, secret: MARKER }, 500)],
    ["a status 401", () => json(LOGGED_IN, 401)],
    ["a status 403", () => json(LOGGED_IN, 403)],
    ["a status 404", () => json({ loggedin: false }, 404)],
    ["a status 201", () => json(LOGGED_IN, 201)],
    ["a redirect", () => new Response(null, { status: 307, headers: { Location: `${nextauth.url}/elsewhere` } })],
    ["70 kB", () => json({ ...LOGGED_IN, pk: "a".repeat(70_000) })],
  ])("is session_check_failed for %s", async (_what, answer) => {
    nextauth.answer = answer;
    const answered = await call(host, nextauth.login(SERVERID, ALICE));
    expect(expectError(answered, "session_check_failed")).toContain('"nextauth');
    expect(nextauth.requests).toHaveLength(1);
    expect(provider.requests).toEqual([]);
  });

  it("is session_check_timeout for none in time, within its own deadline", async () => {
    nextauth.answer = () => new Promise(() => {});
    expectError(await call(host, NONCE, OF_OTHER), "session_check_timeout");
    expect(provider.requests).toEqual([]);
  });

  it("is session_check_timeout for a body that does not end in time", async () => {
    nextauth.answer = () =>
      new Response(
        new ReadableStream({ start: (controller) => controller.enqueue(new TextEncoder().encode('{"log')) }),
      );
    expectError(await call(host, NONCE, OF_OTHER), "session_check_timeout");
    expect(provider.requests).toEqual([]);
  });

  it("says neither nonce, key nor answer in the log", async () => {
    nextauth.answer = () => new Response(MARKER);
    const nonce = nextauth.login(SERVERID, ALICE);
    const { headers } = await call(host, nonce);
    await expect.poll(() => host.output()).toContain(headers["x-request-id"]);
    expect(host.output()).not.toContain(nonce);
    expect(host.output()).not.toContain(NEXTAUTH_APIKEY);
    expect(host.output()).not.toContain(MARKER);
  });
});

it(`a nextAuth Server that is not there is session_check_failed on ${RUNTIME}`, async () => {
  const gone = await startNextAuthServer();
  await gone.close();
  const host = await start({ nextauth: { url: gone.url } });
  expectError(await call(host, NONCE), "session_check_failed");
  expect(provider.requests).toEqual([]);
});

describe(`whom a call was about in the log on ${RUNTIME}`, () => {
  const lineOf = async (host: Host, answer: Answered) => {
    const id = String(answer.headers["x-request-id"]);
    await expect.poll(() => host.output()).toContain(id);
    const line = host
      .output()
      .split("\n")
      .find((text) => text.includes(id)) as string;
    return JSON.parse(line.slice(line.indexOf("{"))) as { user?: string; session?: string };
  };

  it("is a keyed hash, the same for the same user and key", async () => {
    const file = { log: { identities_key: { env: "NEXTAUTH_APIKEY" } } };
    const [first, second] = [await start({ file }), await start({ file })];
    const [one, two] = [nextauth.login(SERVERID, ALICE), nextauth.login(SERVERID, ALICE)];
    const lines = [
      await lineOf(first, await call(first, one)),
      await lineOf(first, await call(first, two)),
      await lineOf(second, await call(second, one)),
    ];
    expect(lines[0]?.user).toMatch(/^[0-9a-f]{16}$/);
    expect(lines[1]).toMatchObject({ user: lines[0]?.user });
    expect(lines[1]?.session).not.toBe(lines[0]?.session);
    expect(lines[2]).toMatchObject({ user: lines[0]?.user, session: lines[0]?.session });
    expect(first.output()).not.toContain("alice");
  });

  it("is the userid with identities: plain, and never the nonce", async () => {
    const host = await start({ file: { log: { identities: "plain" } } });
    const nonce = nextauth.login(SERVERID, ALICE);
    expect((await lineOf(host, await call(host, nonce))).user).toBe("alice");
    expect(host.output()).not.toContain(nonce);
  });
});
