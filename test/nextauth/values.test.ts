// Each value of a call is text of a bounded length, the accountid an integer; a fault never repeats the value.

import { describe, expect, it } from "vitest";
import { isFault, readValue } from "../../src/nextauth/values.ts";

describe("an accountid", () => {
  it.each([7, 0, -1, 7.0, Number.MAX_SAFE_INTEGER])("may be the JSON number %s", (value) => {
    expect(readValue("accountid", value, true)).toBe(value);
  });

  it.each([7.5, 2 ** 53, 1e300, Number.NaN, Number.POSITIVE_INFINITY, "7", "", null, true, [7], { a: 7 }])(
    "is no integer in JSON as %j",
    (value) => {
      expect(readValue("accountid", value, true)).toEqual({ fault: "must be an integer" });
    },
  );

  it.each(["0", "7", "-1", "1234567890"])("may be the digits %s elsewhere", (value) => {
    expect(readValue("accountid", value, false)).toBe(Number(value));
  });

  it.each([
    "",
    "07",
    "+7",
    "-0",
    "7.0",
    "7e0",
    " 7",
    "7\n",
    "0x7",
    "٧",
    "9007199254740992",
    "-9007199254740993",
    "1".repeat(17),
    "abc",
  ])("is no integer elsewhere as %j", (value) => {
    expect(readValue("accountid", value, false)).toEqual({ fault: "must be an integer" });
  });
});

describe("any other value", () => {
  it.each(["alice", "alice@bank.example", "Алиса", "😀", " ", "a b", "'\"<>&;", "c2VydmVyLTE="])(
    "may be %j",
    (value) => {
      for (const name of ["serverid", "userid", "extra"]) {
        expect(readValue(name, value, true)).toBe(value);
        expect(readValue(name, value, false)).toBe(value);
      }
    },
  );

  it.each([7, true, null, ["alice"], { id: "alice" }, Number.NaN])("must be text, not %j", (value) => {
    expect(readValue("userid", value, true)).toEqual({ fault: "must be text" });
  });

  it.each([
    ["", "is empty"],
    ["a\nb", "has control characters"],
    ["a\u0000", "has control characters"],
    ["a\u007f", "has control characters"],
    ["a\u0085b", "has control characters"],
    ["\ud800", "is not well-formed Unicode"],
    ["a\udc00b", "is not well-formed Unicode"],
  ])("must not be %j", (value, fault) => {
    expect(readValue("userid", value, true)).toEqual({ fault });
  });

  it.each([
    ["serverid", 256],
    ["nonce", 512],
    ["userid", 1_024],
    ["extra", 16_384],
    ["constructor", 16_384],
    ["toString", 16_384],
  ])("named %s has at most %i characters", (name, most) => {
    const fault = (length: number) => {
      const read = readValue(name, "x".repeat(length), true);
      return isFault(read) ? read.fault : `none: ${String(read).length} characters`;
    };
    expect(fault(most)).toBe(`none: ${most} characters`);
    expect(fault(most + 1)).toBe("is too long");
  });
});

describe("a nonce", () => {
  it.each(["5f1d7a84db00d2fce00b31a7fc73224f", "a+/b==", "a b", "!~"])("may be %j", (value) => {
    expect(readValue("nonce", value, true)).toBe(value);
  });

  it.each(["é", "😀", " ", " a", "a ", "a\u00a0b"])("must not be %j, which no header carries as it is", (value) => {
    expect(readValue("nonce", value, true)).toEqual({ fault: "is not visible ASCII without commas" });
  });

  it.each(["a\tb", "a\r\nX-apikey: b", "a\u0000"])("must not be %j", (value) => {
    expect(readValue("nonce", value, true)).toEqual({ fault: "has control characters" });
  });
});

describe("a rule of the file", () => {
  it("bounds a text", () => {
    const rule = { type: "text", max_length: 3 } as const;
    expect(readValue("device", "abc", true, rule)).toBe("abc");
    expect(readValue("device", "abcd", true, rule)).toEqual({ fault: "is too long" });
  });

  it("makes a further value an integer", () => {
    const rule = { type: "integer", max_length: 16 } as const;
    expect(readValue("device", "12", false, rule)).toBe(12);
    expect(readValue("device", 12, true, rule)).toBe(12);
    expect(readValue("device", "12", true, rule)).toEqual({ fault: "must be an integer" });
  });
});
