// Templates of the configuration file: text and JSON with `{{name}}` places.

import type { Value, Values } from "../core/values.ts";
import { compileCheck, type Place } from "./template-rules.ts";

const PLACE = /\{\{([^{}]*)\}\}/;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;

/** The message follows the path of the faulty key. */
export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
}

/** @throws {TemplateSyntaxError} */
export function parseTemplate(text: string) {
  const parts = text.split(PLACE);
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1).map((name) => name.trim());
  if (!names.every((name) => NAME.test(name)) || literals.some((literal) => literal.includes("{{"))) {
    throw new TemplateSyntaxError("has a template without a proper name or end: write {{name}}, like {{userid}}");
  }
  if (literals.slice(1, -1).includes("")) {
    throw new TemplateSyntaxError(
      "has two templates with nothing between them, so their values could be confused; put text between them, like {{serverid}}|{{userid}}",
    );
  }
  if (names.length > 0 && /^\s*[{[<]/.test(literals[0] as string)) {
    throw new TemplateSyntaxError(
      "looks like JSON or XML, to which a value could add parts of its own; write a mapping or list instead (in params: { json: … })",
    );
  }
  return { literals, names };
}

/** JSON as the file has it, with templates in its texts. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { readonly [name: string]: JsonValue };

/** A text that is nothing but one `{{name}}` takes the type of the value; any other stays text. */
function compileText(text: string, place: Place): (values: Values) => Value {
  const { literals, names } = parseTemplate(text);
  const isWhole = names.length === 1 && literals.join("") === "";
  const check = compileCheck(text, literals, names, place);
  return (values) => {
    check(values);
    let rendered: Value = literals[0] as string;
    for (const [index, name] of names.entries()) {
      const value = values.get(name);
      // Every name is checked at start and before the first request.
      if (value === undefined) throw new Error(`no value for the template name ${name}`);
      rendered = isWhole ? value : `${rendered}${value}${literals[index + 1]}`;
    }
    return rendered;
  };
}

export function compileTemplate(text: string, place: Place): (values: Values) => string {
  const render = compileText(text, place);
  return (values) => String(render(values));
}

/** A member named scope is one at any depth. */
export function compileJson(value: JsonValue, place: Place): (values: Values) => JsonValue {
  if (typeof value === "string") return compileText(value, place);
  if (Array.isArray(value)) {
    const items = value.map((item) => compileJson(item, place));
    return (values) => items.map((item) => item(values));
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(
      ([name, member]) => [name, compileJson(member, memberPlace(place, name))] as const,
    );
    return (values) => Object.fromEntries(members.map(([name, member]) => [name, member(values)]));
  }
  return () => value;
}

export function memberPlace({ key, kind }: Place, name: string): Place {
  return { key: `${key}.${name}`, kind: name === "scope" ? "scope" : kind };
}

/** Every name in the templates of a value. */
export function jsonTemplateNames(value: JsonValue): readonly string[] {
  if (typeof value === "string") return parseTemplate(value).names;
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(jsonTemplateNames) : [];
}
