// Reads what options name: the configuration file, --env-file, and the values of a call.

import { readFileSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { type Config, type ParsedFile, parseConfig } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import type { Value, Values } from "../core/values.ts";
import type { Binding } from "../nextauth/settings.ts";
import { isFault, readValue } from "../nextauth/values.ts";
import { createNodeCredentialHost, cureOfUnreadable } from "../node/credentials.ts";

/** Options of the commands that make a call with the configuration file. */
export interface CallOptions {
  config: string;
  envFile?: string;
  userid?: string;
  /** NAME=TEXT or NAME=env:VARIABLE, for names under get_token.values. */
  value?: string[];
  path?: string;
}

/** Room for a thousand providers; the YAML parser is slow on a mapping with more keys. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * The variables of this process, and those from `--env-file` that it lacks. Each call reads the
 * file, so that a reload sees changes. `process.env` stays as it is: child processes inherit it.
 * @returns also the names to which both give different values
 * @throws {UsageError} if the file cannot be read
 */
export function environment(envFile: string | undefined) {
  if (envFile === undefined) return { variables: process.env, overridden: [] };
  const text = readText(envFile, "env file").replace(/^\ufeff/, "");
  // parseEnv skips what it does not understand; a secret on such a line would be "not set".
  const rest = text.replace(ENV_LINES, "");
  if (rest !== "") {
    const line = text.slice(0, text.length - rest.length).split("\n").length;
    throw new UsageError(`${envFile}:${line} is not NAME=VALUE, or a quote is not closed: write one variable per line`);
  }
  const own = parseEnv(text);
  const overridden = Object.keys(own).filter((name) => (process.env[name] ?? own[name]) !== own[name]);
  return { variables: { ...own, ...process.env }, overridden };
}

/** Empty lines, comments and variables; a value in quotes may have several lines. */
const ENV_LINES =
  /^(?:[^\S\n]*(?:#[^\n]*|(?:export[^\S\n]+)?[\w.-]+[^\S\n]*=[^\S\n]*(?:(["'`])[^\0]*?\1|(?!["'`]))[^\n]*)?(?:\n|$))*/;

/**
 * @throws {UsageError} if an option is wrong, or names a file that cannot be read
 * @throws {ConfigError} if the configuration file has faults
 */
export function readCallOptions(options: CallOptions) {
  const env = environment(options.envFile);
  const values = readValues(options, env.variables);
  return { ...loadFile(options.config, env), values };
}

export function chooseBinding({ get_token }: Config, path: string | undefined): Binding {
  const binding = get_token.find((candidate) => candidate.path === (path ?? candidate.path));
  if (binding !== undefined) return binding;
  throw new UsageError(`no binding has this --path: the file has ${get_token.map((one) => one.path).join(", ")}`);
}

/**
 * @param env the variables for `{ env: NAME }`
 * @param file if it was read before
 * @throws {UsageError} if the file cannot be read
 * @throws {ConfigError} if it has faults
 */
export function loadFile(path: string, { variables, overridden }: ReturnType<typeof environment>, file?: ParsedFile) {
  const host = createNodeCredentialHost(variables, dirname(resolve(path)));
  const cure = '; name yours with --config, write one with "init", or try the proxy without a file with "dev"';
  return { file: file ?? parseConfig(readText(path, "configuration file", cure), path), host, overridden };
}

/** @param cure if there is no such file. @throws {UsageError} if it is not a text file */
export function readText(path: string, what: string, cure = ""): string {
  const fault = (problem: string) => new UsageError(`the ${what} ${path} ${problem}`);
  try {
    const found = statSync(path);
    // A pipe would block the process until somebody writes, at a reload too.
    if (!found.isFile() && !found.isDirectory()) throw fault("is not a regular file: name one");
    if (found.size > MAX_FILE_BYTES) throw fault(`is larger than ${MAX_FILE_BYTES} bytes: name another file`);
    // Replacing undecodable bytes would silently change a path or a name.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(readFileSync(path));
  } catch (error) {
    if (error instanceof UsageError) throw error;
    if (error instanceof TypeError) throw fault("is not in UTF-8: save it in that encoding");
    const { code, name } = error as NodeJS.ErrnoException;
    throw new UsageError(
      `cannot read the ${what} ${path} (${code ?? name})${cureOfUnreadable(code)}${code === "ENOENT" ? cure : ""}`,
    );
  }
}

/** A nonce or a relayed token is a credential, so a value can also come from a variable. */
function readValues({ userid, value = [] }: CallOptions, env: NodeJS.ProcessEnv): Values {
  const values = new Map<string, Value>();
  const add = (name: string, text: string) => {
    const read = readValue(name, text, false);
    if (isFault(read)) throw new UsageError(`the value "${name}" ${read.fault}`);
    values.set(name, read);
  };
  if (userid !== undefined) add("userid", userid);
  for (const pair of value) {
    const [, name, isVariable, text] = /^([^=]+)=(env:)?(.*)$/s.exec(pair) ?? [];
    if (name === undefined || text === undefined) throw new UsageError("--value needs NAME=TEXT or NAME=env:VARIABLE");
    // Nor is the variable named: after env:$NONCE the name is the nonce itself.
    const found = isVariable ? env[text] : name === "nonce" ? undefined : text;
    const cure = "name a variable that is set, without $, like nonce=env:NONCE; other users can see a command line";
    if (found === undefined) throw new UsageError(`--value ${name}: ${cure}`);
    add(name, found);
  }
  return values;
}
