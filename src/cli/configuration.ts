// Finds and reads the configuration file and the file of --env-file.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { parseConfig } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import { createNodeCredentialHost, cureOfUnreadable } from "../node/credentials.ts";
import type { Loaded } from "../node/service.ts";

/** Options of every command that reads the configuration file. */
export interface FileOptions {
  config?: string;
  envFile?: string;
}

export const DEFAULT_FILE = "token-proxy.yaml";

/** Room for a thousand providers; the YAML parser is slow on a mapping with more keys. */
const MAX_FILE_BYTES = 1_048_576;

/**
 * The variables of this process, and of `--env-file` those that are not set. Each call reads the
 * file, so that a reload sees changes. `process.env` stays as it is: child processes inherit it.
 * @throws {UsageError} if the file cannot be read
 */
export function environment(envFile: string | undefined): NodeJS.ProcessEnv {
  if (envFile === undefined) return process.env;
  return { ...parseEnv(readText(envFile, "env file").replace(/^\ufeff/, "")), ...process.env };
}

/** @returns --config, else TOKEN_PROXY_CONFIG, else ./token-proxy.yaml if it exists */
export function findFile(option: string | undefined, env: NodeJS.ProcessEnv): string | undefined {
  return option || env.TOKEN_PROXY_CONFIG || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/** @throws {UsageError} if there is none */
export function requireFile(option: string | undefined, env: NodeJS.ProcessEnv): string {
  const path = findFile(option, env);
  if (path !== undefined) return path;
  throw new UsageError(`there is no ${DEFAULT_FILE} in this folder: name the configuration file with --config`);
}

/**
 * @param env the variables for `{ env: NAME }`
 * @throws {UsageError} if the file cannot be read
 * @throws {ConfigError} if it has faults
 */
export function loadFile(path: string, env: NodeJS.ProcessEnv): Loaded {
  const text = readText(path, "configuration file");
  return { path, text, file: parseConfig(text, path), host: createNodeCredentialHost(env, dirname(resolve(path))) };
}

function readText(path: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code, name } = error as NodeJS.ErrnoException;
    throw new UsageError(`cannot read the ${what} ${path} (${code ?? name})${cureOfUnreadable(code)}`);
  }
  if (bytes.length > MAX_FILE_BYTES) {
    throw new UsageError(`the ${what} ${path} is larger than ${MAX_FILE_BYTES} bytes: name another file`);
  }
  try {
    // Replacing undecodable bytes would silently change a path or a name.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`the ${what} ${path} is not in UTF-8: save it in that encoding`);
  }
}
