// Each value of a call is text of limited length, or an integer. A fault never repeats the value.

import { describe, expect, it } from "vitest";
import { patternFault, readValue } from "../../src/nextauth/values.ts";

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

describe("a pattern", () => {
  const rule = (pattern: string, type: "text" | "integer" = "text") => ({
    type,
    max_length: 8,
    pattern: new RegExp(pattern, "su"),
  });
  const NO_MATCH = { fault: "does not match its pattern" };

  it.each([
    ["^urn:user:(.+)$", "urn:user:alice", "alice"],
    ["^urn:user:(.+)$", "urn:user:b\u00f8b 😀\u2028", "b\u00f8b 😀\u2028"],
    ["^(\\w+)@bank\\.example$", "alice@bank.example", "alice"],
  ])("%s makes of %j its group", (pattern, text, group) => {
    expect([patternFault(pattern), readValue("userid", text, true, rule(pattern))]).toEqual([undefined, group]);
  });

  it.each<unknown>([
    "alice",
    "urn:user:",
    "xurn:user:alice",
    "urn:users:alice",
    "URN:user:alice",
    "\nurn:user:a",
    7,
    null,
  ])("^urn:user:(.+)$ does not match %j", (value) => {
    expect(readValue("userid", value, true, rule("^urn:user:(.+)$"))).toEqual(NO_MATCH);
  });

  it("leaves a group that must be a valid value itself", () => {
    const read = (group: string) => readValue("nonce", `n:${group}`, true, rule("^n:(.*)$"));
    expect(read("12345678")).toBe("12345678");
    expect(["", "a,b", "123456789", "a\u0000"].map((group) => (read(group) as { fault: string }).fault)).toEqual([
      "is empty",
      "is not visible ASCII without commas",
      "has more than 8 characters",
      "has control characters",
    ]);
  });

  it("leaves digits, which are an integer in JSON too", () => {
    const read = (text: unknown) => readValue("accountid", text, true, rule("^acct-(.+)$", "integer"));
    expect([read("acct-7"), read("acct-07"), read("acct-x"), read(7)]).toEqual([
      7,
      NOT_AN_INTEGER,
      NOT_AN_INTEGER,
      NO_MATCH,
    ]);
  });

  it("is not applied to more text than a value may have", () => {
    const text = `n:${"a".repeat(16_382)}`;
    const all = { ...rule("^n:(.+)$"), max_length: 16_384 };
    expect(readValue("x", text, true, all)).toHaveLength(16_382);
    expect(readValue("x", `${text}a`, true, all)).toEqual(NO_MATCH);
  });

  it.each([
    "^(.+)$",
    "^([^@]+)@bank\\.example$",
    "^uid=([a-z\\]][\\w-]*),ou=\\(x\\)$",
    "^(\\d\\d\\d?)$",
    `^(${"a".repeat(196)})$`,
  ])("may be %s", (pattern) => {
    expect(patternFault(pattern)).toBeUndefined();
  });

  it.each([
    ["no group", "^urn:.+$"],
    ["two groups", "^(a)(b+)$"],
    ["an empty group", "^a()$"],
    ["a group in a group", "^((a))$"],
    ["a group that captures nothing", "^(?:a+)$"],
    ["no start", "urn:(.+)$"],
    ["no end", "^urn:(.+)"],
    ["an alternative", "^(a|b)$"],
    ["an alternative without an end", "^a|(.+)$"],
    ["lookaround", "^(?=a)(a+)$"],
    ["a backreference", "^(a+)\\1$"],
    ["a repeated group", "^(a+)+$"],
    ["two repeats", "^(a*a*)$"],
    ["a lazy repeat", "^(a+?)$"],
    ["a repeat outside of the group, with which two texts have one value", "^a*(b+)$"],
    ["any character outside of the group", "^.(b+)$"],
    ["a class outside of the group", "^[ab](c+)$"],
    ["a counted repeat", "^(a{3})$"],
    ["an invalid class", "^([z-a])$"],
    ["an unknown escape", "^\\-(a)$"],
    ["more than 200 characters", `^(${"a".repeat(197)})$`],
    ["two repeats after many classes, which must not take minutes to find", `^(${"[^a]".repeat(40)}b*c*)$`],
  ])("must not have %s", (_, pattern) => {
    expect(patternFault(pattern)).toMatch(/^must be fixed text around one group/);
  });
});
