// Templates are parsed once, which finds their faults, and rendered for each call.

import { describe, expect, it } from "vitest";
import {
  compileJson,
  compileTemplate,
  type JsonValue,
  jsonTemplateNames,
  parseTemplate,
  TemplateSyntaxError,
} from "../../src/oauth/template.ts";

const PLACE = { key: "providers.main.params.a" };
const VALUES = new Map<string, string | number>([
  ["userid", "alice"],
  ["nonce", "n"],
  ["jwt.user", "a.b.c"],
  ["empty", ""],
  ["accountid", 7],
  ["digits", "7"],
]);

describe("a template", () => {
  it.each([
    ["", ""],
    ["openid", "openid"],
    ["{{ userid }}", "alice"],
    ["urn:{{userid}}:{{nonce}}", "urn:alice:n"],
    ["{{jwt.user}}/{{accountid}}", "a.b.c/7"],
    ["a{{empty}}b", "ab"],
    ["{userid} } } {", "{userid} } } {"],
    ["{{userid}}}} { {userid} }", "alice}} { {userid} }"],
    ["$& $1 {{userid}} $$", "$& $1 alice $$"],
  ])("%j renders %j", (text, rendered) => {
    expect(compileTemplate(text, PLACE)(VALUES)).toBe(rendered);
  });

  it("does not read a value as a template", () => {
    expect(compileTemplate("({{a}})", PLACE)(new Map([["a", "{{b}} $& {{a}}"]]))).toBe("({{b}} $& {{a}})");
  });

  it("lists its names in order, with repetitions", () => {
    expect(parseTemplate("{{b}} {{a}} {{b}}").names).toEqual(["b", "a", "b"]);
  });

  it.each(["toString", "missing"])("throws if a name has no value, which is a bug: %s", (name) => {
    expect(() => compileTemplate(`{{${name}}}`, PLACE)(VALUES)).toThrow(`no value for the template name ${name}`);
  });

  it.each(["{{}}", "{{ }}", "{{user id}}", "{{1st}}", "{{.a}}", "{{a.}}", "{{a..b}}", "{{é}}", "{{a}} {{b c}}"])(
    "is refused for its name: %s",
    (text) => {
      const message = "has a template without a proper name or end: write {{name}}, like {{userid}}";
      expect(() => parseTemplate(text)).toThrow(new TemplateSyntaxError(message));
    },
  );

  it.each(["{{", "a {{userid", "{{userid}", "{{userid} }", "{{a}} and {{b", "{{a{b}}", "{{userid {{nonce}}"])(
    "is refused because it is not closed: %s",
    (text) => {
      const message = "has a template without a proper name or end: write {{name}}, like {{userid}}";
      expect(() => parseTemplate(text)).toThrow(new TemplateSyntaxError(message));
    },
  );
});

describe("JSON", () => {
  it.each<[JsonValue, JsonValue]>([
    [
      [1.5, 0, 9007199254740991, true, false, null, "", [], {}],
      [1.5, 0, 9007199254740991, true, false, null, "", [], {}],
    ],
    ["{{userid}}", "alice"],
    ["{{accountid}}", 7],
    ["{{ accountid }}", 7],
    ["{{digits}}", "7"],
    [" {{accountid}}", " 7"],
    ["{{accountid}}\n", "7\n"],
    ["account {{accountid}}", "account 7"],
    ["{{accountid}}/{{accountid}}", "7/7"],
    [{ a: { b: ["{{accountid}}", { c: "u-{{userid}}" }] } }, { a: { b: [7, { c: "u-alice" }] } }],
    [{ "{{userid}}": "x" }, { "{{userid}}": "x" }],
  ])("%j renders %j: only a single {{name}} takes the type of its value", (value, rendered) => {
    expect(compileJson(value, PLACE)(VALUES)).toStrictEqual(rendered);
  });

  it("may have members like __proto__", () => {
    const value = JSON.parse('{"__proto__":{"a":"{{userid}}"},"constructor":"x"}') as JsonValue;
    expect(JSON.stringify(compileJson(value, PLACE)(VALUES))).toBe('{"__proto__":{"a":"alice"},"constructor":"x"}');
  });

  it("is rendered anew for each call", () => {
    const render = compileJson({ list: ["{{userid}}"] }, PLACE);
    const first = render(new Map([["userid", "{{now}}"]])) as { list: string[] };
    expect(first).toEqual({ list: ["{{now}}"] });
    first.list.push("more");
    expect(render(new Map([["userid", "bob"]]))).toEqual({ list: ["bob"] });
  });

  it.each(["{{userid", ["{{ }}"], { a: { b: "{{user id}}" } }])("is refused with a faulty template: %j", (value) => {
    expect(() => compileJson(value, PLACE)).toThrow(TemplateSyntaxError);
  });

  it.each<[JsonValue, string[]]>([
    [["a", 1, null], []],
    ["{{a}} {{b}}/{{a}}", ["a", "b", "a"]],
    [{ x: ["{{a}}", { y: "{{b}}" }], "{{c}}": true }, ["a", "b"]],
  ])("%j has the names %j", (value, names) => {
    expect(jsonTemplateNames(value)).toEqual(names);
  });
});
