// What a value may contain depends on where its template is.

import { describe, expect, it } from "vitest";
import type { Value } from "../../src/core/values.ts";
import { compileJson, compileTemplate, type JsonValue } from "../../src/oauth/template.ts";
import type { Place } from "../../src/oauth/template-rules.ts";
import { thrownBy } from "../support/fakes.ts";

const KEY = "providers.main.params.a";
const SCOPE = 'be one scope-token: visible ASCII without spaces, " and \\ (RFC 6749 appendix A.4)';
const HEADER = "be visible ASCII, without spaces at the start or end";
const URL_RULE = 'contain only unreserved characters (RFC 3986), and not be "." or ".."';
const separated = (by: string) => `not contain or extend ${JSON.stringify(by)}, which separates the values there`;

const valuesOf = (a: Value, b: Value = "b") =>
  new Map<string, Value>([
    ...Object.entries({ a, b, issuer: "https://idp.example/x|y:z", uuid: "1-2", client_id: "an id", iat: 1, exp: 2 }),
    ["jwt.user", "h.p.s"],
  ]);

describe("a text takes", () => {
  it.each<[string, Value, string, Place["kind"]?]>([
    ["{{a}}", "x y|z \n {", "x y|z \n {"],
    ["u:{{a}}", "1:2", "u:1:2"],
    ["{{a}}|{{b}}", "x/y", "x/y|b"],
    ["{{a}}||{{b}}", "x|y", "x|y||b"],
    ["{{a}}|{{b}}", "", "|b"],
    ["{{issuer}}|{{a}}", "x", "https://idp.example/x|y:z|x"],
    ["{{uuid}}-{{a}}", "x", "1-2-x"],
    ["{{jwt.user}}.{{a}}", "x", "h.p.s.x"],
    ["https://api.bank.example/{{a}}?client={{client_id}}", "a-Z.0_~", "https://api.bank.example/a-Z.0_~?client=an id"],
    ["{{issuer}}", "x", "https://idp.example/x|y:z"],
    ["{{issuer}} {{a}}", "b@c", "https://idp.example/x|y:z b@c"],
    ["urn:user:{{a}}", "b@c", "urn:user:b@c"],
    ["{{a}}", "x:!#[]~", "x:!#[]~", "scope"],
    ["{{a}}", 7, "7", "scope"],
    ["openid x:{{a}}", "y", "openid x:y", "scope"],
    ["{{a}}", "x\ty z", "x\ty z", "header"],
  ])("%s: %j", (text, a, rendered, kind) => {
    expect(compileTemplate(text, { key: KEY, kind })(valuesOf(a))).toBe(rendered);
  });
});

describe("a text refuses", () => {
  it.each<[string, string, string, Place["kind"]?]>([
    ["{{a}}|{{b}}", "x|y", separated("|")],
    ["{{b}}|{{a}}", "x|y", separated("|")],
    ["{{a}}||{{b}}", "x||y", separated("||")],
    ["{{a}}||{{b}}", "x|", separated("||")],
    ["{{b}}||{{a}}", "|x", separated("||")],
    ["{{b}} {{uuid}}:{{a}}", "x y", separated(" ")],
    ["{{b}}|{{b}}:{{a}}", "x|y", separated("|")],
    ["https://api.bank.example/{{a}}", "x/y", URL_RULE],
    ["https://api.bank.example/{{a}}", "", URL_RULE],
    ["https://api.bank.example/{{a}}", ".", URL_RULE],
    ["https://api.bank.example/{{a}}", "..", URL_RULE],
    ["https://api.bank.example/{{a}}", "%2e", URL_RULE],
    ["https://{{a}}/x", "evil.example#", URL_RULE],
    [" com.bank.app://{{a}}", "x?y", URL_RULE],
    ["{{issuer}}/users/{{a}}", "x?y", URL_RULE],
    ["{{issuer}}users/{{a}}", "../admin", URL_RULE],
    ["{{ token_endpoint }}?user={{a}}", "x&y", URL_RULE],
    ["{{a}}", "", SCOPE, "scope"],
    ["{{a}}", "x y", SCOPE, "scope"],
    ["x:{{a}}", "x\ty", SCOPE, "scope"],
    ["x:{{a}}", 'x"', SCOPE, "scope"],
    ["x:{{a}}", "x\\", SCOPE, "scope"],
    ["x:{{a}}", "é", SCOPE, "scope"],
    ["{{a}}", "", HEADER, "header"],
    ["u {{a}} v", "x\r\nX-B: y", HEADER, "header"],
    ["u {{a}} v", " x", HEADER, "header"],
    ["{{a}}", "é", HEADER, "header"],
    ["{{a}}", "a\u007f", HEADER, "header"],
  ])("%s: %j", async (text, a, must, kind) => {
    expect(await thrownBy(() => compileTemplate(text, { key: KEY, kind })(valuesOf(a)))).toMatchObject({
      code: "call_invalid",
      message: `the value of {{a}} does not fit into "${KEY}": there it must ${must}`,
    });
  });
});

describe("JSON", () => {
  it.each<[string, JsonValue, string, string]>([
    ["a member named scope", { x: [{ scope: "{{a}}" }] }, "x y", "x.scope"],
    ["a list named scope", { scope: ["openid", "{{a}}"] }, "x y", "scope"],
    ["a URL", { links: ["https://api.bank.example/{{a}}"] }, "x/y", "links"],
    ["several templates", { sub: "{{a}}|{{b}}" }, "x|y", "sub"],
  ])("has the rules of texts for %s", async (_, value, a, member) => {
    const message = expect.stringContaining(`the value of {{a}} does not fit into "${KEY}.${member}": there it must `);
    expect(await thrownBy(() => compileJson(value, { key: KEY })(valuesOf(a)))).toMatchObject({ message });
  });

  it("keeps the number of a scope that is only a template", () => {
    expect(compileJson({ scope: "{{a}}" }, { key: KEY })(valuesOf(7))).toEqual({ scope: 7 });
  });
});

it("checks our own values where the whole request would break", async () => {
  const place = { key: KEY, kind: "scope" } as const;
  const message = `the value of {{client_id}} does not fit into "${KEY}": there it must ${SCOPE}`;
  expect(await thrownBy(() => compileTemplate("{{client_id}}", place)(valuesOf("x")))).toMatchObject({ message });
});
