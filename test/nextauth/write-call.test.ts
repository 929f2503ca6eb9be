// A call is written by its binding as the nextAuth Server sends it, or refused if the binding
// cannot carry it.

import { describe, expect, it } from "vitest";
import { UsageError } from "../../src/core/errors.ts";
import type { Value } from "../../src/core/values.ts";
import type { Binding } from "../../src/nextauth/settings.ts";
import { writeCall } from "../../src/nextauth/write-call.ts";
import { bind, type Places } from "./bind.ts";

const write = (binding: Binding, values: Record<string, Value>) => writeCall(binding, new Map(Object.entries(values)));

const JSON_TYPE = { "content-type": "application/json" };

describe("a call", () => {
  it("by the default binding has a JSON body and the nonce in a header", () => {
    const binding = bind({
      serverid: ["body:/serverid"],
      userid: ["body:/userid"],
      accountid: ["body:/accountid"],
      nonce: ["header:X-nonce", "body:/nonce"],
    });
    expect(write(binding, { serverid: "a+/b=", userid: "alice", accountid: 7, nonce: "n0nce" })).toEqual({
      method: "POST",
      path: "/getToken",
      headers: { ...JSON_TYPE, "x-nonce": "n0nce" },
      body: '{"serverid":"a+/b=","userid":"alice","accountid":7}',
    });
    expect(write(binding, {})).toEqual({ method: "POST", path: "/getToken", headers: JSON_TYPE, body: "{}" });
  });

  it("with a form has an encoded body", () => {
    const binding = bind({ userid: ["form:user id"], accountid: ["form:a"] });
    expect(write(binding, { userid: "a&b=ü", accountid: 7 })).toMatchObject({
      headers: { "content-type": "application/x-www-form-urlencoded" },
      body: "user+id=a%26b%3D%C3%BC&a=7",
    });
  });

  it("by GET has no body and no content type", () => {
    const places = { userid: ["query:u"], serverid: ["path:s"], nonce: ["header:X-nonce"] };
    const binding = bind(places, "/{s}/token/", "GET");
    expect(write(binding, { userid: "a b", serverid: "c/d", nonce: "n" })).toEqual({
      method: "GET",
      path: "/c%2Fd/token/?u=a+b",
      headers: { "x-nonce": "n" },
    });
  });

  it.each([
    ["a/../b?c#d", "a%2F..%2Fb%3Fc%23d"],
    ["$& $1 {u}", "%24%26%20%241%20%7Bu%7D"],
    ["...", "..."],
  ])("has %j as one segment of its path", (userid, segment) => {
    expect(write(bind({ userid: ["path:u"] }, "/users/{u}/token"), { userid }).path).toBe(`/users/${segment}/token`);
  });

  it.each([
    ["body:/a~1b/~0c/~01", '{"a/b":{"~c":{"~1":"x"}}}'],
    ["body:/", '{"":"x"}'],
    ["body:/__proto__/constructor", '{"__proto__":{"constructor":"x"}}'],
    ["body:/list/0", '{"list":{"0":"x"}}'],
  ])("has a value at %s", (source, body) => {
    expect(write(bind({ userid: [source] }), { userid: "x" }).body).toBe(body);
  });

  it("can have several values in one object", () => {
    const binding = bind({ userid: ["body:/user/id"], accountid: ["body:/user/account"] });
    expect(write(binding, { userid: "x", accountid: 7 }).body).toBe('{"user":{"id":"x","account":7}}');
  });

  it("has the caller's word as one Bearer token, or in another source if it has a space", () => {
    const binding = bind({ userid: ["header:Authorization", "header:X-user"] });
    expect(write(binding, { userid: "alice" }).headers).toEqual({ authorization: "Bearer alice" });
    expect(write(binding, { userid: "a b" }).headers).toEqual({ "x-user": "a b" });
  });
});

describe("of several sources", () => {
  it("the first is used", () => {
    const call = write(bind({ userid: ["query:a", "header:b", "body:/c"] }), { userid: "x" });
    expect(call).toMatchObject({ path: "/getToken?a=x", headers: JSON_TYPE, body: "{}" });
  });

  it("those of a JSON body are used if every value has one, else those of a form", () => {
    const binding = bind({ userid: ["form:u", "body:/u"], serverid: ["body:/s", "form:s"], nonce: ["form:n"] });
    expect(write(binding, { userid: "x", serverid: "s" }).body).toBe('{"u":"x","s":"s"}');
    expect(write(binding, { userid: "x", serverid: "s", nonce: "n" }).body).toBe("u=x&s=s&n=n");
  });

  it.each(["ü", " x", "x "])("a header is not used for %j", (userid) => {
    const call = write(bind({ userid: ["header:X-user", "body:/u"] }), { userid });
    expect([call.headers, call.body]).toEqual([JSON_TYPE, JSON.stringify({ u: userid })]);
  });

  it("a path is not used for a dot segment", () => {
    const binding = bind({ userid: ["path:u", "query:u"], serverid: ["path:u"] }, "/{u}");
    expect(write(binding, { userid: ".", serverid: "s" }).path).toBe("/s?u=.");
  });

  it.each(["query:u", "header:u", "body:/u", "form:u"])("two equal values share %s", (place) => {
    const written = write(bind({ userid: [place], subject: [place] }), { userid: "x", subject: "x" });
    expect(JSON.stringify(written).match(/"?u"?(?:=|\\?":\\?")x/g)).toHaveLength(1);
  });
});

const CARRY = 'the binding has no place for this "userid": headers take visible ASCII, paths no "." or "..", and';
const BOTH = { userid: "x", serverid: "s" };

it.each<[message: string, Places, Record<string, Value>, path?: string]>([
  ['the binding has no place for this "constructor": ', { userid: ["body:/u"] }, { constructor: "n" }],
  ['the binding has no place for this "serverid": ', { userid: ["body:/u"], serverid: ["form:s"] }, BOTH],
  [
    "the path needs a value for its segment {s}",
    { userid: ["body:/u"], serverid: ["path:s"] },
    { userid: "x" },
    "/{s}",
  ],
  ["two values go to body:/u/s: give only one of them", { userid: ["body:/u"], serverid: ["body:/u/s"] }, BOTH],
  [
    "two values go to body:/u: give only one of them",
    { userid: ["body:/u"], serverid: ["body:/u/s"] },
    { serverid: "s", userid: "x" },
  ],
  ["two values go to query:u: give only one of them", { userid: ["query:u"], serverid: ["query:u"] }, BOTH],
  [
    "two values go to body:/a: give only one of them",
    { accountid: ["body:/a"], userid: ["body:/a"] },
    { accountid: 7, userid: "7" },
  ],
  [CARRY, { userid: ["header:X-user"] }, { userid: "ü" }],
  [CARRY, { userid: ["path:u"] }, { userid: ".." }, "/{u}"],
  [CARRY, { userid: ["path:u"] }, { userid: "" }, "/{u}"],
])("refuses: %s", (message, places, values, path) => {
  const refused = () => write(bind(places, path), values);
  expect(refused).toThrow(UsageError);
  expect(refused).toThrow(message);
});
