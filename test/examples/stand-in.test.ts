// The stand-in of the nextAuth Server against what the public OpenAPI description (version 2.2) says: paths, headers, members, types.

import { beforeEach, describe, expect, it } from "vitest";
import { getTokenRequest } from "../../src/cli/dev/nextauth-server.ts";
import { createVirtualServers, type StandIn } from "../support/stand-in.ts";

const SERVERID = "a+/b=";
const SEGMENT = "a%2B%2Fb%3D";
const APIKEY = "apikey-of-the-first";
const SESSIONS = `/servers/${SEGMENT}/sessions/`;

/** The definition LoginStatus: every member is optional, and there is no other. */
const LOGIN_STATUS: Readonly<Record<string, string>> = {
  accountid: "integer",
  canprovoke: "boolean",
  hsid: "string",
  loggedin: "boolean",
  loginqrdata: "string",
  pk: "string",
  userid: "string",
};

let standIn: StandIn;
beforeEach(() => {
  standIn = createVirtualServers({
    [SERVERID]: { apikey: APIKEY, roles: ["role-1"] },
    second: { apikey: "apikey-of-the-second" },
  });
});

function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  const url = `https://ns-api.bank.example${path}`;
  return standIn.fetch(new Request(url, { method, headers: { "X-apikey": APIKEY, ...headers } }));
}

function typeOf(value: unknown): string {
  return Number.isInteger(value) ? "integer" : typeof value;
}

describe("getSession", () => {
  it.each([
    ["a session that is logged in", true],
    ["one that is not", false],
  ])("answers 200 with a LoginStatus for %s", async (_what, loggedin) => {
    const nonce = standIn.login(SERVERID, { userid: "alice", accountid: 7 });
    const answer = await ask(SESSIONS, { "X-nonce": loggedin ? nonce : "another" });
    expect(answer.status).toBe(200);
    expect(answer.headers.get("content-type")).toBe("application/json");
    const status = (await answer.json()) as Record<string, unknown>;
    expect(status).toMatchObject(loggedin ? { loggedin, userid: "alice", accountid: 7 } : { loggedin });
    for (const [name, value] of Object.entries(status))
      expect([name, typeOf(value)]).toEqual([name, LOGIN_STATUS[name]]);
    if (loggedin) expect(Object.keys(status).sort()).toEqual(Object.keys(LOGIN_STATUS));
    else expect(status).not.toHaveProperty("userid");
  });

  it("knows a nonce of at least 16 random bytes in base64, another one for each session", () => {
    const nonces = Array.from({ length: 20 }, () => standIn.login(SERVERID, { userid: "alice", accountid: 7 }));
    expect(new Set(nonces).size).toBe(20);
    for (const nonce of nonces) expect(Buffer.from(nonce, "base64").length).toBeGreaterThanOrEqual(16);
  });

  it("needs X-nonce, and the slash at the end", async () => {
    expect((await ask(SESSIONS)).status).toBe(400);
    expect((await ask(SESSIONS.slice(0, -1), { "X-nonce": "n" })).status).toBe(404);
  });

  it("takes the serverid as one percent-encoded segment, decoded once", async () => {
    const nonce = standIn.login(SERVERID, { userid: "alice", accountid: 7 });
    for (const path of ["/servers/a+/b=/sessions/", "/servers/a%252B%252Fb%253D/sessions/"]) {
      expect((await ask(path, { "X-nonce": nonce })).status, path).not.toBe(200);
    }
  });

  it("knows each session only at its own virtual server", async () => {
    const nonce = standIn.login(SERVERID, { userid: "alice", accountid: 7 });
    const headers = { "X-apikey": "apikey-of-the-second", "X-nonce": nonce };
    expect(await (await ask("/servers/second/sessions/", headers)).json()).toMatchObject({ loggedin: false });
  });
});

describe("authentication", () => {
  it.each<[string, Record<string, string>, number]>([
    ["an API key of another virtual server", { "X-apikey": "apikey-of-the-second" }, 401],
    ["a wrong API key", { "X-apikey": "x" }, 401],
    ["an empty API key", { "X-apikey": "" }, 401],
    ["a role that the key may act as", { "X-su": "role-1" }, 200],
    ["a role that it may not", { "X-su": "role-2" }, 403],
  ])("by %s", async (_what, headers, status) => {
    expect((await ask(SESSIONS, { "X-nonce": "n", ...headers })).status).toBe(status);
  });

  it("at a virtual server that does not exist is refused, without a key too", async () => {
    expect((await ask("/servers/third/sessions/", { "X-nonce": "n" })).status).toBe(401);
    const bare = new Request("https://ns-api.bank.example/servers/third/sessions/", { headers: { "X-nonce": "n" } });
    expect((await standIn.fetch(bare)).status).toBe(401);
    expect((await ask("/servers/constructor/sessions/", { "X-nonce": "n" })).status).toBe(401);
  });
});

describe("logout", () => {
  it("is a POST with X-nonce, after which the session is not logged in", async () => {
    const nonce = standIn.login(SERVERID, { userid: "alice", accountid: 7 });
    const other = standIn.login(SERVERID, { userid: "alice", accountid: 8 });
    expect((await ask(`${SESSIONS}logout`, {}, "POST")).status).toBe(400);
    expect((await ask(`${SESSIONS}logout`, { "X-nonce": nonce }, "GET")).status).toBe(404);
    expect((await ask(`${SESSIONS}logout`, { "X-nonce": nonce }, "POST")).status).toBe(200);
    expect(await (await ask(SESSIONS, { "X-nonce": nonce })).json()).toMatchObject({ loggedin: false });
    expect(await (await ask(SESSIONS, { "X-nonce": other })).json()).toMatchObject({ loggedin: true });
  });
});

describe("getUserAttributes", () => {
  it("answers with text/plain, and 404 for a user that it does not know", async () => {
    standIn.setUserAttributes(SERVERID, "al/ice", { branch: "Gent" });
    const found = await ask(`/servers/${SEGMENT}/users/al%2Fice/attributes/`);
    expect([found.status, await found.text()]).toEqual([200, '{"branch":"Gent"}']);
    expect(found.headers.get("content-type")).toMatch(/^text\/plain/);
    expect((await ask(`/servers/${SEGMENT}/users/bob/attributes/`)).status).toBe(404);
    expect((await ask(`/servers/${SEGMENT}/users/al%2Fice/attributes`)).status).toBe(404);
  });
});

describe("getToken", () => {
  const session = { serverid: SERVERID, nonce: "n0nce", userid: "alice", accountid: 7 };

  it("is called by the default binding as the README has it", () => {
    expect(getTokenRequest(session, { url: "https://proxy.example", apikey: "key" })).toEqual({
      method: "POST",
      url: "https://proxy.example/getToken",
      headers: { "x-apikey": "key", "x-nonce": "n0nce", "content-type": "application/json" },
      body: '{"serverid":"a+/b=","userid":"alice","accountid":7}',
    });
  });
});
