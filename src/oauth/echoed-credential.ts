// Finds our own credentials in a refusal, which would be relayed to the app byte for byte.

import { formEncode } from "../core/form.ts";

/** Shorter texts occur in messages by accident. */
const MIN_CREDENTIAL_CHARS = 8;

/** Escapes inside each other that are undone, such as a form in JSON in JSON. */
const MAX_ESCAPES = 3;

/** Whether a text has one of the credentials: plain, percent-encoded, JSON-escaped or in base64. */
export function repeatsCredential(text: string, credentials: readonly string[]): boolean {
  const searched = credentials.filter(({ length }) => length >= MIN_CREDENTIAL_CHARS).flatMap(spellings);
  const readings = new Set([text]);
  for (let escapes = 0; escapes < MAX_ESCAPES; escapes++) {
    for (const reading of [...readings]) readings.add(withoutPercent(reading)).add(withoutBackslashes(reading));
  }
  return [...readings].some((reading) => searched.some((spelling) => reading.includes(spelling)));
}

function spellings(credential: string): string[] {
  const inJson = JSON.stringify(credential).slice(1, -1);
  const inUrl = encodeURIComponent(credential.toWellFormed());
  const inBase64 = [...new Set([credential, formEncode(credential), inUrl, inJson])].flatMap((text) =>
    [0, 1, 2].map((offset) => base64Inside(text, offset)),
  );
  const inBase64url = inBase64.map((text) => text.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([credential, credential.replaceAll(" ", "+"), ...inBase64, ...inBase64url])];
}

/** What base64 of a longer text has of a part, `offset` bytes after a multiple of three. */
function base64Inside(part: string, offset: number): string {
  const bytes = [...new Array<number>(offset).fill(0), ...new TextEncoder().encode(part)];
  // Later characters depend on what follows.
  const own = Math.floor((bytes.length * 8) / 6);
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join("")).slice(Math.ceil((offset * 8) / 6), own);
}

/** Not by decodeURIComponent, from which a byte that is not UTF-8 would hide what is next to it. */
function withoutPercent(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    new TextDecoder().decode(Uint8Array.from(escapes.slice(1).split("%"), (digits) => Number.parseInt(digits, 16))),
  );
}

function withoutBackslashes(text: string): string {
  return text.replaceAll(/(?:\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))+/g, (escapes) => JSON.parse(`"${escapes}"`));
}
