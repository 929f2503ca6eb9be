// A call is read as its binding says. test/nextauth/values.test.ts tests the values.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { readText } from "../../src/steps/body.ts";
import { createCallReader } from "../../src/steps/read-call.ts";
import { bind, type Places } from "../nextauth/bind.ts";
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

async function refusal(places: Places, sent: Sent, path?: string): Promise<string> {
  const error = await thrownBy(() => read(places, sent, path));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("call_invalid");
  expect((error as TokenProxyError).cause).toBeUndefined();
  return (error as Error).message;
}

describe("the default binding", () => {
  it("reads a JSON body and the nonce in a header, and ignores other members", async () => {
    const body = { serverid: "c2VydmVyLTE=", userid: "alice", accountid: 7, other: [1] };
    expect(await read(DEFAULT, { body, headers: { "X-Nonce": "n0nce" } })).toEqual({
      serverid: "c2VydmVyLTE=",
      userid: "alice",
      accountid: 7,
      nonce: "n0nce",
    });
  });

  it("only requires the userid", async () => {
    expect(await read(DEFAULT, { body: { userid: "alice" } })).toEqual({ userid: "alice" });
    expect(await refusal(DEFAULT, { body: { serverid: "a" } })).toBe('the call has no "userid"');
    expect(await refusal(DEFAULT, { body: '{"__proto__":{"userid":"a"}}' })).toBe('the call has no "userid"');
  });

  it("adds the default serverid if the call names none", async () => {
    const body = { userid: "alice", serverid: "a" };
    expect(await read(DEFAULT, { body: { userid: "alice" } }, "/getToken", "d")).toMatchObject({ serverid: "d" });
    expect(await read(DEFAULT, { body }, "/getToken", "d")).toMatchObject({ serverid: "a" });
  });

  it("uses the first source that has a value", async () => {
    const body = { userid: "alice", nonce: "from the body" };
    expect((await read(DEFAULT, { body })).nonce).toBe("from the body");
    expect((await read(DEFAULT, { body, headers: { "x-nonce": "first" } })).nonce).toBe("first");
  });

  it.each(["application/json", "Application/JSON ; charset=utf-8", "application/vnd.bank+json"])(
    "accepts the Content-Type %s",
    async (type) => {
      expect((await read(DEFAULT, { type, body: '\ufeff{"userid":"alice"}' })).userid).toBe("alice");
    },
  );

  it.each(["", "text/plain", FORM_TYPE, "application/jsonp"])("refuses the Content-Type %j", async (type) => {
    const body = new TextEncoder().encode('{"userid":"alice"}');
    expect(await refusal(DEFAULT, { type, body })).toBe("the call's Content-Type must be application/json");
  });

  it.each<[string, unknown, string]>([
    ["no body", undefined, "the call's body is not JSON"],
    ["a body that is not JSON", "userid=a", "the call's body is not JSON"],
    ["a list", [{ userid: "a" }], "the call's body is not a JSON object"],
    ["null", "null", "the call's body is not a JSON object"],
    ["bytes that are not UTF-8", Uint8Array.of(0x7b, 0xff, 0x7d), "the call's body is not UTF-8"],
    ["a value that breaks its rule", { userid: 7 }, `the call's "userid" must be text`],
    ["a typed value as text", { userid: "a", accountid: "7" }, `the call's "accountid" must be an integer`],
  ])("refuses %s", async (_, body, message) => {
    expect(await refusal(DEFAULT, { body })).toBe(message);
  });
});

describe("a form", () => {
  const FORM = { userid: ["form:user id"], accountid: ["form:account"], extra: ["form:extra", "query:extra"] };
  const EITHER = { userid: ["form:u", "body:/u"] };

  it("is decoded, and its digits are an integer", async () => {
    const sent = { type: `${FORM_TYPE}; charset=utf-8`, body: "user+id=alice%40b%C3%A9&account=7&x=1" };
    expect(await read(FORM, sent)).toEqual({ userid: "alice@bé", accountid: 7 });
  });

  it.each<[string, Sent, string]>([
    ["a parameter twice", { body: "user+id=a&user%20id=b" }, 'the call has the parameter "user id" twice'],
    [
      "a query parameter twice",
      { body: "user+id=a", target: "/getToken?extra=1&extra=1" },
      'the call has the parameter "extra" twice',
    ],
    ["escapes that are not UTF-8", { body: "user+id=al%FFce" }, BROKEN_ENCODING],
    ["JSON", { type: "application/json", body: {} }, `the call's Content-Type must be ${FORM_TYPE}`],
  ])("is refused with %s", async (_, sent, message) => {
    expect(await refusal(FORM, { type: FORM_TYPE, ...sent })).toBe(message);
  });

  it("is an alternative to JSON if the binding has both", async () => {
    expect((await read(EITHER, { type: FORM_TYPE, body: "u=form" })).userid).toBe("form");
    expect((await read(EITHER, { body: { u: "json" } })).userid).toBe("json");
    const message = `the call's Content-Type must be application/json or ${FORM_TYPE}`;
    expect(await refusal(EITHER, { type: "text/plain", body: "" })).toBe(message);
  });
});

describe("query, path and headers", () => {
  it("are decoded, and the body is not read", async () => {
    const places = { userid: ["query:u"], serverid: ["path:server"], nonce: ["header:X-Nonce"] };
    const target = "/servers/c2Vy%3D%2F/getToken?u=alice+b%26c&v=1";
    const sent = { type: "text/plain", body: "anything", target, headers: { "x-nonce": "n" } };
    expect(await read(places, sent, "/servers/{server}/getToken")).toEqual({
      userid: "alice b&c",
      serverid: "c2Vy=/",
      nonce: "n",
    });
  });

  it("are refused with a broken percent-encoding", async () => {
    for (const broken of ["%", "%zz", "al%FFce"]) {
      const path = "the call's path has a broken percent-encoding";
      expect(await refusal({ userid: ["path:u"] }, { target: `/users/${broken}` }, "/users/{u}")).toBe(path);
      expect(await refusal({ userid: ["query:u"] }, { target: `/getToken?u=${broken}` })).toBe(BROKEN_ENCODING);
    }
  });

  it("are refused if a header is not ASCII", async () => {
    const headers = { "x-user": "alic\u00e9" };
    expect(await refusal({ userid: ["header:X-User"] }, { headers })).toBe(
      'the header "x-user" of the call is not ASCII',
    );
  });

  it("may have a token after Bearer in Authorization", async () => {
    const places = { userid: ["query:u"], user_token: ["header:Authorization"] };
    const target = "/getToken?u=alice";
    expect((await read(places, { target, headers: { authorization: "bearer  t" } })).user_token).toBe("t");
    for (const authorization of ["t", "Basic t", "Bearer", "Bearer t u"]) {
      const message = "the call's Authorization is not Bearer with one token";
      expect(await refusal(places, { target, headers: { authorization } })).toBe(message);
    }
  });
});
