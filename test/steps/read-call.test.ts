// A call is read as its binding says. test/nextauth/values.test.ts tests the values.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { readText } from "../../src/steps/body.ts";
import { createCallReader } from "../../src/steps/read-call.ts";
import { bind, type Places } from "../nextauth/bind.ts";
import { type AppChanges, buildApp, call, type SentCall } from "../support/app.ts";
import { APIKEY, NONCE } from "../support/call.ts";
import { thrownBy } from "../support/fakes.ts";

const DEFAULT = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};
const FORM_TYPE = "application/x-www-form-urlencoded";
const BROKEN_ENCODING = "a parameter of the call has a broken percent-encoding";

interface Sent {
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  /** Path and query. */
  target?: string;
}

/** Reads a call of a binding that requires a userid. */
async function read(places: Places, sent: Sent, path?: string, defaultServerid?: string) {
  const { body, type = "application/json", headers = {}, target = "/getToken" } = sent;
  const payload =
    body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const request = new Request(`http://proxy.example${target}`, {
    method: "POST",
    headers: { ...(type === "" ? {} : { "content-type": type }), ...headers },
    ...(payload === undefined ? {} : { body: payload as string }),
  });
  const { values, ...binding } = bind(places, path);
  const userid = { ...values.userid, required: true } as (typeof values)[string];
  const reader = createCallReader({ ...binding, values: { ...values, userid } }, defaultServerid);
  return Object.fromEntries(await reader(request, target.split("?")[0] as string, () => readText(request)));
}

const FORM = { userid: ["form:user id"], accountid: ["form:account"], extra: ["form:extra", "query:extra"] };
const EITHER = { userid: ["form:u", "body:/u"] };
const BEARER = { userid: ["query:u"], user_token: ["header:Authorization"] };
const ALICE = { userid: "alice" };
const TARGET = "/getToken?u=alice";

it.each<[string, Places, Sent, Record<string, unknown>]>([
  [
    "a JSON body and the nonce in a header, without other members",
    DEFAULT,
    { body: { serverid: "c2VydmVyLTE=", userid: "alice", accountid: 7, other: [1] }, headers: { "X-Nonce": "n0nce" } },
    { serverid: "c2VydmVyLTE=", userid: "alice", accountid: 7, nonce: "n0nce" },
  ],
  ["a call with only what is required", DEFAULT, { body: ALICE }, ALICE],
  ["the second source of a value", DEFAULT, { body: { ...ALICE, nonce: "n" } }, { ...ALICE, nonce: "n" }],
  [
    "the first source of a value if both have it",
    DEFAULT,
    { body: { ...ALICE, nonce: "n" }, headers: { "x-nonce": "first" } },
    { ...ALICE, nonce: "first" },
  ],
  [
    "Application/JSON with a byte order mark",
    DEFAULT,
    { type: "Application/JSON ; charset=utf-8", body: '\ufeff{"userid":"alice"}' },
    ALICE,
  ],
  ["application/…+json", DEFAULT, { type: "application/vnd.bank+json", body: ALICE }, ALICE],
  [
    "a form, decoded, with digits as an integer",
    FORM,
    { type: `${FORM_TYPE}; charset=utf-8`, body: "user+id=alice%40b%C3%A9&account=7&x=1" },
    { userid: "alice@bé", accountid: 7 },
  ],
  ["a form if the binding also has JSON", EITHER, { type: FORM_TYPE, body: "u=form" }, { userid: "form" }],
  ["JSON if the binding also has a form", EITHER, { body: { u: "json" } }, { userid: "json" }],
  [
    "a token after Bearer in Authorization",
    BEARER,
    { target: TARGET, headers: { authorization: "bearer  t" } },
    { ...ALICE, user_token: "t" },
  ],
])("reads %s", async (_, places, sent, values) => {
  expect(await read(places, sent)).toEqual(values);
});

it("reads query, path and headers, decoded, and not the body", async () => {
  const places = { userid: ["query:u"], serverid: ["path:server"], nonce: ["header:X-Nonce"] };
  const target = "/servers/c2Vy%3D%2F/getToken?u=alice+b%26c&v=1";
  const sent = { type: "text/plain", body: "anything", target, headers: { "x-nonce": "n" } };
  const values = { userid: "alice b&c", serverid: "c2Vy=/", nonce: "n" };
  expect(await read(places, sent, "/servers/{server}/getToken")).toEqual(values);
});

it("adds the default serverid if the call names none", async () => {
  expect(await read(DEFAULT, { body: ALICE }, "/getToken", "d")).toEqual({ ...ALICE, serverid: "d" });
  const body = { ...ALICE, serverid: "a" };
  expect(await read(DEFAULT, { body }, "/getToken", "d")).toEqual(body);
});

const JSON_NEEDED = "the call's Content-Type must be application/json";
const FORM_NEEDED = `the call's Content-Type must be ${FORM_TYPE}`;
const EITHER_NEEDED = `the call's Content-Type must be application/json or ${FORM_TYPE}`;
const ONE_BEARER = "the call's Authorization is not Bearer with one token";
const BROKEN_PATH = "the call's path has a broken percent-encoding";

