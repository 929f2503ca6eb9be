// A JSON pointer names one place of a document (RFC 6901), and no inherited member.

import { expect, it } from "vitest";
import { pointerTokens, valueAt } from "../../src/nextauth/json-pointer.ts";

const DOCUMENT = JSON.parse(
  '{"userid":"alice","":1,"a/b":2,"m~n":3,"~1":4,"list":["x",{"y":6}],"none":null,"__proto__":{"own":8}}',
);

it.each([
  ["", DOCUMENT],
  ["/userid", "alice"],
  ["/", 1],
  ["/a~1b", 2],
  ["/m~0n", 3],
  ["/~01", 4],
  ["/list/0", "x"],
  ["/list/1/y", 6],
  ["/none", null],
  ["/__proto__/own", 8],
])("%s names its value", (pointer, value) => {
  expect(valueAt(DOCUMENT, pointerTokens(pointer))).toBe(value);
});

it.each(["/missing", "/userid/0", "/none/a", "/list/2", "/list/01", "/list/length", "/constructor", "/a/b"])(
  "%s names nothing",
  (pointer) => {
    expect(valueAt(DOCUMENT, pointerTokens(pointer))).toBeUndefined();
  },
);

it("names nothing without a document", () => {
  expect(valueAt(undefined, ["a"])).toBeUndefined();
});
