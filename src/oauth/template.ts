// Templates of the configuration file: text and JSON with `{{name}}` places.

import type { Value, Values } from "../core/values.ts";

export interface Template {
  /** Every name in it, in order, with repetitions. */
  readonly names: readonly string[];
  render(values: Values): string;
}

const PLACE = /\{\{([^{}]*)\}\}/g;
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
  const literals: string[] = [];
  const names: string[] = [];
  let end = 0;
  for (const match of text.matchAll(PLACE)) {
    const name = (match[1] as string).trim();
    if (!NAME.test(name)) {
      throw new TemplateSyntaxError("has a template without a proper name: write {{name}}, like {{userid}}");
    }
    literals.push(text.slice(end, match.index));
    names.push(name);
    end = match.index + match[0].length;
  }
  literals.push(text.slice(end));
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
function requiredValue(values: Values, name: string): Value {
  const value = values.get(name);
  if (value === undefined) throw new Error(`no value for the template name ${name}`);
  return value;
}

/** JSON as the file has it, with templates in its texts. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [name: string]: JsonValue };

/**
 * A text that is nothing but one `{{name}}` takes the type of the value; any other text stays text.
 * @throws {TemplateSyntaxError}
 */
export function compileJson(value: JsonValue): (values: Values) => JsonValue {
  if (typeof value === "string") return compileText(value);
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

function compileText(text: string): (values: Values) => JsonValue {
  const template = parseTemplate(text);
  const [only] = template.names;
  if (template.names.length === 1 && only !== undefined && /^\{\{[^{}]*\}\}$/.test(text)) {
    return (values) => requiredValue(values, only);
  }
  return (values) => template.render(values);
}

/** Every name in the templates of a value. */
export function jsonTemplateNames(value: JsonValue): string[] {
  if (typeof value === "string") return [...parseTemplate(value).names];
  if (isList(value)) return value.flatMap(jsonTemplateNames);
  if (typeof value === "object" && value !== null) return Object.values(value).flatMap(jsonTemplateNames);
  return [];
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
