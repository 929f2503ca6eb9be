// A JSON pointer names one place of a document (RFC 6901), and no inherited member.

import { describe, expect, it } from "vitest";
import { pointerTokens, valueAt } from "../../src/nextauth/json-pointer.ts";

const DOCUMENT = JSON.parse(
  '{"userid":"alice","":1,"a/b":2,"m~n":3,"~1":4,"list":["x",{"y":6}],"deep":{"er":{"still":7}},"none":null,"false":false,"__proto__":{"own":8}}',
);

describe("a pointer", () => {
  it.each([
    ["", DOCUMENT],
    ["/userid", "alice"],
    ["/", 1],
    ["/a~1b", 2],
    ["/m~0n", 3],
    ["/~01", 4],
    ["/list/0", "x"],
    ["/list/1/y", 6],
    ["/deep/er/still", 7],
    ["/none", null],
    ["/false", false],
    ["/__proto__/own", 8],
  ])("%s names its value", (pointer, value) => {
    expect(valueAt(DOCUMENT, pointerTokens(pointer))).toBe(value);
  });

  it.each([
    "/missing",
    "/userid/0",
    "/userid/length",
    "/none/a",
    "/list/2",
    "/list/-",
    "/list/01",
    "/list/length",
    "/list/at",
    "/constructor",
    "/deep/__proto__",
    "/a/b",
  ])("%s names nothing", (pointer) => {
    expect(valueAt(DOCUMENT, pointerTokens(pointer))).toBeUndefined();
  });

  it.each([undefined, null, "text", 1])("names nothing in %j", (document) => {
    expect(valueAt(document, ["a"])).toBeUndefined();
  });
});
