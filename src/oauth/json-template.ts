// Templates inside JSON: the header and the claims of a JWT, as the file writes them.

import { parseTemplate, type Template } from "./template.ts";

/** What the file may say in a JWT. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/** Gives the value of a name; a number where the name stands for one, so that it stays a number in the JWT. */
export type JsonValues = (name: string) => string | number;

/**
 * Reads a value once. Numbers stay numbers and lists stay lists; a text that is nothing but one `{{name}}` takes the type
 * of the name's value, every other text stays text.
 * @throws {TemplateSyntaxError}
 */
export function compileJson(value: JsonValue): (values: JsonValues) => JsonValue {
  if (typeof value === "string") return compileText(parseTemplate(value), value);
  if (isList(value)) {
    const items = value.map(compileJson);
    return (values) => items.map((item) => item(values));
  }
  if (typeof value === "object" && value !== null) {
    const members = Object.entries(value).map(([name, member]) => [name, compileJson(member)] as const);
    return (values) => Object.fromEntries(members.map(([name, member]) => [name, member(values)]));
  }
  return () => value;
}

/** Every name in the templates of a value. */
export function jsonTemplateNames(value: JsonValue): string[] {
  if (typeof value === "string") return [...parseTemplate(value).names];
  if (isList(value)) return value.flatMap(jsonTemplateNames);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(jsonTemplateNames);
  return [];
}

function compileText(template: Template, text: string): (values: JsonValues) => JsonValue {
  const [only] = template.names;
  if (template.names.length === 1 && only !== undefined && /^\{\{[^{}]*\}\}$/.test(text))
    return (values) => values(only);
  return (values) => template.render((name) => String(values(name)));
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
