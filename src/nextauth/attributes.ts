// Reads what getUserAttributes answers. Its shape is not documented beyond "all attributes", so only the plain one is taken.

import { readJsonObject } from "../core/json.ts";

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** @returns name to text, or what is wrong with the answer as a phrase that never repeats it */
export function parseAttributes(body: Uint8Array): ReadonlyMap<string, string> | string {
  const parsed = readJsonObject(body);
  if (parsed === undefined) return "was answered with something that is not a JSON object of name to text";
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== "string") return "was answered with an attribute that is not text";
    if (!value.isWellFormed() || CONTROL.test(value)) {
      return "was answered with an attribute that has control characters or is not well-formed Unicode";
    }
    attributes.set(name, value);
  }
  return attributes;
}
