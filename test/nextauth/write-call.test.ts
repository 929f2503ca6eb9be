// A call is written by its binding as the nextAuth Server would send it, or refused where no such call could say what it is to say.

import { describe, expect, it } from "vitest";
import type { Value } from "../../src/core/values.ts";
import type { Binding } from "../../src/nextauth/binding.ts";
import { UnwritableCallError, writeCall } from "../../src/nextauth/write-call.ts";
import { bind } from "./bind.ts";

const write = (binding: Binding, values: Record<string, Value>) => writeCall(binding, new Map(Object.entries(values)));

function refusalOf(binding: Binding, values: Record<string, Value>): string {
  try {
    return `written: ${JSON.stringify(write(binding, values))}`;
  } catch (error) {
    expect(error).toBeInstanceOf(UnwritableCallError);
    return (error as Error).message;
  }
}

const JSON_TYPE = { "content-type": "application/json" };

describe("a call", () => {
  it("by the default binding has JSON in its body and the nonce in a header", () => {
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

  it("in a form has text alone", () => {
    expect(write(bind({ userid: ["form:user id"], accountid: ["form:a"] }), { userid: "a&b=ü", accountid: 7 })).toEqual(
      {
        method: "POST",
        path: "/getToken",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: "user+id=a%26b%3D%C3%BC&a=7",
      },
    );
  });

  it("by GET has no body and no type of one", () => {
    const binding = bind(
      { userid: ["query:u"], serverid: ["path:s"], nonce: ["header:X-nonce"] },
      "/{s}/token/",
      "GET",
    );
    expect(write(binding, { userid: "a b", serverid: "c/d", nonce: "n" })).toEqual({
      method: "GET",
      path: "/c%2Fd/token/?u=a+b",
      headers: { "x-nonce": "n" },
    });
  });

  it("has a value in its path as one segment, whatever is in it", () => {
    const path = (userid: string) => write(bind({ userid: ["path:u"] }, "/users/{u}/token"), { userid }).path;
    expect(path("a/../b?c#d")).toBe("/users/a%2F..%2Fb%3Fc%23d/token");
    expect(path("$& $1 $$ {u}")).toBe("/users/%24%26%20%241%20%24%24%20%7Bu%7D/token");
    expect(path("...")).toBe("/users/.../token");
  });

  it.each<[string, string, string]>([
    ["deep in a body", "body:/a/b/c", '{"a":{"b":{"c":"x"}}}'],
    ["by a name with a slash and a tilde", "body:/a~1b/~0c/~01", '{"a/b":{"~c":{"~1":"x"}}}'],
    ["by a name of nothing", "body:/", '{"":"x"}'],
    ["by names that objects have", "body:/__proto__/constructor", '{"__proto__":{"constructor":"x"}}'],
    ["by a number", "body:/list/0", '{"list":{"0":"x"}}'],
  ])("has a value %s", (_, source, body) => {
    expect(write(bind({ userid: [source] }), { userid: "x" }).body).toBe(body);
    expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  });

  it("has several values below one member", () => {
    const binding = bind({ userid: ["body:/user/id"], accountid: ["body:/user/account"], serverid: ["body:/s"] });
    expect(write(binding, { userid: "x", accountid: 7, serverid: "s" }).body).toBe(
      '{"user":{"id":"x","account":7},"s":"s"}',
    );
  });

  it("has a header by whatever name", () => {
    const { headers } = write(bind({ userid: ["header:__proto__"], nonce: ["header:Constructor"] }), {
      userid: "x",
      nonce: "n",
    });
    expect(Object.entries(headers)).toEqual([
      ["__proto__", "x"],
      ["constructor", "n"],
    ]);
  });
});

describe("of several places", () => {
  it("the first one is taken", () => {
    expect(write(bind({ userid: ["query:a", "header:b", "body:/c"] }), { userid: "x" })).toMatchObject({
      path: "/getToken?a=x",
      headers: JSON_TYPE,
      body: "{}",
    });
  });

  it("one of the body's type is taken, JSON where both would do", () => {
    const binding = bind({ userid: ["form:u", "body:/u"], serverid: ["body:/s", "form:s"] });
    expect(write(binding, { userid: "x", serverid: "s" }).body).toBe('{"u":"x","s":"s"}');
  });

  it("those of a form are taken, where a value has no other", () => {
    const binding = bind({ userid: ["body:/u", "form:u"], serverid: ["form:s"] });
    expect(write(binding, { userid: "x", serverid: "s" }).body).toBe("u=x&s=s");
    expect(write(binding, { userid: "x" }).body).toBe('{"u":"x"}');
  });

  it.each(["ü", " x", "x ", "日本", "a\tb"])("one that is no header is taken for %j", (userid) => {
    const call = write(bind({ userid: ["header:X-user", "body:/u"] }), { userid });
    expect(call.headers).toEqual(JSON_TYPE);
    expect(call.body).toBe(JSON.stringify({ u: userid }));
  });

  it.each([".", ".."])("one that is no path is taken for %s", (userid) => {
    const binding = bind({ userid: ["path:u", "query:u"], serverid: ["path:u"] }, "/{u}");
    expect(write(binding, { userid, serverid: "s" }).path).toBe(`/s?u=${userid}`);
  });

  it("one is enough for two values that are the same", () => {
    for (const place of ["query:u", "header:u", "body:/u", "form:u"]) {
      const written = write(bind({ userid: [place], subject: [place] }), { userid: "x", subject: "x" });
      expect(JSON.stringify(written).match(/"?u"?(?:=|\\?":\\?")x/g)).toHaveLength(1);
    }
  });
});

describe("what cannot be written is refused", () => {
  const CARRY = 'a header takes visible ASCII, and no segment is "." or ".."';

  it.each<[string, Binding, Record<string, Value>, string]>([
    [
      "a value that the binding lacks",
      bind({ userid: ["body:/u"] }),
      { nonce: "n" },
      'the binding has no value "nonce"',
    ],
    [
      "a value of a name that objects have",
      bind({ userid: ["body:/u"] }),
      { constructor: "n" },
      'the binding has no value "constructor"',
    ],
    [
      "values in JSON and in a form",
      bind({ userid: ["body:/u"], serverid: ["form:s"] }),
      { userid: "x", serverid: "s" },
      "the binding has no one type of body in which all of these values have a place",
    ],
    [
      "a segment without its value",
      bind({ userid: ["body:/u"], serverid: ["path:s"] }, "/{s}/x"),
      { userid: "x" },
      "the path needs a value for its segment {s}",
    ],
    [
      "a value below another one",
      bind({ userid: ["body:/u"], serverid: ["body:/u/s"] }),
      { userid: "x", serverid: "s" },
      "the binding wants both a value and an object at /u/s",
    ],
    [
      "a value above another one",
      bind({ serverid: ["body:/u/s"], userid: ["body:/u"] }),
      { serverid: "s", userid: "x" },
      "the binding wants both a value and an object at /u",
    ],
    [
      "two values of one parameter",
      bind({ userid: ["query:u"], subject: ["query:u"] }, "/x", "GET"),
      { userid: "x", subject: "y" },
      "the binding wants two different values at query:u",
    ],
    [
      "two values of one segment",
      bind({ userid: ["path:u"], subject: ["path:u"] }, "/{u}"),
      { userid: "x", subject: "y" },
      "the binding wants two different values at path:u",
    ],
    [
      "a number and its text at one pointer",
      bind({ accountid: ["body:/a"], subject: ["body:/a"] }),
      { accountid: 7, subject: "7" },
      "the binding wants two different values at body:/a",
    ],
    [
      "a value that its header cannot carry",
      bind({ userid: ["header:X-user"] }),
      { userid: "ü" },
      `the binding has no place that can carry this "userid": ${CARRY}`,
    ],
    [
      "a value that its path cannot carry",
      bind({ userid: ["path:u"] }, "/{u}"),
      { userid: ".." },
      `the binding has no place that can carry this "userid": ${CARRY}`,
    ],
    [
      "an empty segment",
      bind({ userid: ["path:u"] }, "/{u}"),
      { userid: "" },
      `the binding has no place that can carry this "userid": ${CARRY}`,
    ],
  ])("%s", (_, binding, values, message) => {
    expect(refusalOf(binding, values)).toBe(message);
  });
});
