// Bytes as hexadecimal text.

/** @returns two lower-case digits for each byte */
export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
