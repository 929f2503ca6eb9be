// The values of a call under the names of nextAuth's REST API, and what each may look like.

import type { Value } from "../core/values.ts";

export interface ValueRule {
  type: "text" | "integer";
  /** Characters of a text. */
  max_length: number;
  /** Its one group is the value; see patternFault. */
  pattern?: RegExp | undefined;
}

/** A serverid is short base64; a userid is the operator's choice, often an e-mail address. */
export const NEXTAUTH_RULES = {
  serverid: { type: "text", max_length: 256 },
  userid: { type: "text", max_length: 1_024 },
  accountid: { type: "integer", max_length: 16 },
  nonce: { type: "text", max_length: 512 },
} as const satisfies Record<string, ValueRule>;

export function isNextAuthName(name: string): name is keyof typeof NEXTAUTH_RULES {
  return Object.hasOwn(NEXTAUTH_RULES, name);
}

/** A value that the file adds may be a whole token that is passed on to the provider. */
export const MAX_TEXT_LENGTH = 16_384;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;
/** It is sent on in a header, which must not alter it. A comma means that the header came twice. */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+(?: +[\x21-\x2b\x2d-\x7e]+)*$/;

/** A phrase that follows the name of the value, and never repeats the value. */
type ValueFault = { fault: string };

/** @param typed whether it comes from JSON, where number and text differ; elsewhere all is text */
export function readValue(name: string, value: unknown, typed: boolean, rule = ruleOf(name)): Value | ValueFault {
  if (rule.pattern !== undefined) {
    const isShort = typeof value === "string" && value.length <= MAX_TEXT_LENGTH;
    const group = isShort ? rule.pattern.exec(value)?.[1] : undefined;
    if (group === undefined) return { fault: "does not match its pattern" };
    return readValue(name, group, false, { ...rule, pattern: undefined });
  }
  if (rule.type === "integer") return readInteger(value, typed);
  if (typeof value !== "string") return { fault: "must be text" };
  if (value === "") return { fault: "is empty" };
  if (value.length > rule.max_length) return { fault: `has more than ${rule.max_length} characters` };
  // Every lone surrogate becomes U+FFFD on the wire: two different users would look like one.
  if (!value.isWellFormed()) return { fault: "is not well-formed Unicode" };
  if (CONTROL.test(value)) return { fault: "has control characters" };
  if (name === "nonce" && !NONCE.test(value)) return { fault: "is not visible ASCII without commas" };
  if (name === "serverid" && /^\.\.?$/.test(value)) return { fault: "is not a serverid, which is base64" };
  return value;
}

export function isFault(value: Value | ValueFault): value is ValueFault {
  return typeof value === "object";
}

/** The rule for a value of this name if the file has none. */
export function ruleOf(name: string): ValueRule {
  return isNextAuthName(name) ? NEXTAUTH_RULES[name] : { type: "text", max_length: MAX_TEXT_LENGTH };
}

const CHARACTER = String.raw`(?:\\[^A-Za-z0-9]|[^.\\^$*+?()[\]{}|])`;
const ONE_OF = String.raw`(?:${CHARACTER}|\.|\\[dDsSwW]|\[(?:\\.|[^\\\]])+\])`;
const PATTERN = new RegExp(
  String.raw`^\^${CHARACTER}*\((?!\))${ONE_OF}*(?:${ONE_OF}[*+?])?${ONE_OF}*\)${CHARACTER}*\$$`,
  "su",
);

/**
 * Text around the group is fixed, so two users never become one. One repeat cannot backtrack much.
 * @returns the fault, as a phrase that follows the key in the file
 */
export function patternFault(text: string): string | undefined {
  try {
    new RegExp(text, "su");
    if (text.length <= 200 && PATTERN.test(text)) return undefined;
  } catch {} // an invalid class or escape
  return "must be fixed text around one group with at most one *, + or ?, like ^urn:user:(.+)$, of up to 200 characters";
}

/** JSON may write 7, 7.0 or 7e0; every other source digits. */
function readInteger(value: unknown, typed: boolean): number | ValueFault {
  // Beyond 2^53 several integers share one number: one account would become another.
  const number = typed ? value : typeof value === "string" && INTEGER.test(value) ? Number(value) : undefined;
  return Number.isSafeInteger(number) ? (number as number) : { fault: "must be an integer" };
}
