// Parses a JSON body to judge it. The bytes stay as they are, so that they can be relayed.

// Skips a BOM, as RFC 8259 section 8.1 allows.
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** @returns the members, or undefined if the bytes are not a JSON object in UTF-8 */
export function readJsonObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(utf8.decode(bytes));
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // without the cause: JSON.parse quotes its input
  }
}

/** Texts, marks, and other values. */
const JSON_TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"|[{}[\],:]|[^\s{}[\],:"]+/g;

/**
 * JSON.parse would round a number, and keep only the last of several members with one name.
 * @param json a valid JSON object
 * @returns the members of this name, each as it is written, a list or object as its bracket
 */
export function membersAsWritten(json: string, name: string): string[] {
  const found: string[] = [];
  let depth = 0;
  let member: unknown;
  let previous = "";
  for (const [token] of json.matchAll(JSON_TOKENS)) {
    if (depth === 1 && previous === ":" && member === name) found.push(token);
    else if (depth === 1 && previous !== ":" && token.startsWith('"')) member = JSON.parse(token);
    if (token === "{" || token === "[") depth += 1;
    if (token === "}" || token === "]") depth -= 1;
    previous = token;
  }
  return found;
}
