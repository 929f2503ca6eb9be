// The values of a getToken call, in the words of the nextAuth Server's REST API, and what each may look like.

/** Text, or for an integer the number, so that it stays one in the claims of a JWT. */
export type CallValue = string | number;

/** What one call says, by the names of its binding: serverid, userid, accountid, nonce, and those that the file adds. */
export type Call = ReadonlyMap<string, CallValue>;

/** What a value must be. */
export interface ValueRule {
  type: "text" | "integer";
  /** Characters of a text. */
  max_length: number;
}

/** nextAuth's own values. A serverid is short base64; a userid is the operator's, often an e-mail address. */
export const NEXTAUTH_RULES = {
  serverid: { type: "text", max_length: 256 },
  userid: { type: "text", max_length: 1_024 },
  accountid: { type: "integer", max_length: 16 },
  nonce: { type: "text", max_length: 512 },
} as const satisfies Record<string, ValueRule>;

export type NextAuthName = keyof typeof NEXTAUTH_RULES;

export function isNextAuthName(name: string): name is NextAuthName {
  return Object.hasOwn(NEXTAUTH_RULES, name);
}

/** A value that the file adds may be a whole token, relayed to the provider. */
export const MAX_TEXT_LENGTH = 16_384;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;
/**
 * A nonce goes on in a header: what that cannot carry, or would trim, would be another session's nonce. With a comma in it, it comes
 * from a header that stood twice.
 */
const NONCE = /^[\x21-\x2b\x2d-\x7e]+(?: +[\x21-\x2b\x2d-\x7e]+)*$/;

export interface ValueFault {
  /** A phrase that follows the value's name and never repeats it. */
  fault: string;
}

/**
 * Checks one value of a call.
 * @param typed whether it comes from JSON, where a number and a text differ; other sources have only text
 */
export function readValue(
  name: string,
  value: unknown,
  typed: boolean,
  rule: ValueRule = ruleOf(name),
): CallValue | ValueFault {
  if (rule.type === "integer") return readInteger(value, typed);
  if (typeof value !== "string") return { fault: "must be text" };
  if (value === "") return { fault: "is empty" };
  if (value.length > rule.max_length) return { fault: "is too long" };
  // Lone surrogates would all become U+FFFD on the wire, so two different users would look like one.
  if (!value.isWellFormed()) return { fault: "is not well-formed Unicode" };
  if (CONTROL.test(value)) return { fault: "has control characters" };
  if (name === "nonce" && !NONCE.test(value)) return { fault: "is not visible ASCII without commas" };
  if (name === "serverid" && /^\.\.?$/.test(value)) return { fault: "is no serverid, which is base64" };
  return value;
}

export function isFault(value: CallValue | ValueFault): value is ValueFault {
  return typeof value === "object";
}

/** What a value of this name must be, where the file does not say. */
export function ruleOf(name: string): ValueRule {
  return isNextAuthName(name) ? NEXTAUTH_RULES[name] : { type: "text", max_length: MAX_TEXT_LENGTH };
}

/** As an accountid (LoginStatus). JSON may write it as 7, 7.0 or 7e0; every other source as digits. */
function readInteger(value: unknown, typed: boolean): number | ValueFault {
  // Beyond 2^53 a number stands for several integers, so one account would be taken for another.
  const number = typed ? value : typeof value === "string" && INTEGER.test(value) ? Number(value) : undefined;
  return Number.isSafeInteger(number) ? (number as number) : { fault: "must be an integer" };
}
