// The stand-in for the nextAuth Server keeps to version 2.2 of its public OpenAPI description.

import { beforeEach, describe, expect, it } from "vitest";
import { createStandIn } from "../../../src/cli/dev/nextauth-server.ts";
import { createVirtualServers, type StandIn } from "../../support/stand-in.ts";

const SERVERID = "a+/b=";
const SEGMENT = "a%2B%2Fb%3D";
const SESSIONS = `/servers/${SEGMENT}/sessions/`;
const ALICE = { userid: "alice", accountid: 7 };

/** The definition LoginStatus: every member is optional, and there is no other. */
const LOGIN_STATUS: Readonly<Record<string, string>> = {
  ...{ accountid: "integer", canprovoke: "boolean", hsid: "string", loggedin: "boolean", loginqrdata: "string" },
  ...{ pk: "string", userid: "string" },
};

let standIn: StandIn;
beforeEach(() => {
  standIn = createVirtualServers({
    [SERVERID]: { apikey: "first-key", roles: ["role-1"] },
    second: { apikey: "second-key" },
  });
});

async function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  const url = `https://ns-api.bank.example${path}`;
  return standIn.fetch(new Request(url, { method, headers: { "X-apikey": "first-key", ...headers } }));
}
const statusOf = async (...request: Parameters<typeof ask>) => (await ask(...request)).status;

describe("getSession", () => {
  it("needs X-nonce", async () => {
    expect(await statusOf(SESSIONS)).toBe(400);
  });

  it("answers with a LoginStatus, which has a userid only if the session is logged in", async () => {
    const nonce = standIn.login(SERVERID, ALICE);
    for (const [sent, loggedin] of [
      [nonce, true],
      ["another", false],
    ] as const) {
      const answer = await ask(SESSIONS, { "X-nonce": sent });
      expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "application/json"]);
      const status = (await answer.json()) as Record<string, unknown>;
      expect(status).toMatchObject(loggedin ? { loggedin, ...ALICE } : { loggedin });
      expect("userid" in status).toBe(loggedin);
      for (const [name, value] of Object.entries(status)) {
        expect([name, Number.isInteger(value) ? "integer" : typeof value]).toEqual([name, LOGIN_STATUS[name]]);
      }
    }
  });

  it("knows a nonce of 16 random bytes or more, a new one for each session", () => {
    const nonces = Array.from({ length: 20 }, () => standIn.login(SERVERID, ALICE));
    expect(new Set(nonces).size).toBe(20);
    for (const nonce of nonces) expect(Buffer.from(nonce, "base64").length).toBeGreaterThanOrEqual(16);
  });

  it("takes the serverid as one segment that is decoded once, with a slash at the end", async () => {
    const headers = { "X-nonce": standIn.login(SERVERID, ALICE) };
    for (const path of ["/servers/a+/b=/sessions/", "/servers/a%252B%252Fb%253D/sessions/", SESSIONS.slice(0, -1)]) {
      expect(await statusOf(path, headers), path).not.toBe(200);
    }
  });

  it("knows each session only at its own virtual server", async () => {
    const headers = { "X-apikey": "second-key", "X-nonce": standIn.login(SERVERID, ALICE) };
    expect(await (await ask("/servers/second/sessions/", headers)).json()).toMatchObject({ loggedin: false });
  });

  it.each<[string, string, Record<string, string>, number]>([
    ["an API key of another virtual server", SESSIONS, { "X-apikey": "second-key" }, 401],
    ["an empty API key", SESSIONS, { "X-apikey": "" }, 401],
    ["a role that the key may act as", SESSIONS, { "X-su": "role-1" }, 200],
    ["a role that the key may not act as", SESSIONS, { "X-su": "role-2" }, 403],
    ["a virtual server that does not exist", "/servers/third/sessions/", {}, 401],
    ["a property of every object as serverid", "/servers/constructor/sessions/", {}, 401],
  ])("with %s", async (_, path, headers, status) => {
    expect(await statusOf(path, { "X-nonce": "n", ...headers })).toBe(status);
  });
});

it("logout is a POST with X-nonce, which ends that session only", async () => {
  const nonce = standIn.login(SERVERID, ALICE);
  const other = standIn.login(SERVERID, { userid: "alice", accountid: 8 });
  expect(await statusOf(`${SESSIONS}logout`, {}, "POST")).toBe(400);
  expect(await statusOf(`${SESSIONS}logout`, { "X-nonce": nonce }, "GET")).toBe(404);
  expect(await statusOf(`${SESSIONS}logout`, { "X-nonce": nonce }, "POST")).toBe(200);
  expect(await (await ask(SESSIONS, { "X-nonce": nonce })).json()).toMatchObject({ loggedin: false });
  expect(await (await ask(SESSIONS, { "X-nonce": other })).json()).toMatchObject({ loggedin: true });
});

it("getUserAttributes answers with text/plain, and 404 for an unknown user", async () => {
  standIn.setUserAttributes(SERVERID, "al/ice", { branch: "Gent" });
  const found = await ask(`/servers/${SEGMENT}/users/al%2Fice/attributes/`);
  expect([found.status, await found.text()]).toEqual([200, '{"branch":"Gent"}']);
  expect(found.headers.get("content-type")).toMatch(/^text\/plain/);
  expect(await statusOf(`/servers/${SEGMENT}/users/bob/attributes/`)).toBe(404);
});

describe("the stand-in of dev mode", () => {
  const standIn = createStandIn("key");
  const get = async (path: string, nonce = "", apikey = "key") => {
    const headers = { "X-apikey": apikey, ...(nonce && { "X-nonce": nonce }) };
    const answer = await standIn.fetch(new Request(`http://127.0.0.1${path}`, { headers }));
    return [answer.status, answer.headers.get("content-type"), await answer.text()];
  };

  it("has every virtual server, and each session at its own", async () => {
    const nonce = standIn.open(SERVERID, ALICE);
    expect((await get(SESSIONS, nonce))[2]).toContain('"loggedin":true,"userid":"alice","accountid":7');
    expect((await get("/servers/other/sessions/", nonce))[2]).toContain('"loggedin":false');
    expect((await get(SESSIONS, standIn.open(SERVERID)))[2]).toContain('"loggedin":false');
    expect((await get(SESSIONS, nonce, "wrong"))[0]).toBe(401);
  });

  it("knows the attributes of a user's last session", async () => {
    const path = `/servers/${SEGMENT}/users/al%2Fice/attributes/`;
    expect((await get(path))[0]).toBe(404);
    for (const branch of ["Gent", "Paris"]) standIn.open(SERVERID, { userid: "al/ice" }, { branch });
    expect(await get(path)).toEqual([200, expect.stringMatching(/^text\/plain/), '{"branch":"Paris"}']);
  });
});
