// A minimal configuration file, functions that change it, and tables of files and their faults.

import { expect, it } from "vitest";
import { type Config, parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";

/** Ten lines; keys of the provider or the file can be appended from line 11. */
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

/** The file with further keys of the provider, from line 11, in column 5. */
export function withProviderKeys(...lines: string[]): string {
  return FILE + lines.map((line) => `    ${line}\n`).join("");
}

/** The file with further top-level keys, from line 11. */
export function withKeys(...lines: string[]): string {
  return FILE + lines.map((line) => `${line}\n`).join("");
}

/** The file with one part of its text replaced. */
export function replacing(part: string, by: string, text = FILE): string {
  if (!text.includes(part)) throw new Error(`the file has no ${part}`);
  return text.replace(part, () => by);
}

/** The file with only these keys in its provider, from line 7. */
export function withProvider(...lines: string[]): string {
  return FILE.slice(0, FILE.indexOf("    issuer:")) + lines.map((line) => `    ${line}\n`).join("");
}

export function configOf(text: string): Config {
  return parseConfig(trusting(text), "f.yaml").config;
}

/**
 * A file without nextauth must say that it trusts its callers. Tests about other keys need not, so
 * this adds what is missing, behind everything whose position they expect.
 */
export function trusting(text: string): string {
  if (!/^callers:|^providers:/m.test(text) || /^nextauth:|session:/m.test(text)) return text;
  if (!/^get_token:/m.test(text)) return `${text}\nget_token: { session: trust }\n`;
  if (/^get_token: \[/m.test(text))
    return `${text}nextauth: { url: https://ns.example, apikey: { env: N }, serverid: a }\n`;
  return text.replace(/^(get_token: \{.*?) ?\}$/m, (_line, binding: string) => {
    return `${binding}${binding.endsWith("{") ? "" : ","} session: trust }`;
  });
}

/** The lines of the error, one for each fault. */
export function faultsOf(text: string): string[] {
  try {
    parseConfig(trusting(text), "f.yaml");
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.message.split("\n");
  }
}

/**
 * A test for each row of the table: `TEXT => FAULT`. Lines that start with "=>" are further faults
 * of the row, and a row without a fault must be accepted. `\n` in a text is a line break.
 * @param fileOf makes the file of a text
 * @param alsoCheck is called with each file, and whether it must be accepted
 */
export function reports(
  fileOf: (text: string) => string,
  table: string,
  alsoCheck = (_file: string, _isValid: boolean) => {},
): void {
  const rows = table
    .trim()
    .split(/\n(?!\s*=>)/)
    .map((row) => row.trim().split(/\s+=> /));
  for (const [text = "", ...faults] of rows) {
    const name = faults.length === 0 ? `accepts ${text}` : `reports of ${text}: ${faults.join(" and ")}`;
    it(name, () => {
      const file = fileOf(text.replaceAll("\\n", "\n"));
      expect(faultsOf(file)).toEqual(faults.map(faultLine));
      alsoCheck(file, faults.length === 0);
    });
  }
}

/** @param fault without the file's name; it ends with "…" if its words are tested elsewhere */
export function faultLine(fault: string): string {
  return fault.endsWith("…") ? expect.stringContaining(`f.yaml:${fault.slice(0, -1)}`) : `f.yaml:${fault}`;
}
