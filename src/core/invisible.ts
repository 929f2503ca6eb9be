// Characters that make lines or users look alike: controls, direction marks, separators, blanks.

/** For a regular expression with the flag `u`. */
export const INVISIBLE = String.raw`[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{DI}]`;
const EACH = new RegExp(INVISIBLE, "gu");

/** For text that somebody else wrote, in a log line or on a terminal. */
export function escapeInvisible(text: string): string {
  return text.replaceAll(EACH, (character) => `\\u{${(character.codePointAt(0) as number).toString(16)}}`);
}
