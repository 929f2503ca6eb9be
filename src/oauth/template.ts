// Templates of the configuration file: text and JSON with `{{name}}` places.

import type { Values } from "../core/values.ts";
import { type Place, withRules } from "./template-rules.ts";

interface ParsedTemplate {
  /** One more than names, which are between them. */
  literals: string[];
  /** In order, with repetitions. */
  names: string[];
}

const PLACE = /\{\{([^{}]*)\}\}/;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;

/** The message follows the path of the faulty key. */
export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
}

/** @throws {TemplateSyntaxError} */
export function parseTemplate(text: string): ParsedTemplate {
  const parts = text.split(PLACE); // literals and, between them, names
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1).map((name) => name.trim());
  if (!names.every((name) => NAME.test(name))) {
    throw new TemplateSyntaxError("has a template without a proper name: write {{name}}, like {{userid}}");
  }
  if (literals.some((literal) => literal.includes("{{"))) {
    throw new TemplateSyntaxError("has a template that is never closed: write {{name}}, like {{userid}}");
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

/**
 * Parses once, so that rendering is only concatenation and the checks that the place needs.
 * @throws {TemplateSyntaxError}
 */
export function compileTemplate(text: string, place: Place): (values: Values) => string {
  const { literals, names } = parseTemplate(text);
  return withRules(text, literals, names, place, (values) => {
    let rendered = literals[0] as string;
    for (let i = 0; i < names.length; i++) {
      rendered += String(requiredValue(values, names[i] as string)) + (literals[i + 1] as string);
    }
    return rendered;
  });
}

/** Every name is checked at start and before the first request, so a missing value is a bug. */
function requiredValue(values: Values, name: string): string | number {
  const value = values.get(name);
  if (value === undefined) throw new Error(`no value for the template name ${name}`);
  return value;
}

/** JSON as the file has it, with templates in its texts. */
export type JsonValue = string | number | boolean | null | JsonValue[] | { readonly [name: string]: JsonValue };

/**
 * A text that is nothing but one `{{name}}` takes the type of the value; any other text stays text.
 * A member named scope is one at any depth.
 * @throws {TemplateSyntaxError}
 */
export function compileJson(value: JsonValue, place: Place): (values: Values) => JsonValue {
  if (typeof value === "string") {
    const { literals, names } = parseTemplate(value);
    if (names.length !== 1 || literals.join("") !== "") return compileTemplate(value, place);
    return withRules(value, literals, names, place, (values) => requiredValue(values, names[0] as string));
  }
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

/** Serialises after the values are filled in, so each is a JSON text or number and nothing else. */
export function compileJsonText(value: JsonValue, place: Place): (values: Values) => string {
  const fill = compileJson(value, place);
  return (values) => JSON.stringify(fill(values));
}

export function memberPlace({ key, kind }: Place, name: string): Place {
  return { key: `${key}.${name}`, kind: name === "scope" ? "scope" : kind };
}

/** Every name in the templates of a value. */
export function jsonTemplateNames(value: JsonValue): readonly string[] {
  if (typeof value === "string") return parseTemplate(value).names;
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(jsonTemplateNames) : [];
}
