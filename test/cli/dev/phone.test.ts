// The phone's calls: as the binding says, for the session and the user that the form describes.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createStandIn } from "../../../src/cli/dev/nextauth-server.ts";
import { curlLine, endpointsOf, fieldsOf, play } from "../../../src/cli/dev/phone.ts";
import { parseConfig } from "../../../src/config/parse.ts";
import { UsageError } from "../../../src/core/errors.ts";
import { type Listener, listen } from "../../../src/node/inbound/listener.ts";
import { fileConfig } from "../../support/config.ts";

const FILE = {
  callers: {
    limited: { apikeys: [{ env: "A" }], serverids: ["other"] },
    main: { apikeys: [{ env: "B" }], serverids: ["c2VydmVyLTE="] },
  },
  nextauth: { url: "https://ns.bank.example", apikey: { env: "N" }, serverid: "c2VydmVyLTE=" },
  webnonce_exchange: [{ path: "/token" }, { path: "/token/other", serverid: "other" }],
  get_token: [
    {},
    {
      method: "GET",
      path: "/users/{user}/token",
      apikey_header: "authorization",
      values: {
        userid: { from: ["path:user"], pattern: "^urn:user:(.+)$" },
        nonce: ["query:nonce"],
        branch: { from: ["header:X-branch"], max_length: 4 },
      },
    },
  ],
};
const GET_TOKEN = "getToken: POST /getToken";
const CUSTOM = "getToken: GET /users/{user}/token";
const EXCHANGE = "webNonce exchange: POST /token";

const parse = (file: object = FILE, provider: object = {}) =>
  parseConfig(JSON.stringify(fileConfig("http://127.0.0.1:1/token", { file, provider })), "test").config;

let proxy: Listener;
let standIn: ReturnType<typeof createStandIn>;
const received: { line: string; headers: Headers; body: string }[] = [];

beforeAll(async () => {
  proxy = await listen(
    async (request) => {
      const { pathname, search } = new URL(request.url);
      received.push({
        line: `${request.method} ${pathname}${search}`,
        headers: request.headers,
        body: await request.text(),
      });
      return new Response("\ufeff{ }\r\n", { status: 403, headers: { "Content-Type": "text/odd" } });
    },
    { host: "127.0.0.1", port: 0 },
    "the proxy",
  );
});
afterAll(() => proxy?.close(0));
beforeEach(() => {
  received.length = 0;
  standIn = createStandIn("key");
});

async function send(form: Record<string, string>, config = parse()) {
  const stage = { config, standIn, url: proxy.url, apikey: "key-of-main" };
  const sent = { endpoint: GET_TOKEN, session: "logged in", "value:userid": "alice", ...form };
  const played = await play(new URLSearchParams(sent), stage);
  return { ...played, received: received.at(-1) as (typeof received)[number] };
}
/** What getSession says of the only session. */
async function session(serverid: string, nonce: string) {
  const headers = { "x-apikey": "key", "x-nonce": nonce };
  const url = `http://127.0.0.1/servers/${encodeURIComponent(serverid)}/sessions/`;
  return (await standIn.fetch(new Request(url, { headers }))).json();
}
const onlyNonce = () => [...standIn.sessions.keys()].join();

describe("the form", () => {
  it("offers every binding and exchange, and every value and attribute that they or a provider use", () => {
    const config = parse(FILE, { params: { userid: "{{userid}}", level: "{{attributes.level}}" } });
    expect([...endpointsOf(config).keys()]).toEqual([GET_TOKEN, CUSTOM, EXCHANGE, `${EXCHANGE}/other`]);
    expect(Object.fromEntries(fieldsOf(config))).toEqual({
      ...{ userid: "alice", accountid: "7", serverid: "c2VydmVyLTE=" },
      ...{ branch: "", "attributes.level": "" },
    });
  });

  it("starts with a serverid of the file", () => {
    expect(fieldsOf(parse()).get("serverid")).toBe("c2VydmVyLTE=");
    expect(fieldsOf(parse({})).get("serverid")).toBe("ZGV2");
  });
});

