// Secrets on Node: environment variables and files.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type ReadSecret, SecretError } from "../../config/secrets.ts";

/** No key or certificate chain is larger; what is, is a wrong path. */
const MAX_SECRET_FILE_BYTES = 65_536;

/**
 * @param env where `{ env: NAME }` looks
 * @param directory what a relative `{ file: PATH }` is relative to: the folder of the configuration file
 */
export function createNodeReadSecret(env: NodeJS.ProcessEnv, directory: string): ReadSecret {
  return async (reference) => {
    if ("env" in reference) {
      const text = env[reference.env];
      if (text === undefined)
        throw new SecretError(`names the environment variable ${reference.env}, which is not set`);
      return text;
    }
    const bytes = await readFile(resolve(directory, reference.file)).catch((error: NodeJS.ErrnoException) => {
      throw new SecretError(`names a file that cannot be read (${error.code ?? error.name}): ${reference.file}`);
    });
    if (bytes.length > MAX_SECRET_FILE_BYTES) {
      throw new SecretError(`names a file of more than ${MAX_SECRET_FILE_BYTES} bytes: ${reference.file}`);
    }
    // Editors and `kubectl create secret` end a file with one line break, which is not part of the secret.
    return bytes.toString("utf8").replace(/\r?\n$/, "");
  };
}
