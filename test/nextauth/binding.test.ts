// Sources, the named segments of paths, paths that cover others, and who confirms the user of a call.

import { describe, expect, it } from "vitest";
import { covers, isRequired, parseSource, pathParameters, sessionMode } from "../../src/nextauth/binding.ts";

describe("a source", () => {
  it.each([
    ["body:/userid", { in: "body", name: "/userid" }],
    ["body:/a~1b/~0c/0", { in: "body", name: "/a~1b/~0c/0" }],
    ["body:/a:b c", { in: "body", name: "/a:b c" }],
    ["form:user id", { in: "form", name: "user id" }],
    ["header:X-nonce", { in: "header", name: "x-nonce" }],
    ["query:a:b", { in: "query", name: "a:b" }],
    ["path:serverid", { in: "path", name: "serverid" }],
  ])("can be %s", (text, source) => {
    expect(parseSource(text)).toEqual(source);
  });

  it.each([
    ["", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["cookie:a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["Body:/a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["body:", 'must name something after "body:"'],
    ["form:", 'must name something after "form:"'],
    ["body:userid", "must be a JSON pointer, like body:/userid (RFC 6901)"],
    ["body:/a~2", "must be a JSON pointer, like body:/userid (RFC 6901)"],
    ["header:X nonce", "must name a header, like header:X-nonce"],
    ["header:é", "must name a header, like header:X-nonce"],
  ])("cannot be %j", (text, fault) => {
    expect(parseSource(text)).toBe(fault);
  });
});

it("pathParameters finds the named segments of a path", () => {
  expect([...pathParameters("/getToken")]).toEqual([]);
  expect(Object.fromEntries(pathParameters("/servers/{serverid}/{b-c}/"))).toEqual({ serverid: 2, "b-c": 3 });
});

describe("a path", () => {
  it.each([
    ["/getToken", "/getToken"],
    ["/{a}", "/{b}"],
    ["/{a}/token", "/x/token"],
    ["/{a}/{b}", "/x/{c}"],
    ["/{a}/", "/x/"],
  ])("%s covers %s", (path, other) => {
    expect(covers(path, other)).toBe(true);
  });

  it.each([
    ["/getToken", "/gettoken"],
    ["/getToken", "/getToken/"],
    ["/getToken", "/{a}"],
    ["/{a}", "/"],
    ["/{a}", "/x/y"],
    ["/x/{a}", "/{b}/y"],
    ["/a.b", "/axb"],
  ])("%s does not cover %s", (path, other) => {
    expect(covers(path, other)).toBe(false);
  });
});

describe("the session mode", () => {
  it.each([
    [undefined, false, "trust"],
    [undefined, true, "verify"],
    ["trust", true, "trust"],
    ["verify", false, "verify"],
  ] as const)("for session: %s and a nextAuth Server: %j is %s", (session, hasNextauth, mode) => {
    expect(sessionMode({ session }, hasNextauth)).toBe(mode);
  });

  it("decides whether a call needs a userid or a nonce", () => {
    const required = (session: "verify" | "trust") =>
      ["serverid", "userid", "accountid", "nonce", "extra"].filter((name) => isRequired(name, session));
    expect(required("trust")).toEqual(["userid"]);
    expect(required("verify")).toEqual(["nonce"]);
  });
});
