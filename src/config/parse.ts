// Text to Config, or one ConfigError with every fault. credentials.ts reads the secrets later.

import type { ConfigError } from "../core/errors.ts";
import { checkChains } from "./check-chains.ts";
import { checkNextAuth, checkProviderName } from "./check-nextauth.ts";
import { checkProvider } from "./check-provider.ts";
import type { Surroundings } from "./check-templates.ts";
import { type Config, complete } from "./complete.ts";
import { below, errorMessage, type Path, type PathFault, type Report, reportTo, shapeFaults } from "./faults.ts";
import { type FileConfig, fileSchema } from "./schema.ts";
import { type FileSigning, provider as providerSchema } from "./schema-provider.ts";
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
  const parsed = fileSchema.safeParse(value, { error: errorMessage });
  const { faults, doubtful } = shapeFaults(parsed.error?.issues ?? [], value, Object.keys(fileSchema.shape));
  const report = reportTo(faults);
  // Not if the file is no mapping at all: then it has no parts.
  if (!faults.some(({ path }) => path.length === 0)) checkParts(value as Record<string, unknown>, doubtful, report);
  if (!parsed.success || faults.length > 0) throw error(faults);

  const config = complete(parsed.data);
  checkChains(config, report);
  if (faults.length > 0) throw error(faults);
  return { config, error };
}

/** Checks rules between keys, in every part of the file that has the right shape. */
function checkParts(file: Record<string, unknown>, doubtful: readonly Path[], report: Report): void {
  const isValid = (...at: string[]) =>
    !doubtful.some((path) => at.every((part, depth) => depth >= path.length || path[depth] === part));
  const part = <Key extends keyof FileConfig>(key: Key): FileConfig[Key] | undefined =>
    isValid(key) ? (fileSchema.shape[key].parse(file[key]) as FileConfig[Key]) : undefined;

  const bindings = part("get_token");
  const servers = part("nextauth");
  const providers = Object.entries((typeof file.providers === "object" && file.providers) || {});
  const isNamed = !doubtful.some(([first, ...below]) => first === "providers" && below.length < 2);
  const defaultServerid = servers?.some(({ serverid }) => serverid !== undefined) ?? true;
  const around: Surroundings = {
    bindings,
    servers,
    exchanges: part("webnonce_exchange"),
    hasNextauth: servers?.length !== 0,
    defaultServerid,
    callNames: bindings && [
      ...bindings.flatMap(({ values }) => Object.keys(values)),
      ...(bindings.some(({ session }) => session === "verify") ? ["userid", "accountid"] : []),
      ...(defaultServerid ? ["serverid"] : []),
      ...(file.webnonce_exchange === undefined ? [] : ["serverid", "nonce", "userid", "accountid"]),
    ],
    signing: isValid("signing") ? (part("signing") ?? null) : undefined,
    providerNames: isNamed ? providers.map(([name]) => name) : undefined,
  };

  checkNextAuth(around, report);
  if (around.signing) checkSigning(around.signing, below(report, "signing", "keys"));
  for (const [name, provider] of providers) {
    if (!isValid("providers", name)) continue;
    checkProvider(providerSchema.parse(provider), around, below(report, "providers", name));
  }
  if (isValid("routes")) checkRoutes(part("routes"), around, below(report, "routes"));
}

function checkSigning({ keys }: FileSigning, report: Report): void {
  for (const [index, { kid }] of keys.entries()) {
    if (keys.findIndex((key) => key.kid === kid) < index) {
      report([index, "kid"], "is already used by a key above; each key needs a different kid");
    }
  }
  if (!keys.some(({ use }) => use === "sign")) {
    report([], 'has no key that signs; remove "use: verify" from one of the keys');
  }
}

function checkRoutes(routes: FileConfig["routes"], around: Surroundings, report: Report): void {
  const { bindings = [], exchanges = [], providerNames } = around;
  const isNamed = [...bindings, ...exchanges].every(({ provider }) => provider !== undefined);
  if (routes === undefined && providerNames && providerNames.length > 1 && !isNamed) {
    report([], "is missing; with several providers, it says which one a call uses");
  }
  for (const [index, { serverid, provider }] of (routes ?? []).entries()) {
    checkProviderName(provider, around, below(report, index, "provider"));
    const above = routes?.slice(0, index);
    if (above?.some((route) => route.serverid === undefined || route.serverid === serverid)) {
      report([index], "is unreachable, because a route above matches the same calls; move it up or remove it");
    }
  }
}
