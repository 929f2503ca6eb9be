// Only the webNonce of a session that is logged in lets a request pass.

import { describe, expect, it } from "vitest";
import { expectNoCredential, expectRefusal, type FakeFetch, INVALID, MALFORMED } from "./fake-fetch.ts";
import { answering, LOGGED_IN, NONCE, resourceServer } from "./fake-nextauth-server.ts";

const ask = (server: FakeFetch, headers: Record<string, string>, path?: string) =>
  resourceServer(server)(headers, path);

describe("a request", () => {
  it.each<[string, Record<string, string>]>([
    ["Authorization", { authorization: `Bearer ${NONCE}` }],
    ["Authorization in lower case", { authorization: `bearer ${NONCE}` }],
    ["X-nonce", { "x-nonce": NONCE }],
    ["both, with the same webNonce", { authorization: `Bearer ${NONCE}`, "x-nonce": NONCE }],
    ["X-nonce beside credentials of another kind", { authorization: "Basic YTpi", "x-nonce": NONCE }],
  ])("with a webNonce in %s passes with the userid and the accountid of its session", async (_, headers) => {
    const server = answering(LOGGED_IN);
    const answer = await ask(server, headers);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual({ userid: "alice@bank.example", accountid: 7 });
    expect(server.requests[0]?.headers.get("x-nonce")).toBe(NONCE);
  });

  it("passes without an accountid where getSession names none", async () => {
    const answer = await ask(answering({ loggedin: true, userid: "alice" }), { "x-nonce": NONCE });
    expect(await answer.json()).toEqual({ userid: "alice", accountid: "none" });
  });

  it("makes the nextAuth Server be asked each time, with the apikey and the serverid as one segment", async () => {
    const server = answering(LOGGED_IN);
    const ask = resourceServer(server, { su: "role" });
    for (const _ of [1, 2]) await ask({ "x-nonce": NONCE });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]).toMatchObject({
      method: "GET",
      url: "https://ns-api.bank.example/servers/a%2Bb%2Fc%3D%3D/sessions/",
      redirect: "manual",
    });
    const headers = server.requests[1]?.headers;
    expect([headers?.get("x-apikey"), headers?.get("x-su")]).toEqual(["apikey-of-the-virtual-server", "role"]);
  });

  it("has its answer kept out of shared caches, unless the resource server says what to do", async () => {
    const server = answering(LOGGED_IN);
    const plain = await ask(server, { "x-nonce": NONCE });
    expect(plain.headers.get("cache-control")).toBe("private");
    const own = await ask(server, { "x-nonce": NONCE }, "/cached");
    expect(own.headers.get("cache-control")).toBe("max-age=60");
  });

  it.each<[string, Record<string, string>]>([
    ["no credential", {}],
    ["credentials of another kind", { authorization: "Basic YTpi" }],
  ])("with %s is refused without an error code, and nobody is asked", async (_, headers) => {
    const server = answering(LOGGED_IN);
    await expectNoCredential(await ask(server, headers));
    expect(server.requests).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ["an empty Bearer", { authorization: "Bearer " }],
    ["two words after Bearer", { authorization: `Bearer ${NONCE} ${NONCE}` }],
    ["two of Authorization", { authorization: `Bearer ${NONCE}, Bearer ${NONCE}` }],
    ["an empty X-nonce", { "x-nonce": "" }],
    ["two of X-nonce", { "x-nonce": `${NONCE}, ${NONCE}` }],
    ["two different webNonces", { authorization: `Bearer ${NONCE}`, "x-nonce": `${NONCE.slice(1)}0` }],
    ["a malformed Authorization beside a good X-nonce", { authorization: "Bearer", "x-nonce": NONCE }],
  ])("with %s is malformed, and nobody is asked", async (_, headers) => {
    const server = answering(LOGGED_IN);
    await expectRefusal(await ask(server, headers), { ...MALFORMED, without: NONCE });
    expect(server.requests).toEqual([]);
  });

  it.each<[string, Record<string, string>]>([
    ["control characters", { "x-nonce": "abc\u0001def" }],
    ["a tab", { "x-nonce": "abc\tdef" }],
    ["letters beyond ASCII", { "x-nonce": "abcé" }],
    ["letters beyond ASCII, as Bearer", { authorization: "Bearer abcé" }],
    ["more characters than any has", { authorization: `Bearer ${"a".repeat(513)}` }],
  ])("with a webNonce that no session can have (%s) is refused, and nobody is asked", async (_, headers) => {
    const server = answering(LOGGED_IN);
    await expectRefusal(await ask(server, headers), { ...INVALID, without: "abc" });
    expect(server.requests).toEqual([]);
  });

  it("with the webNonce of a session that is not logged in is refused", async () => {
    const answer = await ask(answering({ loggedin: false, userid: "alice" }), { "x-nonce": NONCE });
    await expectRefusal(answer, { ...INVALID, without: NONCE });
  });
});
