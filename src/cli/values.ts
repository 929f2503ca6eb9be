// The values of a call as the command line gives them.

import { UsageError } from "../core/errors.ts";
import type { Value } from "../core/values.ts";
import { isFault, readValue } from "../nextauth/values.ts";

export interface ValueOptions {
  userid?: string;
  /** NAME=TEXT or NAME=env:VARIABLE, for further names under get_token.values. */
  value?: string[];
}

const FROM_VARIABLE = "env:";

/**
 * A nonce is a credential of a session, and a relayed token one of a user: such a value comes from a variable, since a command
 * line is for all to see.
 * @param env where `env:VARIABLE` looks
 * @throws {UsageError}
 */
export function readValues({ userid, value = [] }: ValueOptions, env: NodeJS.ProcessEnv): Map<string, Value> {
  const given = new Map<string, string>(userid === undefined ? [] : [["userid", userid]]);
  for (const pair of value) {
    const [name, ...rest] = pair.split("=") as [string, ...string[]];
    const text = rest.join("=");
    if (rest.length === 0) throw new UsageError("--value takes NAME=TEXT or NAME=env:VARIABLE");
    if (name === "nonce" && !text.startsWith(FROM_VARIABLE)) {
      throw new UsageError("a nonce is a credential: give it as --value nonce=env:VARIABLE");
    }
    if (given.has(name)) throw new UsageError(`the value "${name}" is given twice: give it once`);
    given.set(name, text.startsWith(FROM_VARIABLE) ? variable(text.slice(FROM_VARIABLE.length), env) : text);
  }
  const values = new Map<string, Value>();
  for (const [name, text] of given) {
    const read = readValue(name, text, false);
    if (isFault(read)) throw new UsageError(`the value "${name}" ${read.fault}`);
    values.set(name, read);
  }
  return values;
}

function variable(name: string, env: NodeJS.ProcessEnv): string {
  // Not repeated: whoever writes env:$NONCE has put the nonce itself here.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name))
    throw new UsageError("env: must be followed by the name of a variable, without $");
  const text = env[name];
  if (text === undefined) throw new UsageError(`the environment variable ${name} is not set`);
  return text;
}
