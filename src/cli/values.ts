// Reads the values of a call from --userid and --value.

import { UsageError } from "../core/errors.ts";
import type { Value, Values } from "../core/values.ts";
import { isFault, readValue } from "../nextauth/values.ts";

export interface ValueOptions {
  userid?: string;
  /** NAME=TEXT or NAME=env:VARIABLE, for names under get_token.values. */
  value?: string[];
}

const FROM_VARIABLE = "env:";

/**
 * A nonce and a relayed token are credentials, and other users can see a command line: these values
 * come from variables.
 * @param env the variables for `env:VARIABLE`
 * @throws {UsageError}
 */
export function readValues({ userid, value = [] }: ValueOptions, env: NodeJS.ProcessEnv): Values {
  const pairs: [string, string][] = userid === undefined ? [] : [["userid", userid]];
  for (const pair of value) {
    const at = pair.indexOf("=");
    if (at < 1) throw new UsageError("--value needs NAME=TEXT or NAME=env:VARIABLE");
    const [name, text] = [pair.slice(0, at), pair.slice(at + 1)];
    if (name === "nonce" && !text.startsWith(FROM_VARIABLE)) {
      throw new UsageError(
        "a nonce is a credential, and others can see a command line: use --value nonce=env:VARIABLE",
      );
    }
    pairs.push([name, text.startsWith(FROM_VARIABLE) ? readVariable(text.slice(FROM_VARIABLE.length), env) : text]);
  }
  const values = new Map<string, Value>();
  for (const [name, text] of pairs) {
    if (values.has(name)) throw new UsageError(`the value "${name}" is given twice: give it once`);
    const read = readValue(name, text, false);
    if (isFault(read)) throw new UsageError(`the value "${name}" ${read.fault}`);
    values.set(name, read);
  }
  return values;
}

function readVariable(name: string, env: NodeJS.ProcessEnv): string {
  // Not repeated in the error: after env:$NONCE it is the nonce itself.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new UsageError("env: needs the name of a variable, without $, like --value nonce=env:NONCE");
  }
  const text = env[name];
  if (text === undefined) throw new UsageError(`the environment variable ${name} is not set: set it and try again`);
  return text;
}
