// A JSON pointer names one place of a document (RFC 6901), and never what objects have by themselves.

import { describe, expect, it } from "vitest";
import { compilePointer } from "../../src/nextauth/json-pointer.ts";

const DOCUMENT = JSON.parse(
  '{"userid":"alice","":1,"a/b":2,"m~n":3,"~1":4," ":5,"list":["x",{"y":6}],"deep":{"er":{"still":7}},"none":null,"false":false,"zero":0,"__proto__":{"own":8}}',
);

describe("a pointer", () => {
  it.each([
    ["/userid", "alice"],
    ["/", 1],
    ["/a~1b", 2],
    ["/m~0n", 3],
    ["/~01", 4],
    ["/ ", 5],
    ["/list/0", "x"],
    ["/list/1/y", 6],
    ["/deep/er/still", 7],
    ["/none", null],
    ["/false", false],
    ["/zero", 0],
    ["/__proto__/own", 8],
  ])("%s names %j", (pointer, value) => {
    expect(compilePointer(pointer)(DOCUMENT)).toBe(value);
  });

  it("of nothing names the document", () => {
    expect(compilePointer("")(DOCUMENT)).toBe(DOCUMENT);
  });

  it.each([
    "/missing",
    "/Userid",
    "/userid/0",
    "/userid/length",
    "/none/a",
    "/deep/er/still/more",
    "/list/2",
    "/list/-",
    "/list/-1",
    "/list/01",
    "/list/1e0",
    "/list/length",
    "/list/ 0",
    "/constructor",
    "/toString",
    "/deep/__proto__",
    "/deep/hasOwnProperty",
    "/list/at",
    "/a/b",
  ])("%s names nothing", (pointer) => {
    expect(compilePointer(pointer)(DOCUMENT)).toBeUndefined();
  });

  it.each([undefined, null, "text", 1])("names nothing in %j", (document) => {
    expect(compilePointer("/a")(document)).toBeUndefined();
  });
});
