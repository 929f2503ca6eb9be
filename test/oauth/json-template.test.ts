// JSON of the file keeps its types; a text that is one place alone takes the type of what fills it.

import { describe, expect, it } from "vitest";
import { compileJson, type JsonValue, jsonTemplateNames } from "../../src/oauth/json-template.ts";
import { TemplateSyntaxError } from "../../src/oauth/template.ts";

const VALUES: Record<string, string | number> = { userid: "alice", accountid: 7, digits: "7", now: 1_800_000_000 };
const fill = (value: JsonValue) => compileJson(value)((name) => VALUES[name] as string | number);

describe("a value", () => {
  it.each<[string, JsonValue, JsonValue]>([
    ["a number", 1.5, 1.5],
    ["zero", 0, 0],
    ["the largest integer", 9007199254740991, 9007199254740991],
    ["true", true, true],
    ["false", false, false],
    ["null", null, null],
    ["an empty text", "", ""],
    ["an empty list", [], []],
    ["an empty mapping", {}, {}],
    ["digits", "7", "7"],
    ["a text place", "{{userid}}", "alice"],
    ["a number's place", "{{accountid}}", 7],
    ["a number's place with spaces in it", "{{ accountid }}", 7],
    ["digits that are text", "{{digits}}", "7"],
    ["a number's place with a space before it", " {{accountid}}", " 7"],
    ["a number's place with a line break after it", "{{accountid}}\n", "7\n"],
    ["a number's place within a text", "account {{accountid}}", "account 7"],
    ["two places", "{{accountid}}{{accountid}}", "77"],
    ["a list", ["{{accountid}}", "u-{{userid}}", 1, null, [true]], [7, "u-alice", 1, null, [true]]],
    [
      "a mapping in a mapping",
      { a: { b: ["{{now}}", { c: "{{userid}}" }] } },
      { a: { b: [1_800_000_000, { c: "alice" }] } },
    ],
    ["a name with a place in it", { "{{userid}}": "x" }, { "{{userid}}": "x" }],
  ])("keeps its type: %s", (_, value, filled) => {
    expect(fill(value)).toStrictEqual(filled);
  });

  it("keeps a member that is named as objects' own are", () => {
    const value = JSON.parse('{"__proto__":{"a":"{{userid}}"},"constructor":"x"}') as JsonValue;
    expect(JSON.stringify(fill(value))).toBe('{"__proto__":{"a":"alice"},"constructor":"x"}');
  });

  it("is filled in anew each time, with nothing of the last one", () => {
    const compiled = compileJson({ list: ["{{userid}}"] });
    const first = compiled(() => "alice") as { list: string[] };
    first.list.push("more");
    expect(compiled(() => "bob")).toEqual({ list: ["bob"] });
  });

  it("is not read as a template where it is filled in", () => {
    expect(compileJson("{{userid}}")(() => "{{now}}")).toBe("{{now}}");
  });

  it.each<[string, JsonValue]>([
    ["text", "{{userid"],
    ["a list", ["{{ }}"]],
    ["a mapping", { a: { b: "{{user id}}" } }],
  ])("with a faulty template is refused when it is read: %s", (_, value) => {
    expect(() => compileJson(value)).toThrow(TemplateSyntaxError);
  });
});

it.each<[JsonValue, string[]]>([
  ["a", []],
  [1, []],
  [null, []],
  ["{{a}} {{b}}{{a}}", ["a", "b", "a"]],
  [{ x: ["{{a}}", { y: "{{b}}" }], "{{c}}": true }, ["a", "b"]],
])("the names in %j are %j", (value, names) => {
  expect(jsonTemplateNames(value)).toEqual(names);
});
