// Templates are read once, faults included, and then filled in call by call.

import { describe, expect, it } from "vitest";
import {
  compileJson,
  type JsonValue,
  jsonTemplateNames,
  parseTemplate,
  TemplateSyntaxError,
} from "../../src/oauth/template.ts";

const VALUES = new Map<string, string | number>(
  Object.entries({
    userid: "alice",
    nonce: "n",
    "jwt.user": "a.b.c",
    empty: "",
    accountid: 7,
    digits: "7",
    now: 1_800_000_000,
  }),
);
const render = (text: string) => parseTemplate(text).render(VALUES);

describe("rendering", () => {
  it.each([
    ["", ""],
    ["openid", "openid"],
    ["{{userid}}", "alice"],
    ["{{ userid }}", "alice"],
    ["urn:{{userid}}:{{nonce}}", "urn:alice:n"],
    ["{{userid}}{{userid}}", "alicealice"],
    ["{{jwt.user}}", "a.b.c"],
    ["a{{empty}}b", "ab"],
    ["{userid}", "{userid}"],
    ["} } {", "} } {"],
    ["{{userid}}}}", "alice}}"],
    ["{ {userid} }", "{ {userid} }"],
    ["$& $1 {{userid}} $$", "$& $1 alice $$"],
  ])("%j gives %j", (text, rendered) => {
    expect(render(text)).toBe(rendered);
  });

  it("takes a value as it is, even one that looks like a template", () => {
    expect(parseTemplate("<{{a}}>").render(new Map([["a", "{{b}} $& {{a}}"]]))).toBe("<{{b}} $& {{a}}>");
  });

  it("lists the names in order, with repetitions", () => {
    expect(parseTemplate("{{b}} {{a}} {{b}}").names).toEqual(["b", "a", "b"]);
  });

  it.each(["toString", "missing"])("fails for a name without a value, which is a bug: %s", (name) => {
    expect(() => render(`{{${name}}}`)).toThrow(`no value for the template name ${name}`);
  });
});

describe("a template that is none", () => {
  it.each([
    "{{}}",
    "{{ }}",
    "{{user id}}",
    "{{1st}}",
    "{{.a}}",
    "{{a.}}",
    "{{a..b}}",
    "{{é}}",
    "{{a}} {{b c}}",
    "{{-a}}",
  ])("is refused for its name: %s", (text) => {
    expect(() => parseTemplate(text)).toThrow(
      new TemplateSyntaxError("has a template without a proper name: write {{name}}, like {{userid}}"),
    );
  });

  it.each(["{{", "a {{userid", "{{userid}", "{{userid} }", "{{a}} and {{b", "{{a{b}}", "{{userid {{nonce}}"])(
    "is refused because it is never closed: %s",
    (text) => {
      expect(() => parseTemplate(text)).toThrow(
        new TemplateSyntaxError("has a template that is never closed: write {{name}}, like {{userid}}"),
      );
    },
  );
});

describe("a JSON value", () => {
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
    expect(compileJson(value)(VALUES)).toStrictEqual(filled);
  });

  it("keeps a member that is named as objects' own are", () => {
    const value = JSON.parse('{"__proto__":{"a":"{{userid}}"},"constructor":"x"}') as JsonValue;
    expect(JSON.stringify(compileJson(value)(VALUES))).toBe('{"__proto__":{"a":"alice"},"constructor":"x"}');
  });

  it("is filled in anew each time, with nothing of the last one", () => {
    const compiled = compileJson({ list: ["{{userid}}"] });
    const first = compiled(new Map([["userid", "alice"]])) as { list: string[] };
    first.list.push("more");
    expect(compiled(new Map([["userid", "bob"]]))).toEqual({ list: ["bob"] });
  });

  it("is not read as a template where it is filled in", () => {
    expect(compileJson("{{userid}}")(new Map([["userid", "{{now}}"]]))).toBe("{{now}}");
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
