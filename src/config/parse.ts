// Text to Config, or one ConfigError with every fault. credentials.ts reads the secrets later.

import type { ConfigError } from "../core/errors.ts";
import { checkFile, ONCE } from "./check.ts";
import { checkExchangeNames } from "./check-nextauth.ts";
import { type Config, complete } from "./complete.ts";
import { below, errorMessage, faultsOfIssues, type PathFault, reportTo } from "./faults.ts";
import { fileSchema } from "./schema.ts";
import { readYaml } from "./yaml.ts";

export interface ParsedFile {
  config: Config;
  /** Makes the error for faults that are found later, such as a secret that is not set. */
  error(faults: readonly PathFault[]): ConfigError;
}

/**
 * @param text YAML or JSON
 * @param fileName for error messages
 * @throws {ConfigError}
 */
export function parseConfig(text: string, fileName: string): ParsedFile {
  const { value, error } = readYaml(text, fileName);
  const parsed = fileSchema.safeParse(value, { ...ONCE, error: errorMessage });
  const faults = parsed.success ? [] : faultsOfIssues(parsed.error.issues);
  faults.push(...checkFile(value, faults));
  if (!parsed.success || faults.length > 0) throw error(faults);

  const config = complete(parsed.data);
  checkExchangeNames(config, below(reportTo(faults), "webnonce_exchange"));
  if (faults.length > 0) throw error(faults);
  return { config, error };
}
