// Templates of the configuration file: text and JSON with `{{name}}` places.

import type { Values } from "../core/values.ts";

export interface Template {
  /** Every name in it, in order, with repetitions. */
  readonly names: readonly string[];
  render(values: Values): string;
}

const PLACE = /\{\{([^{}]*)\}\}/;
const NAME = /^[A-Za-z_][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*$/;

/** The message follows the path of the faulty key. */
export class TemplateSyntaxError extends Error {
  override readonly name = "TemplateSyntaxError";
}

/**
 * Parses once, so that rendering is only concatenation.
 * @throws {TemplateSyntaxError}
 */
export function parseTemplate(text: string): Template {
  const parts = text.split(PLACE); // literals and, between them, names
  const literals = parts.filter((_, index) => index % 2 === 0);
  const names = parts.filter((_, index) => index % 2 === 1).map((name) => name.trim());
  if (!names.every((name) => NAME.test(name))) {
    throw new TemplateSyntaxError("has a template without a proper name: write {{name}}, like {{userid}}");
  }
  if (literals.some((literal) => literal.includes("{{"))) {
    throw new TemplateSyntaxError("has a template that is never closed: write {{name}}, like {{userid}}");
  }
  return {
    names,
    render(values) {
      let rendered = literals[0] as string;
      for (let i = 0; i < names.length; i++) {
        rendered += String(requiredValue(values, names[i] as string)) + (literals[i + 1] as string);
      }
      return rendered;
    },
  };
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
 * @throws {TemplateSyntaxError}
 */
export function compileJson(value: JsonValue): (values: Values) => JsonValue {
  if (typeof value === "string") {
    const { names, render } = parseTemplate(value);
    const isPlace = names.length === 1 && value.replace(PLACE, "") === "";
    return isPlace ? (values) => requiredValue(values, names[0] as string) : render;
  }
  if (Array.isArray(value)) {
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
export function jsonTemplateNames(value: JsonValue): readonly string[] {
  if (typeof value === "string") return parseTemplate(value).names;
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(jsonTemplateNames) : [];
}