it.each<[string, Places, Sent, string?]>([
  ['the call has no "userid"', DEFAULT, { body: { serverid: "a" } }],
  [JSON_NEEDED, DEFAULT, { type: "", body: new TextEncoder().encode("{}") }],
  [JSON_NEEDED, DEFAULT, { type: "text/json", body: ALICE }],
  [JSON_NEEDED, DEFAULT, { type: "application/jsonp", body: ALICE }],
  [JSON_NEEDED, DEFAULT, { type: FORM_TYPE, body: ALICE }],
  ["the call's body is not a JSON object", DEFAULT, { body: "userid=a" }],
  ["the call's body is not a JSON object", DEFAULT, { body: [ALICE] }],
  ["the call's body is not a JSON object", DEFAULT, { body: "null" }],
  ["the call's body is not UTF-8", DEFAULT, { body: Uint8Array.of(0x7b, 0xff, 0x7d) }],
  [`the call's "userid" must be text`, DEFAULT, { body: { userid: 7 } }],
  [`the call's "nonce" is empty`, DEFAULT, { body: { ...ALICE, nonce: "n" }, headers: { "x-nonce": "" } }],
  [`the call's "accountid" must be an integer`, DEFAULT, { body: { ...ALICE, accountid: "7" } }],
  ['the parameter "user id" occurs twice', FORM, { type: FORM_TYPE, body: "user+id=a&user%20id=b" }],
  [
    'the parameter "extra" occurs twice',
    FORM,
    { type: FORM_TYPE, body: "user+id=a", target: "/getToken?extra=1&extra=1" },
  ],
  [BROKEN_ENCODING, FORM, { type: FORM_TYPE, body: "user+id=al%FFce" }],
  [FORM_NEEDED, FORM, { body: ALICE }],
  [EITHER_NEEDED, EITHER, { type: "text/plain", body: "" }],
  [BROKEN_ENCODING, { userid: ["query:u"] }, { target: "/getToken?u=%zz" }],
  [BROKEN_PATH, { userid: ["path:u"] }, { target: "/users/%zz" }, "/users/{u}"],
  [BROKEN_PATH, { userid: ["path:u"] }, { target: "/users/al%FFce" }, "/users/{u}"],
  ['the header "x-user" of the call is not ASCII', { userid: ["header:X-User"] }, { headers: { "x-user": "alicé" } }],
  [ONE_BEARER, BEARER, { target: TARGET, headers: { authorization: "t" } }],
  [ONE_BEARER, BEARER, { target: TARGET, headers: { authorization: "Basic t" } }],
  [ONE_BEARER, BEARER, { target: TARGET, headers: { authorization: "Bearer t u" } }],
])("refuses a call: %s", async (message, places, sent, path) => {
  const error = await thrownBy(() => read(places, sent, path));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect(error).toMatchObject({ code: "call_invalid", message, cause: undefined });
});

it("takes each value out by its pattern, but leaves the userid whole for getSession", async () => {
  const binding = bind({ userid: ["body:/u"], accountid: ["body:/a"] });
  const pattern = /^urn:(.+)$/su;
  const values = Object.entries(binding.values).map(([name, rule]) => [name, { ...rule, max_length: 5, pattern }]);
  const read = createCallReader({ ...binding, values: Object.fromEntries(values) });
  const headers = { "content-type": "application/json" };
  const readBody = (body: object) =>
    read(new Request("http://proxy.example/getToken", { headers }), "/getToken", async () => JSON.stringify(body));
  expect(Object.fromEntries(await readBody({ u: "urn:alice", a: "urn:7" }))).toEqual({
    userid: "urn:alice",
    accountid: 7,
  });
  expect(await thrownBy(() => readBody({ a: 7 }))).toMatchObject({
    code: "call_invalid",
    message: `the call's "accountid" does not match its pattern`,
  });
});

describe("the debug log of a call that cannot be read", () => {
  const linesOf = async (sent: SentCall, changes: AppChanges = {}) => {
    const { app, lines } = await buildApp(changes);
    await app.request(call(sent));
    return lines.filter(({ level }) => level === "debug");
  };

  it("has the names and types of what was received, and no value", async () => {
    const body = { user: { UserID: "the-user" }, accountid: "seven" };
    const [line, ...more] = await linesOf({ path: "/getToken?q=the-query", body });
    expect(more).toEqual([]);
    expect(line).toMatchObject({ event: "call cannot be read", fields: { request_id: expect.stringMatching(/./) } });
    const received = String(line?.fields.received);
    const parts = [
      "header:x-nonce (string)",
      "query:q (string)",
      "body:/user/UserID (string)",
      "body:/accountid (string)",
    ];
    for (const part of parts) expect(received).toContain(part);
    for (const value of [NONCE, APIKEY, "the-user", "the-query", "seven"]) expect(received).not.toContain(value);
  });

  it("is also written if the provider lacks a value, or the userid does not match its pattern", async () => {
    const provider = { params: { account: "{{accountid}}" } };
    const values = { userid: { from: ["body:/userid"], pattern: "^urn:(.+)$" }, nonce: ["header:X-nonce"] };
    for (const changes of [{ provider }, { file: { get_token: { session: "trust", values } } }]) {
      const lines = await linesOf({ body: { userid: "alice", account: 7 } }, changes);
      expect(lines.map(({ event }) => event)).toEqual(["call cannot be read"]);
      expect(lines[0]?.fields.received).toMatch(/body:\/userid \(string\), body:\/account \(number\)$/);
    }
  });

  it("is not written for a call that can be read, or whose caller is unknown", async () => {
    expect(await linesOf({})).toEqual([]);
    expect(await linesOf({ body: {}, headers: { "x-apikey": "wrong" } })).toEqual([]);
  });

  it("has the headers of a call whose body cannot be read", async () => {
    const [line] = await linesOf({ body: Uint8Array.of(0xff) });
    expect(line?.fields.received).toMatch(/header:content-type \(string\)/);
  });
});
