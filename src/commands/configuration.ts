// The configuration file as the commands find it.

import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import type { CredentialHost } from "../config/credentials.ts";
import { type ParsedFile, parseConfig } from "../config/parse.ts";
import { createNodeCredentialHost } from "../platform/node/credentials.ts";

export const DEFAULT_FILE = "token-proxy.yaml";

/** A thousand providers fit in; a mapping of as many keys takes the YAML parser long. */
const MAX_FILE_CHARS = 1_048_576;

export const NO_FILE = `there is no ${DEFAULT_FILE} here: name a file with --config`;

/** What the user has to change is in the message; no stack is shown. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** `--config`, then TOKEN_PROXY_CONFIG, then ./token-proxy.yaml where it exists. */
export function findFile(option: string | undefined): string | undefined {
  return option || process.env.TOKEN_PROXY_CONFIG || (existsSync(DEFAULT_FILE) ? DEFAULT_FILE : undefined);
}

/**
 * @throws {UsageError} where it cannot be read
 * @throws {ConfigError} where it is faulty
 */
export function loadFile(path: string): { file: ParsedFile; host: CredentialHost } {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new UsageError(`cannot read the configuration file ${path} (${(error as NodeJS.ErrnoException).code})`);
  }
  if (text.length > MAX_FILE_CHARS) {
    throw new UsageError(`the configuration file ${path} has more than ${MAX_FILE_CHARS} characters: that is none`);
  }
  return { file: parseConfig(text, path), host: createNodeCredentialHost(process.env, dirname(resolve(path))) };
}
