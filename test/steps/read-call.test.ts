// A call is read by its binding: each value where the file says it stands, and refused where it is not what it must be.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { type Binding, parseSource, type Source } from "../../src/nextauth/binding.ts";
import { ruleOf } from "../../src/nextauth/values.ts";
import { createCallReader } from "../../src/steps/read-call.ts";
import { thrownBy } from "../support/fakes.ts";

const DEFAULT = {
  serverid: ["body:/serverid"],
  userid: ["body:/userid"],
  accountid: ["body:/accountid"],
  nonce: ["header:X-nonce", "body:/nonce"],
};

function binding(values: Record<string, string[]>, path = "/getToken", method: Binding["method"] = "POST"): Binding {
  const parsed = Object.entries(values).map(([name, texts]) => [
    name,
    { ...ruleOf(name), required: name === "userid", from: texts.map((text) => parseSource(text) as Source) },
  ]);
  return { method, path, values: Object.fromEntries(parsed), session: "trust", apikey_header: "x-apikey" };
}

interface Sent {
  body?: unknown;
  type?: string;
  headers?: Record<string, string>;
  /** The path and query that are asked for. */
  target?: string;
}

async function read(values: Record<string, string[]>, sent: Sent, path?: string) {
  const { body, type = "application/json", headers = {}, target = "/getToken" } = sent;
  const url = `http://proxy.example${target}`;
  const payload =
    body === undefined || typeof body === "string" || body instanceof Uint8Array ? body : JSON.stringify(body);
  const request = new Request(url, {
    method: "POST",
    headers: { ...(type === "" ? {} : { "content-type": type }), ...headers },
    ...(payload === undefined ? {} : { body: payload as string }),
  });
  return Object.fromEntries(await createCallReader(binding(values, path))(request, target.split("?")[0] as string));
}

async function refusal(values: Record<string, string[]>, sent: Sent, path?: string): Promise<string> {
  const error = await thrownBy(() => read(values, sent, path));
  expect(error).toBeInstanceOf(TokenProxyError);
  expect((error as TokenProxyError).code).toBe("call_invalid");
  expect((error as TokenProxyError).cause).toBeUndefined();
  return (error as Error).message;
}

describe("a call by the default binding", () => {
  it("has its values in a JSON body and the nonce in a header", async () => {
    const body = { serverid: "c2VydmVyLTE=", userid: "alice", accountid: 7, other: [1] };
    expect(await read(DEFAULT, { body, headers: { "X-Nonce": "n0nce" } })).toEqual({
      serverid: "c2VydmVyLTE=",
      userid: "alice",
      accountid: 7,
      nonce: "n0nce",
    });
  });

  it("needs no more than a userid", async () => {
    expect(await read(DEFAULT, { body: { userid: "alice" } })).toEqual({ userid: "alice" });
  });

  it("takes the first place where a value stands", async () => {
    const body = { userid: "alice", nonce: "from the body" };
    expect((await read(DEFAULT, { body })).nonce).toBe("from the body");
    expect((await read(DEFAULT, { body, headers: { "x-nonce": "first" } })).nonce).toBe("first");
  });

  it.each([
    "application/json",
    "application/json;charset=utf-8",
    "Application/JSON ; x=y",
    "application/vnd.bank+json",
  ])("may be of type %s", async (type) => {
    expect((await read(DEFAULT, { type, body: { userid: "alice" } })).userid).toBe("alice");
  });

  it("may start with a byte order mark", async () => {
    expect((await read(DEFAULT, { body: '\ufeff{"userid":"alice"}' })).userid).toBe("alice");
  });
});

describe("a call that cannot be read", () => {
  it.each<[string, Sent, string]>([
    ["no body", {}, "the call's body is not JSON"],
    ["no type", { type: "", body: new Uint8Array([0x7b, 0x7d]) }, "the call's Content-Type must be application/json"],
    ["another type", { type: "text/plain", body: "{}" }, "the call's Content-Type must be application/json"],
    [
      "the type of a form",
      { type: "application/x-www-form-urlencoded", body: "userid=a" },
      "the call's Content-Type must be application/json",
    ],
    [
      "a type that only begins as JSON",
      { type: "application/jsonp", body: "{}" },
      "the call's Content-Type must be application/json",
    ],
    ["a body that is not JSON", { body: "userid=a" }, "the call's body is not JSON"],
    ["a body that is cut off", { body: '{"userid":"a"' }, "the call's body is not JSON"],
    ["a list", { body: [{ userid: "a" }] }, "the call's body is not a JSON object"],
    ["null", { body: "null" }, "the call's body is not a JSON object"],
    ["a text", { body: '"alice"' }, "the call's body is not a JSON object"],
    ["bytes that are not UTF-8", { body: Uint8Array.of(0x7b, 0xff, 0x7d) }, "the call's body is not UTF-8"],
    ["no userid", { body: { serverid: "a" } }, 'the call has no "userid"'],
    ["an inherited userid", { body: '{"__proto__":{"userid":"a"}}' }, 'the call has no "userid"'],
    ["a userid that is a number", { body: { userid: 7 } }, `the call's "userid" must be text`],
    ["a userid that is null", { body: { userid: null } }, `the call's "userid" must be text`],
    ["an empty userid", { body: { userid: "" } }, `the call's "userid" is empty`],
    ["a userid with a line break", { body: { userid: "a\n" } }, `the call's "userid" has control characters`],
    ["half a surrogate", { body: '{"userid":"\\ud800"}' }, `the call's "userid" is not well-formed Unicode`],
    ["an accountid in text", { body: { userid: "a", accountid: "7" } }, `the call's "accountid" must be an integer`],
    [
      "an accountid over 2^53",
      { body: '{"userid":"a","accountid":9007199254740993}' },
      `the call's "accountid" must be an integer`,
    ],
    ["a serverid that is a list", { body: { userid: "a", serverid: ["b"] } }, `the call's "serverid" must be text`],
    [
      "a nonce that is too long",
      { body: { userid: "a" }, headers: { "x-nonce": "n".repeat(513) } },
      `the call's "nonce" is too long`,
    ],
  ])("is refused: %s", async (_, sent, message) => {
    expect(await refusal(DEFAULT, sent)).toBe(message);
  });

  it("is refused without repeating anything of it", async () => {
    const canary = "Zq7xWv4kPj";
    for (const body of [
      canary,
      `{"${canary}`,
      { userid: `${canary}\n` },
      { userid: [canary] },
      [canary],
      { [canary]: 1 },
    ]) {
      expect(await refusal(DEFAULT, { body, headers: { "x-nonce": `${canary}${"n".repeat(512)}` } })).not.toContain(
        canary,
      );
    }
  });
});

