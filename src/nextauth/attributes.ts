// Reads the answer to getUserAttributes. Its shape is undocumented: only an object of texts counts.

import { readJsonObject } from "../core/json.ts";
import { CONTROL } from "./values.ts";

/** @returns text by name, or the fault: a phrase after the server's name that quotes nothing */
export function parseAttributes(body: Uint8Array): ReadonlyMap<string, string> | string {
  const parsed = readJsonObject(body);
  if (parsed === undefined) return "answered with something that is not a JSON object of name to text";
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value !== "string") return "answered with an attribute that is not text";
    if (!value.isWellFormed() || CONTROL.test(value)) {
      return "answered with an attribute that has control characters or is not well-formed Unicode";
    }
    attributes.set(name, value);
  }
  return attributes;
}
