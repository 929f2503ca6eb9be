// Each value of a call is text of limited length, or an integer. A fault never repeats the value.

import { describe, expect, it } from "vitest";
import { readValue } from "../../src/nextauth/values.ts";

const NOT_AN_INTEGER = { fault: "must be an integer" };

describe("an accountid", () => {
  it.each([7, 0, -1, Number.MAX_SAFE_INTEGER])("may be %s, as a JSON number or as digits elsewhere", (value) => {
    expect([readValue("accountid", value, true), readValue("accountid", String(value), false)]).toEqual([value, value]);
  });

  it.each([7.5, 2 ** 53, Number.POSITIVE_INFINITY, "7", null, [7]])("is not an integer in JSON: %j", (value) => {
    expect(readValue("accountid", value, true)).toEqual(NOT_AN_INTEGER);
  });

  it.each(["", "07", "+7", "-0", "7.0", "7e0", " 7", "7\n", "0x7", "٧", "9007199254740992", "1".repeat(17)])(
    "is not an integer elsewhere: %j",
    (value) => {
      expect(readValue("accountid", value, false)).toEqual(NOT_AN_INTEGER);
    },
  );
});

describe("any other value", () => {
  it.each(["alice@bank.example", "Алиса 😀", " ", "'\"<>&;"])("may be %j", (value) => {
    for (const name of ["serverid", "userid", "extra"]) {
      expect([readValue(name, value, true), readValue(name, value, false)]).toEqual([value, value]);
    }
  });

  it.each([
    [7, "must be text"],
    [null, "must be text"],
    [["alice"], "must be text"],
    ["", "is empty"],
    ["a\u0000", "has control characters"],
    ["a\u001f", "has control characters"],
    ["a\u007f", "has control characters"],
    ["a\u009fb", "has control characters"],
    ["a\udc00b", "is not well-formed Unicode"],
  ])("must not be %j, which %s", (value, fault) => {
    expect(readValue("userid", value, true)).toEqual({ fault });
  });

  it.each([
    ["serverid", 256],
    ["nonce", 512],
    ["userid", 1_024],
    ["extra", 16_384],
    ["constructor", 16_384],
  ])("named %s may have %i characters", (name, most) => {
    expect(readValue(name, "x".repeat(most), true)).toHaveLength(most);
    expect(readValue(name, "x".repeat(most + 1), true)).toEqual({ fault: `has more than ${most} characters` });
  });
});

it.each([".", ".."])("a serverid must not be %j, which would change the path of getSession", (value) => {
  expect(readValue("serverid", value, true)).toEqual({ fault: "is not a serverid, which is base64" });
  expect(readValue("serverid", `${value}a`, true)).toBe(`${value}a`);
});

describe("a nonce", () => {
  it.each(["5f1d7a84db00d2fce00b31a7fc73224f", "a+/b==", "a b", "!~"])("may be %j", (value) => {
    expect(readValue("nonce", value, true)).toBe(value);
  });

  it.each(["é", " a", "a ", "a\u00a0b", "a,b"])("must not be %j, which a header would alter", (value) => {
    expect(readValue("nonce", value, true)).toEqual({ fault: "is not visible ASCII without commas" });
  });
});

it("a rule of the file limits a text, or makes a value an integer", () => {
  const text = { type: "text", max_length: 3 } as const;
  expect(readValue("device", "abc", true, text)).toBe("abc");
  expect(readValue("device", "abcd", true, text)).toEqual({ fault: "has more than 3 characters" });
  const integer = { type: "integer", max_length: 16 } as const;
  expect([readValue("device", "12", false, integer), readValue("device", 12, true, integer)]).toEqual([12, 12]);
  expect(readValue("device", "12", true, integer)).toEqual(NOT_AN_INTEGER);
});