describe("a form", () => {
  const FORM = { userid: ["form:user id"], accountid: ["form:account"], extra: ["form:extra", "query:extra"] };
  const type = "application/x-www-form-urlencoded";

  it("gives its parameters, decoded", async () => {
    const sent = { type: `${type}; charset=utf-8`, body: "user+id=alice%40b%C3%A9&account=7&x=1" };
    expect(await read(FORM, sent)).toEqual({ userid: "alice@bé", accountid: 7 });
  });

  it("with a parameter twice is refused: two readers might each take another", async () => {
    expect(await refusal(FORM, { type, body: "user+id=a&user%20id=b" })).toBe("a parameter of the call occurs twice");
    expect(await refusal(FORM, { type, body: "user+id=a", target: "/getToken?extra=1&extra=1" })).toBe(
      "a parameter of the call occurs twice",
    );
  });

  it("with an empty parameter is refused", async () => {
    expect(await refusal(FORM, { type, body: "user+id=" })).toBe(`the call's "userid" is empty`);
  });

  it("is told where another type comes", async () => {
    expect(await refusal(FORM, { body: { "user id": "a" } })).toBe(
      "the call's Content-Type must be application/x-www-form-urlencoded",
    );
    const both = { userid: ["form:u", "body:/u"] };
    expect(await refusal(both, { type: "text/plain", body: "" })).toBe(
      "the call's Content-Type must be application/json or application/x-www-form-urlencoded",
    );
  });

  it("may stand for JSON where the binding has both", async () => {
    const both = { userid: ["form:u", "body:/u"] };
    expect((await read(both, { type, body: "u=form" })).userid).toBe("form");
    expect((await read(both, { body: { u: "json" } })).userid).toBe("json");
  });

  it("whose percent-encoding is not UTF-8 is refused, for two users would become one", async () => {
    expect(await refusal(FORM, { type, body: "user+id=al%FFce" })).toMatch(/userid|percent-encoding|UTF-8/);
  });
});

describe("query, path and headers", () => {
  it("give values without a look at the body", async () => {
    const values = { userid: ["query:u"], serverid: ["path:server"], nonce: ["header:X-Nonce"] };
    const sent = {
      type: "text/plain",
      body: "anything",
      target: "/servers/c2Vy%3D%2F/getToken?u=alice+b%26c&v=1",
      headers: { "x-nonce": "n" },
    };
    expect(await read(values, sent, "/servers/{server}/getToken")).toEqual({
      userid: "alice b&c",
      serverid: "c2Vy=/",
      nonce: "n",
    });
  });

  it("leave a value out where they have none", async () => {
    const values = { userid: ["header:X-User", "query:u"] };
    expect(await refusal(values, {})).toBe('the call has no "userid"');
    expect((await read(values, { target: "/getToken?u=alice" })).userid).toBe("alice");
  });

  it("must have proper percent-encoding", async () => {
    const inPath = { userid: ["path:u"] };
    for (const target of ["/users/%", "/users/%zz", "/users/al%FFce"]) {
      expect(await refusal(inPath, { target }, "/users/{u}"), target).toBe(
        "the call's path has a broken percent-encoding",
      );
    }
  });

  it("must be UTF-8 in a query as in a path, for two users would become one", async () => {
    expect(await refusal({ userid: ["query:u"] }, { target: "/getToken?u=al%FFce" })).toMatch(
      /userid|percent-encoding|UTF-8/,
    );
  });

  it("must not hide control characters behind percent-encoding", async () => {
    expect(await refusal({ userid: ["query:u"] }, { target: "/getToken?u=a%0D%0Ab" })).toBe(
      `the call's "userid" has control characters`,
    );
    expect(await refusal({ userid: ["path:u"] }, { target: "/users/a%00" }, "/users/{u}")).toBe(
      `the call's "userid" has control characters`,
    );
  });

  it("give an accountid as digits alone", async () => {
    const values = { userid: ["query:u"], accountid: ["query:a"] };
    expect((await read(values, { target: "/getToken?u=x&a=7" })).accountid).toBe(7);
    expect(await refusal(values, { target: "/getToken?u=x&a=7.0" })).toBe(`the call's "accountid" must be an integer`);
  });
});
