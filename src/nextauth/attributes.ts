// Reads the answer to getUserAttributes. Its shape is undocumented: only an object of texts counts.

import { readJsonObject } from "../core/json.ts";
import { isFault, readValue } from "./values.ts";

/** @returns text by name, or the fault: a phrase after the server's name that quotes nothing */
export function parseAttributes(body: Uint8Array): ReadonlyMap<string, string> | string {
  const parsed = readJsonObject(body);
  if (parsed === undefined) return "answered with something that is not a JSON object of name to text";
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    const read = value === "" ? value : readValue("attribute", value, true);
    if (isFault(read)) return `answered with an attribute that ${read.fault}`;
    attributes.set(name, String(read));
  }
  return attributes;
}
