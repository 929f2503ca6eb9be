// The attributes of a user: a JSON object of name to text, and an error for any other shape.

import { expect, it } from "vitest";
import { parseAttributes } from "../../src/nextauth/client.ts";

const parse = (text: string) => parseAttributes(new TextEncoder().encode(text));

it("reads text by name, also by names that every object has", () => {
  expect(parse('\ufeff{"mail":"a@b.example","full name":"Алиса 😀","note":"","__proto__":"x"}\n')).toEqual(
    new Map(Object.entries({ mail: "a@b.example", "full name": "Алиса 😀", note: "", ["__proto__"]: "x" })),
  );
  expect(parse("{}")).toEqual(new Map());
});

const NO_OBJECT = "answered with something that is not a JSON object of name to text";
const NO_TEXT = "answered with an attribute that must be text";

it("takes a long attribute, which may be another program's", () => {
  expect(parse(JSON.stringify({ sub: "u1", photo: "x".repeat(60_000) }))).toHaveProperty("size", 2);
});

it.each<[string, string, string]>([
  ["a list", '[{"name":"mail","value":"a"}]', NO_OBJECT],
  ["a number as a value", '{"mail":"a","age":7}', NO_TEXT],
  ["null as a value", '{"mail":null}', NO_TEXT],
  ["an object as a value", '{"__proto__":{"mail":"a"}}', NO_TEXT],
  ["a line break", '{"mail":"a\\r\\nX-a: b"}', "answered with an attribute that has control characters"],
  ["half a surrogate", '{"mail":"\\udc00"}', "answered with an attribute that is not well-formed Unicode"],
])("rejects %s", (_, body, fault) => {
  expect(parse(body)).toBe(fault);
});
