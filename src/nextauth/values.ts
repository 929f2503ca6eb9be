// The values of a getToken call, in the words of the nextAuth Server's REST API, and what each may look like.

/** Who a call is about. Names and spelling are nextAuth's. */
export interface Call {
  /** The virtual server; base64 text. */
  serverid?: string;
  /** The user: any text that the operator chose. */
  userid: string;
  /** Every bound value as text, for templates: these, `accountid`, `nonce`, and those the file adds. */
  values: ReadonlyMap<string, string>;
}

/** Characters that a value may have. A serverid is short base64; a userid is the operator's, often an e-mail address. */
const MAX_CHARS = new Map([
  ["serverid", 256],
  ["userid", 1_024],
  ["nonce", 512],
]);
/** A value that the file adds may be a whole token, relayed to the provider. */
const MAX_OTHER_CHARS = 16_384;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
const INTEGER = /^(?:0|-?[1-9]\d{0,15})$/;

/**
 * Checks one value of a call.
 * @param typed whether it comes from JSON, where a number and a text differ; other sources have only text
 * @returns the value as text, or what is wrong with it as `{ fault }`, a phrase that never repeats it
 */
export function readValue(name: string, value: unknown, typed: boolean): string | { fault: string } {
  if (name === "accountid") return readInteger(value, typed);
  if (typeof value !== "string") return { fault: "must be text" };
  if (value === "") return { fault: "is empty" };
  if (value.length > (MAX_CHARS.get(name) ?? MAX_OTHER_CHARS)) return { fault: "is too long" };
  // Lone surrogates would all become U+FFFD on the wire, so two different users would look like one.
  if (!value.isWellFormed()) return { fault: "is not well-formed Unicode" };
  if (CONTROL.test(value)) return { fault: "has control characters" };
  return value;
}

/** An accountid is an integer (LoginStatus). JSON may write it as 7, 7.0 or 7e0; every other source as digits. */
function readInteger(value: unknown, typed: boolean): string | { fault: string } {
  // Beyond 2^53 a number stands for several integers, so one account would be taken for another.
  const number = typed ? value : typeof value === "string" && INTEGER.test(value) ? Number(value) : undefined;
  if (Number.isSafeInteger(number)) return String(number);
  return { fault: "must be an integer" };
}
