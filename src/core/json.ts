// Parses JSON of others to judge it. The bytes stay as they are, so that they can be relayed.

// Skips a BOM, as RFC 8259 section 8.1 allows.
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @returns the members, or undefined if the text or the bytes are not a JSON object in UTF-8 */
export function readJsonObject(json: Uint8Array | string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(typeof json === "string" ? json : utf8.decode(json));
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // without the cause: JSON.parse quotes its input
  }
}

/**
 * JSON.parse would round a number, and keep only the last of several members with one name.
 * @param json a valid JSON object
 * @returns the value of every member of this name, as it is written
 */
export function membersAsWritten(json: string, name: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let start = 0; // of a name or value of the object itself
  let member: unknown;
  for (let i = 0; i < json.length; i++) {
    const char = json[i];
    if (char === '"') {
      for (i++; i < json.length && json[i] !== '"'; i++) if (json[i] === "\\") i++;
    } else if (char === ":" && depth === 1) {
      member = JSON.parse(json.slice(start, i));
      start = i + 1;
    } else if ((char === "," || char === "}") && depth === 1) {
      if (member === name) found.push(json.slice(start, i).trim());
      start = i + 1;
    }
    if (char === "{" || char === "[") depth += 1;
    if (char === "}" || char === "]") depth -= 1;
    if (char === "{" && depth === 1) start = i + 1;
  }
  return found;
}
