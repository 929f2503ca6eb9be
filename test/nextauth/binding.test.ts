// Sources, the named segments of paths, and paths that cover others.

import { describe, expect, it } from "vitest";
import { covers, parseSource, pathParameters } from "../../src/nextauth/binding.ts";

describe("a source", () => {
  it.each([
    ["body:/userid", { in: "body", name: "/userid" }],
    ["body:/a~1b/~0c:d e/0", { in: "body", name: "/a~1b/~0c:d e/0" }],
    ["form:user id", { in: "form", name: "user id" }],
    ["header:X-nonce", { in: "header", name: "x-nonce" }],
    ["query:a:b", { in: "query", name: "a:b" }],
    ["path:serverid", { in: "path", name: "serverid" }],
  ])("can be %s", (text, source) => {
    expect(parseSource(text)).toEqual(source);
  });

  it.each([
    ["cookie:a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
    ["Body:/a", "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME"],
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

it.each([
  ["/{a}/token", true, "/x/token"],
  ["/{a}/{b}", true, "/x/{c}"],
  ["/getToken", false, "/gettoken"],
  ["/getToken", false, "/getToken/"],
  ["/getToken", false, "/{a}"],
  ["/{a}", false, "/"],
  ["/{a}", false, "/x/y"],
  ["/x/{a}", false, "/{b}/y"],
])("the path %s covers another one (%s): %s", (path, covered, other) => {
  expect(covers(path, other)).toBe(covered);
});
