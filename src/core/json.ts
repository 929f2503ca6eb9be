// Reads JSON of which a copy is looked at.

const utf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * A BOM is passed over, as RFC 8259 §8.1 lets a reader do.
 * @returns the members of an object, or undefined for what is no JSON, no UTF-8 or no object. Without the cause: JSON.parse quotes
 * what it could not read.
 */
export function readJsonObject(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(utf8.decode(bytes));
    const isObject = typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
    return isObject ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
