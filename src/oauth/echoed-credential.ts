// Finds what this proxy sent in a provider's words, before they reach the app or the log.

import { formEncode } from "../core/form.ts";
import { hex } from "../core/hex.ts";
import { INVISIBLE } from "../core/invisible.ts";

/** Shorter texts occur in messages by accident. */
const MIN_CREDENTIAL_CHARS = 8;
/** In pieces, shorter texts occur by accident. */
const MIN_SPLIT_CHARS = 16;
/** Escapes inside each other that are undone, such as a form in JSON in JSON. */
const MAX_ESCAPES = 3;

/** Whether a text has one of the credentials: plain, split by spaces, escaped, in hex or base64. */
export function repeatsCredential(text: string, credentials: readonly string[]): boolean {
  const searched = spellings(credentials, MIN_CREDENTIAL_CHARS);
  const joined = searched.filter(({ length }) => length >= MIN_SPLIT_CHARS).map(join);
  return readings(text).some((reading) => {
    const whole = join(reading);
    return searched.some((spelling) => reading.includes(spelling)) || joined.some((part) => whole.includes(part));
  });
}

/** Shorter values, such as the number of an account, are no identities. */
const MIN_HIDDEN_CHARS = 4;
/** Every 12 characters: 16 of a credential may have spaces, and are more if encoded. */
const PIECES = /(?=(.{12}))/gs;
const MAX_SEARCHED_CHARS = 1_024;
const MAX_SHOWN_CHARS = 300;

const HIDDEN = "[redacted]";
const JWT = /ey[A-Z][\w-]{3,}[\w.-]*/;
const UNPRINTABLE = new RegExp(`${INVISIBLE}+`, "gu");

/**
 * Hides each spelling of what was sent, and then looks for what remains in every reading of the
 * text: a JWT, a whole value, or a piece of a credential.
 * @returns a text for the log; nothing of it if something remains
 */
export function redacted(given: string, credentials: readonly string[], values: readonly string[]): string {
  if (given === "") return "";
  const needles = spellings([...credentials, ...values], MIN_HIDDEN_CHARS);
  const whole = needles.map(join).filter((needle) => needle !== "");
  const long = spellings(credentials, MIN_HIDDEN_CHARS).map(join).join("\n");
  const isUnsafe = (reading: string): boolean => {
    const text = join(reading);
    const pieces = [...text.matchAll(PIECES)].map(([, piece = ""]) => piece);
    return (
      JWT.test(reading) || whole.some((needle) => text.includes(needle)) || pieces.some((one) => long.includes(one))
    );
  };
  let text = given.slice(0, MAX_SEARCHED_CHARS).replaceAll(UNPRINTABLE, " ").replaceAll(new RegExp(JWT, "g"), HIDDEN);
  for (const needle of needles) text = text.replaceAll(needle, HIDDEN);
  // A value that the first cut goes through is not found, and must not be shown.
  const mayBeCut = given.length > MAX_SEARCHED_CHARS && text.length < 2 * MAX_SHOWN_CHARS;
  return mayBeCut || readings(text).some(isUnsafe) ? HIDDEN : text.slice(0, MAX_SHOWN_CHARS);
}

/** Without what splits words, base64 and hex digits, and without a difference of case. */
const join = (text: string): string => text.replaceAll(/[\s:\p{Cf}\p{DI}]+/gu, "").toLowerCase();

const spellings = (texts: readonly string[], minChars: number): string[] =>
  texts.filter(({ length }) => length >= minChars).flatMap(spellingsOf);

/** A text as it is, escaped, in hex, and as any part of base64. */
function spellingsOf(text: string): string[] {
  const inJson = JSON.stringify(text).slice(1, -1);
  const inUrl = encodeURIComponent(text.toWellFormed());
  const escaped = [...new Set([text, text.replaceAll(" ", "+"), formEncode(text), inUrl, inJson])];
  const inBase64 = escaped.flatMap((spelling) => [0, 1, 2].map((offset) => base64Inside(spelling, offset)));
  const inBase64url = inBase64.map((part) => part.replaceAll("+", "-").replaceAll("/", "_"));
  return [...new Set([...escaped, hex(new TextEncoder().encode(text)), ...inBase64, ...inBase64url])];
}

/** What base64 of a longer text has of a part, `offset` bytes after a multiple of three. */
function base64Inside(part: string, offset: number): string {
  const bytes = [...new Array<number>(offset).fill(0), ...new TextEncoder().encode(part)];
  // Later characters depend on what follows.
  const own = Math.floor((bytes.length * 8) / 6);
  return btoa(bytes.map((byte) => String.fromCharCode(byte)).join("")).slice(Math.ceil((offset * 8) / 6), own);
}

/** The text itself, and with its escapes undone, in each order. */
function readings(text: string): string[] {
  const found = new Set([text]);
  for (let escapes = 0; escapes < MAX_ESCAPES; escapes++) {
    for (const reading of [...found]) {
      found.add(withoutPercent(reading)).add(withoutBackslashes(reading)).add(withoutEntities(reading));
    }
  }
  return [...found];
}

const utf8 = new TextDecoder();

/** Not by decodeURIComponent, from which a byte that is not UTF-8 would hide what is next to it. */
function withoutPercent(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    utf8.decode(Uint8Array.from(escapes.slice(1).split("%"), (digits) => Number.parseInt(digits, 16))),
  );
}

/** A text without the escapes of JSON. */
export function withoutBackslashes(text: string): string {
  return text.replaceAll(/(?:\\(?:u[0-9a-fA-F]{4}|["\\/bfnrt]))+/g, (escapes) => JSON.parse(`"${escapes}"`));
}

const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

function withoutEntities(text: string): string {
  return text.replaceAll(
    /&(?:#0*(\d{1,5})|#x0*([0-9a-f]{1,4})|(amp|lt|gt|quot|apos));/gi,
    (_, decimal, digits, name) => {
      if (name !== undefined) return ENTITIES[name.toLowerCase()] as string;
      return String.fromCharCode(decimal ?? Number.parseInt(digits, 16));
    },
  );
}
