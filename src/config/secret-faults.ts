// What is wrong with the text of a secret, as a phrase that follows its path in the file. None repeats anything of it.

import { HEADER_VALUE } from "../core/headers.ts";

/** 16 characters of a random key are 64 bits and more: below, a key can be guessed. */
const MIN_APIKEY_CHARS = 16;
/** What can be compared with a header's value: visible ASCII, no space. */
const APIKEY = /^[\x21-\x7e]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f]/;

export function headerFault(text: string): string | undefined {
  return HEADER_VALUE.test(text) ? undefined : "names a secret with characters that no header carries";
}

export function secretFault(text: string): string | undefined {
  return CONTROL.test(text) ? "names a secret with a line break or another control character in it" : undefined;
}

/** Below, the userids that a hash stands for could be found by trying keys. */
export function identitiesKeyFault(text: string): string | undefined {
  return text.length < MIN_APIKEY_CHARS
    ? `names a key of fewer than ${MIN_APIKEY_CHARS} characters: make one with "openssl rand -hex 32"`
    : undefined;
}

export function apikeyFault(text: string): string | undefined {
  if (secretFault(text) !== undefined) return secretFault(text);
  if (!APIKEY.test(text))
    return "names an API key with a space or a character that is not ASCII, which no header carries";
  if (text.length < MIN_APIKEY_CHARS) {
    return `names an API key of fewer than ${MIN_APIKEY_CHARS} characters: make one with "openssl rand -hex 32"`;
  }
  return undefined;
}
