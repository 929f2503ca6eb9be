// Bytes as hexadecimal text.

/** @param bytes workerd has ECMAScript 2026's fast toHex; Node hashes text to hexadecimal itself */
export function hex(bytes: Uint8Array & { toHex?: () => string }): string {
  return bytes.toHex?.() ?? Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
