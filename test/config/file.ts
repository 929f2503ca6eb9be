// The smallest configuration file, ways to change it, and what parsing it says.

import type { Config } from "../../src/config/complete.ts";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";

/** Ten lines: what is added stands on line 11 and after, be it keys of the provider or of the file. */
export const FILE = `version: 1
callers:
  nextauth-server:
    apikeys: [{ env: APIKEY }]
providers:
  main:
    issuer: https://idp.example
    client_id: token-proxy
    client_secret: { env: CLIENT_SECRET }
    grant_type: authorization_code
`;

/** The file with more keys in its provider, the first of them on line 11, each in column 5. */
export function withProviderKeys(...lines: string[]): string {
  return FILE + lines.map((line) => `    ${line}\n`).join("");
}

/** The file with more keys of its own, the first of them on line 11. */
export function withKeys(...lines: string[]): string {
  return FILE + lines.map((line) => `${line}\n`).join("");
}

/** The file with one part of its text replaced, which must be there. */
export function replacing(part: string, by: string, text = FILE): string {
  if (!text.includes(part)) throw new Error(`the file has no ${part}`);
  return text.replace(part, () => by);
}

/** The file whose provider has these keys alone, the first of them on line 7. */
export function withProvider(...lines: string[]): string {
  return FILE.slice(0, FILE.indexOf("    issuer:")) + lines.map((line) => `    ${line}\n`).join("");
}

export function configOf(text: string): Config {
  return parseConfig(text, "f.yaml").config;
}

/** The error's lines, one for each fault; none for a file without any. */
export function faultsOf(text: string): string[] {
  try {
    parseConfig(text, "f.yaml");
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n");
  }
}
