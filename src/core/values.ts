// The values that templates can use, by name.

/** An integer stays a number, so that it is one in the claims of a JWT too. */
export type Value = string | number;

/** What a call says, what the session check and the attributes add, and the built-in names. */
export type Values = ReadonlyMap<string, Value>;

export function textOf(values: Values, name: "serverid" | "userid" | "nonce"): string | undefined {
  return values.get(name) as string | undefined; // the rules of these names only let text through
}
