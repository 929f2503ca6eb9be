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
