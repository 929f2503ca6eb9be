// Templates are read once, faults included, and then filled in call by call.

import { describe, expect, it } from "vitest";
import { parseTemplate, TemplateSyntaxError } from "../../src/oauth/template.ts";

const values: Record<string, string> = { userid: "alice", nonce: "n", "jwt.user": "a.b.c", empty: "" };
const render = (text: string) => parseTemplate(text).render((name) => values[name] as string);

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
    expect(parseTemplate("<{{a}}>").render(() => "{{b}} $& {{a}}")).toBe("<{{b}} $& {{a}}>");
  });

  it("asks for each place anew, in order", () => {
    const asked: string[] = [];
    const { names, render } = parseTemplate("{{b}} {{a}} {{b}}");
    let count = 0;
    const text = render((name) => {
      asked.push(name);
      count += 1;
      return `${name}${count}`;
    });
    expect(text).toBe("b1 a2 b3");
    expect(asked).toEqual(["b", "a", "b"]);
    expect(names).toEqual(["b", "a", "b"]);
  });

  it("lets through what the values throw", () => {
    const error = new Error("none of that name");
    expect(() =>
      parseTemplate("{{a}}").render(() => {
        throw error;
      }),
    ).toThrow(error);
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
