// webNonceSession accepts only the webNonce of a session that is logged in, by a clear answer to
// getSession.

import { Hono } from "hono";
import { afterEach, describe, expect, it, vi } from "vitest";
import { type WebNonceSessionOptions, webNonceSession } from "../../src/resource-server/index.ts";
import {
  expectNoCredential,
  expectRefusal,
  type FakeFetch,
  fakeFetch,
  hang,
  INVALID,
  MALFORMED,
  showReason,
  UNAVAILABLE,
  WRONG_ANSWERS,
} from "./fake-fetch.ts";

afterEach(() => {
  vi.useRealTimers();
});

const NONCE = "9f86d081884c7d659a2feaa0c55ad015";
/** A LoginStatus. */
const LOGGED_IN = { loggedin: true, userid: "alice@bank.example", accountid: 7, hsid: "x", canprovoke: true };
const OPTIONS: WebNonceSessionOptions = {
  url: "https://ns-api.bank.example/",
  apikey: "apikey-of-the-virtual-server",
  serverid: "a+b/c==",
};

type Headers = Record<string, string>;

const answering = (status: unknown) => fakeFetch(() => Response.json(status));

/** Sends a request to a resource server that responds with userid and accountid. */
async function ask({ fetch }: FakeFetch, headers: Headers, path = "/", options: Partial<WebNonceSessionOptions> = {}) {
  const app = new Hono()
    .use(showReason, webNonceSession({ ...OPTIONS, fetch, ...options }))
    .get("/", ({ json, var: { userid, accountid } }) => json({ userid, accountid: accountid ?? "none" }))
    .get("/cached", (c) => c.text("", 200, { "Cache-Control": "max-age=60" }));
  return app.request(path, { headers });
}

describe("a request", () => {
  it.each<[string, Headers]>([
    ["Authorization", { authorization: `Bearer ${NONCE}` }],
    ["X-nonce", { "x-nonce": NONCE }],
    ["both, with the same webNonce", { authorization: `Bearer ${NONCE}`, "x-nonce": NONCE }],
    ["X-nonce beside another scheme", { authorization: "Basic YTpi", "x-nonce": NONCE }],
  ])("with a webNonce in %s gets the userid and accountid of its session", async (_, headers) => {
    const server = answering(LOGGED_IN);
    const response = await ask(server, headers);
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ userid: "alice@bank.example", accountid: 7 });
    expect(server.requests[0]?.headers.get("x-nonce")).toBe(NONCE);
  });

  it("gets no accountid if getSession has none", async () => {
    const response = await ask(answering({ loggedin: true, userid: "alice" }), { "x-nonce": NONCE });
    expect(await response.json()).toEqual({ userid: "alice", accountid: "none" });
  });

  it("causes one getSession each, with the apikey and the serverid as one segment", async () => {
    const server = answering(LOGGED_IN);
    for (const _ of [1, 2]) await ask(server, { "x-nonce": NONCE }, "/", { su: "role" });
    expect(server.requests).toHaveLength(2);
    expect(server.requests[1]).toMatchObject({
      method: "GET",
      url: "https://ns-api.bank.example/servers/a%2Bb%2Fc%3D%3D/sessions/",
      redirect: "manual",
    });
    const headers = server.requests[1]?.headers;
    expect([headers?.get("x-apikey"), headers?.get("x-su")]).toEqual(["apikey-of-the-virtual-server", "role"]);
  });

  it("gets a response that shared caches do not keep, unless the handler says otherwise", async () => {
    const server = answering(LOGGED_IN);
    const plain = await ask(server, { "x-nonce": NONCE });
    expect(plain.headers.get("cache-control")).toBe("private");
    const cached = await ask(server, { "x-nonce": NONCE }, "/cached");
    expect(cached.headers.get("cache-control")).toBe("max-age=60");
  });

  it("without a webNonce gets 401 without an error code and without getSession", async () => {
    const server = answering(LOGGED_IN);
    await expectNoCredential(await ask(server, { authorization: "Basic YTpi" }));
    expect(server.requests).toEqual([]);
  });

  it.each<[string, Headers, typeof MALFORMED | typeof INVALID]>([
    ["an empty X-nonce", { "x-nonce": "" }, INVALID],
    ["two X-nonce headers", { "x-nonce": `${NONCE}, ${NONCE}` }, INVALID],
    ["two webNonces", { authorization: `Bearer ${NONCE}`, "x-nonce": `${NONCE.slice(1)}0` }, MALFORMED],
    ["a malformed Authorization beside X-nonce", { authorization: "Bearer", "x-nonce": NONCE }, MALFORMED],
    ["control characters in its webNonce", { "x-nonce": `${NONCE}\u0001` }, INVALID],
    ["513 characters in its webNonce", { authorization: `Bearer ${NONCE.padEnd(513, "a")}` }, INVALID],
  ])("with %s is refused without getSession", async (_, headers, expected) => {
    const server = answering(LOGGED_IN);
    await expectRefusal(await ask(server, headers), { ...expected, without: NONCE });
    expect(server.requests).toEqual([]);
  });

  it("with a session that is not logged in gets 401", async () => {
    const response = await ask(answering({ loggedin: false, userid: "alice" }), { "x-nonce": NONCE });
    await expectRefusal(response, { ...INVALID, without: NONCE });
  });
});

describe("a nextAuth Server", () => {
  async function expectUnavailable(response: Response): Promise<void> {
    expect(response.headers.get("x-reason")).toContain('"ns-api.bank.example"');
    await expectRefusal(response, { ...UNAVAILABLE, without: NONCE });
  }

  it.each(WRONG_ANSWERS)("that answers with %s causes 503", async (_, answer) => {
    await expectUnavailable(await ask(fakeFetch(answer), { "x-nonce": NONCE }));
  });

  it("that does not answer causes 503 after the timeout", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const pending = ask(fakeFetch(hang), { "x-nonce": NONCE }, "/", { timeout: 700 });
    await vi.advanceTimersByTimeAsync(700);
    const response = await pending;
    expect(response.headers.get("x-reason")).toContain("did not answer in time");
    await expectUnavailable(response);
  });
});

describe("the options", () => {
  it.each<Partial<WebNonceSessionOptions>>([
    { url: "http://127.0.0.1:8080/api/" },
    { su: "role", timeout: 1 },
    { su: undefined, timeout: undefined, fetch: undefined },
  ])("can be %j", (options) => {
    expect(webNonceSession({ ...OPTIONS, ...options })).toBeTypeOf("function");
  });

  it.each<[option: string, values: unknown[]]>([
    ["url", [undefined, "", "http://ns-api.bank.example", "https://ns/?a", 7]],
    ["apikey", [undefined, "", "two\nlines", "schlüssel", 7]],
    ["serverid", [undefined, "", "a".repeat(257), "a\u0000"]],
    ["su", ["", "rôle", null]],
    ["timeout", [0, -1, 0.5, Number.NaN, 86_400_001, "2s"]],
  ])("are refused for a faulty %s", (option, values) => {
    for (const value of values) {
      const create = () => webNonceSession({ ...OPTIONS, [option]: value });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(new RegExp(`^"${option}" (?:must|is|has) `));
    }
  });

  it("are refused without repeating the apikey", () => {
    expect(() => webNonceSession({ ...OPTIONS, apikey: "geheim\n" })).toThrow(/^(?!.*geheim)/s);
  });
});
