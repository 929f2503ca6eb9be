// The configuration file as the commands find it.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parseEnv } from "node:util";
import { parseConfig } from "../config/parse.ts";
import { UsageError } from "../core/errors.ts";
import { createNodeCredentialHost, cureOfUnreadable } from "../node/credentials.ts";
import type { Loaded } from "../node/service.ts";

export const DEFAULT_FILE = "token-proxy.yaml";

/** A thousand providers fit in; a mapping of as many keys takes the YAML parser long. */
const MAX_FILE_BYTES = 1_048_576;

export const NO_FILE = `there is no ${DEFAULT_FILE} here: name a file with --config`;

/**
 * The variables of this process, and of `--env-file` those that it does not have: what is set for one start counts more than what is
 * written down. Read anew with every call, so that a reload sees what has changed; nothing is put into `process.env`, where it would
 * stay, and go on to child processes.
 * @param envFile lines of NAME=VALUE, as Node's own `--env-file` reads them
 * @throws {UsageError} where it cannot be read
 */
export function environment(envFile: string | undefined): NodeJS.ProcessEnv {
  if (envFile === undefined) return process.env;
  return { ...parseEnv(readText(envFile, "env file").replace(/^\ufeff/, "")), ...process.env };
}

/** `--config`, then TOKEN_PROXY_CONFIG, then ./token-proxy.yaml where it exists. */
export function findFile(option: string | undefined, env: NodeJS.ProcessEnv = process.env): string | undefined {
  return option || env.TOKEN_PROXY_CONFIG || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/**
 * @param env where `{ env: NAME }` looks
 * @throws {UsageError} where it cannot be read
 * @throws {ConfigError} where it is faulty
 */
export function loadFile(path: string, env: NodeJS.ProcessEnv = process.env): Loaded {
  const text = readText(path, "configuration file");
  return { file: parseConfig(text, path), host: createNodeCredentialHost(env, dirname(resolve(path))) };
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
    throw new UsageError(`the ${what} ${path} has more than ${MAX_FILE_BYTES} bytes: that is none, so name another`);
  }
  try {
    // What cannot be decoded would be replaced in silence, and a path or a user named otherwise than is written.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new UsageError(`the ${what} ${path} is not UTF-8: save it as that`);
  }
}