describe("a getToken call", () => {
  it("has the user and a new session that is logged in, and the key of the caller", async () => {
    const form = { "value:accountid": "9", "value:serverid": "c2VydmVyLTE=" };
    const { call, response, received: got } = await send(form);
    expect([got.line, got.body]).toEqual([
      "POST /getToken",
      '{"serverid":"c2VydmVyLTE=","userid":"alice","accountid":9}',
    ]);
    expect(got.headers.get("x-apikey")).toBe("key-of-main");
    expect(got.headers.get("x-nonce")).toBe(onlyNonce());
    expect(await session("c2VydmVyLTE=", onlyNonce())).toMatchObject({ loggedin: true, userid: "alice", accountid: 9 });
    expect(call).toMatchObject({ method: "POST", url: `${proxy.url}/getToken`, body: got.body });
    for (const [name, value] of Object.entries(call.headers)) expect(got.headers.get(name)).toBe(value);
    expect([response.status, response.contentType]).toEqual([403, "text/odd"]);
    expect(Buffer.from(response.bytes).toString("latin1")).toBe("\u00ef\u00bb\u00bf{ }\r\n");
  });

  it("of a session that is not logged in, or expired, has a nonce without a user", async () => {
    const open = await send({ session: "not logged in" });
    expect(open.received.headers.get("x-nonce")).toBe(onlyNonce());
    expect(await session("c2VydmVyLTE=", onlyNonce())).toMatchObject({ loggedin: false });
    const expired = await send({ session: "expired" });
    expect(standIn.sessions.has(expired.received.headers.get("x-nonce") as string)).toBe(false);
  });

  it("follows the binding, and leaves out what has no place in it", async () => {
    const userid = "urn:user:a/b";
    const form = { endpoint: CUSTOM, "value:userid": userid, "value:branch": "Gent", "value:serverid": "other" };
    const { received: got } = await send(form);
    expect(got.line).toBe(`GET /users/urn%3Auser%3Aa%2Fb/token?${new URLSearchParams({ nonce: onlyNonce() })}`);
    expect([got.headers.get("x-branch"), got.body]).toEqual(["Gent", ""]);
    expect(got.headers.get("authorization")).toMatch(/^Bearer key-of-/);
    // The call names no serverid, so the session is at the default one.
    expect(await session("c2VydmVyLTE=", onlyNonce())).toMatchObject({ loggedin: true, userid });
  });

  it("comes with attributes of the user", async () => {
    const config = parse(FILE, { params: { level: "{{attributes.level}}" } });
    await send({ "value:attributes.level": "gold" }, config);
    expect([...standIn.sessions.values()][0]?.attributes).toEqual({ level: "gold" });
  });

  it.each<[Record<string, string>, string]>([
    [{ endpoint: "getToken: POST /old" }, "no longer has this endpoint"],
    [{ "value:userid": "" }, '"userid" is empty'],
    [{ "value:userid": "a\nb" }, '"userid" has control characters'],
    [{ "value:accountid": "seven" }, '"accountid" must be an integer'],
    [{ endpoint: CUSTOM, "value:branch": "Brussels" }, '"branch" has more than 4 characters'],
    [{ endpoint: CUSTOM, "value:branch": "é" }, 'no place for this "branch"'],
  ])("is not made of %j, and the error says why", async (form, message) => {
    const error = await send(form).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toContain(message);
    expect(received).toEqual([]);
  });
});

describe("an exchange", () => {
  it.each([
    [EXCHANGE, "c2VydmVyLTE="],
    [`${EXCHANGE}/other`, "other"],
  ])("sends a webNonce as a standard client does: %s", async (endpoint, serverid) => {
    const { received: got } = await send({ endpoint, "value:serverid": "third" });
    expect(got.headers.get("content-type")).toBe("application/x-www-form-urlencoded");
    expect(got.headers.get("x-apikey")).toBe(null);
    const form = Object.fromEntries(new URLSearchParams(got.body));
    expect(form).toEqual({ grant_type: "authorization_code", code: onlyNonce() });
    expect(await session(serverid, onlyNonce())).toMatchObject({ loggedin: true, userid: "alice" });
  });
});

it("the curl line quotes for a shell, and sends nothing from files", () => {
  const call = {
    method: "POST" as const,
    path: "/t",
    url: "http://127.0.0.1:1/t",
    headers: { a: "it's" },
    body: "@x'y",
  };
  expect(curlLine(call)).toBe("curl -s 'http://127.0.0.1:1/t' -H 'a: it'\\''s' --data-raw '@x'\\''y'");
});
