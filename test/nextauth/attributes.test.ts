// Attributes are a JSON object of name to text; since their shape is not documented, anything else is an error and never a guess.

import { describe, expect, it } from "vitest";
import { parseAttributes } from "../../src/nextauth/attributes.ts";

const encode = (text: string) => new TextEncoder().encode(text);
/** @param body text or bytes as they are, or a value to serialise */
const parse = (body: unknown) =>
  parseAttributes(body instanceof Uint8Array ? body : encode(typeof body === "string" ? body : JSON.stringify(body)));

describe("attributes", () => {
  it("are texts by their names", () => {
    const written = { mail: "a@b.example", "full name": "Алиса 😀", "": "x", note: "" };
    expect(parse(written)).toEqual(new Map(Object.entries(written)));
  });

  it("may be none", () => {
    expect(parse("{}")).toEqual(new Map());
  });

  it("may have names that objects have by themselves, and no others of those", () => {
    expect(parse('{"__proto__":"a","constructor":"b"}')).toEqual(
      new Map([
        ["__proto__", "a"],
        ["constructor", "b"],
      ]),
    );
    expect((parse("{}") as ReadonlyMap<string, string>).get("toString")).toBeUndefined();
  });

  it("count by the last of names that stand twice", () => {
    expect(parse('{"mail":"first","mail":"last"}')).toEqual(new Map([["mail", "last"]]));
  });

  it("may come with a byte order mark", () => {
    expect(parse('\ufeff{"mail":"a"}\n')).toEqual(new Map([["mail", "a"]]));
  });
});

const NO_OBJECT = "was answered with something that is not a JSON object of name to text";
const NO_TEXT = "was answered with an attribute that is not text";
const ILL_FORMED = "was answered with an attribute that has control characters or is not well-formed Unicode";

describe("an answer of another shape", () => {
  it.each<[string, unknown, string]>([
    ["nothing", "", NO_OBJECT],
    ["lines of plain text", "mail=a@b.example\n", NO_OBJECT],
    ["JSON that breaks off", '{"mail":"a', NO_OBJECT],
    ["text that is not UTF-8", Uint8Array.of(...encode('{"mail":"'), 0xe9, 0x22, 0x7d), NO_OBJECT],
    ["a list of pairs", [{ name: "mail", value: "a" }], NO_OBJECT],
    ["an empty list", "[]", NO_OBJECT],
    ["null", "null", NO_OBJECT],
    ["a number", "7", NO_OBJECT],
    ["a text", '"mail"', NO_OBJECT],
    ["a number among them", { mail: "a", age: 7 }, NO_TEXT],
    ["a truth among them", { staff: true }, NO_TEXT],
    ["null among them", { mail: null }, NO_TEXT],
    ["a list among them", { mail: ["a"] }, NO_TEXT],
    ["an object among them", { attributes: { mail: "a" } }, NO_TEXT],
    ["an object of a name that objects have", '{"__proto__":{"mail":"a"}}', NO_TEXT],
    ["a line break", { mail: "a\r\nX-a: b" }, ILL_FORMED],
    ["a tab", { mail: "a\tb" }, ILL_FORMED],
    ["a zero byte", { mail: "a\u0000" }, ILL_FORMED],
    ["a DEL", { mail: "a\u007f" }, ILL_FORMED],
    ["a C1 control", { mail: "a\u009f" }, ILL_FORMED],
    ["half a surrogate", '{"mail":"\\udc00"}', ILL_FORMED],
    ["halves in the wrong order", '{"mail":"\\ude00\\ud83d"}', ILL_FORMED],
  ])("is told: %s", (_, body, fault) => {
    expect(parse(body)).toBe(fault);
  });
});
