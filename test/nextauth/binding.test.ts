// A place to look for a value is written as kind and name, a path's segments can have names, and of two paths one may take all.

import { describe, expect, it } from "vitest";
import { covers, isRequired, parseSource, pathParameters, sessionMode } from "../../src/nextauth/binding.ts";

describe("a source", () => {
  it.each([
    ["body:/userid", { in: "body", name: "/userid" }],
    ["body:/a~1b/~0c/0", { in: "body", name: "/a~1b/~0c/0" }],
    ["body:/", { in: "body", name: "/" }],
    ["body:/a:b c", { in: "body", name: "/a:b c" }],
    ["form:user id", { in: "form", name: "user id" }],
    ["header:X-nonce", { in: "header", name: "x-nonce" }],
    ["header:X_USER.1", { in: "header", name: "x_user.1" }],
    ["query:a:b", { in: "query", name: "a:b" }],
    ["path:serverid", { in: "path", name: "serverid" }],
  ])("may be %s", (text, source) => {
    expect(parseSource(text)).toEqual(source);
  });

  it.each([
    ["", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["userid", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["cookie:a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["Body:/a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    [" body:/a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["body:", 'must name something after "body:"'],
    ["form:", 'must name something after "form:"'],
    ["body:userid", "must be a JSON pointer, like body:/userid (RFC 6901)"],
    ["body:/a~2", "must be a JSON pointer, like body:/userid (RFC 6901)"],
    ["body:/a~", "must be a JSON pointer, like body:/userid (RFC 6901)"],
    ["header:X nonce", "must name a header, like header:X-nonce"],
    ["header:X-nonce:", "must name a header, like header:X-nonce"],
    ["header:é", "must name a header, like header:X-nonce"],
  ])("must not be %j", (text, fault) => {
    expect(parseSource(text)).toBe(fault);
  });
});

it.each<[string, [string, number][]]>([
  ["/getToken", []],
  ["/servers/{serverid}/getToken", [["serverid", 2]]],
  [
    "/{a}/{b-c}/",
    [
      ["a", 1],
      ["b-c", 2],
    ],
  ],
])("the named segments of %s are %j", (path, parameters) => {
  expect([...pathParameters(path)]).toEqual(parameters);
});

describe("a path", () => {
  it.each([
    ["/getToken", "/getToken"],
    ["/{a}", "/getToken"],
    ["/{a}", "/{b}"],
    ["/{a}/token", "/x/token"],
    ["/{a}/token", "/{b}/token"],
    ["/{a}/{b}", "/x/{c}"],
    ["/{a}/", "/x/"],
    ["/a.b", "/a.b"],
  ])("%s takes every request to %s", (path, other) => {
    expect(covers(path, other)).toBe(true);
  });

  it.each([
    ["/getToken", "/gettoken"],
    ["/getToken", "/getToken/"],
    ["/getToken", "/{a}"],
    ["/{a}", "/"],
    ["/{a}/", "/x"],
    ["/{a}", "/x/y"],
    ["/{a}/{b}", "/x/"],
    ["/{a}/token", "/x/y"],
    ["/x/{a}", "/{b}/y"],
    ["/a.b", "/axb"],
  ])("%s does not take every request to %s", (path, other) => {
    expect(covers(path, other)).toBe(false);
  });
});

describe("who vouches for the user of a call", () => {
  it.each([
    [undefined, false, "trust"],
    [undefined, true, "verify"],
    ["trust", true, "trust"],
    ["verify", true, "verify"],
    ["verify", false, "verify"],
    ["trust", false, "trust"],
  ] as const)("where the file says %s, and has a nextAuth Server: %j, is by %s", (session, hasNextauth, mode) => {
    expect(sessionMode({ session }, hasNextauth)).toBe(mode);
  });

  it("decides what a call must have: its userid, or the nonce of which the server gives it", () => {
    const required = (session: "verify" | "trust") =>
      ["serverid", "userid", "accountid", "nonce", "extra"].filter((name) => isRequired(name, session));
    expect(required("trust")).toEqual(["userid"]);
    expect(required("verify")).toEqual(["nonce"]);
  });
});
