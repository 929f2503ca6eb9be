// Text to Config, or one ConfigError with every fault. credentials.ts reads the secrets later.

import type { ConfigError } from "../core/errors.ts";
import { suggestion } from "../core/suggestion.ts";
import { provider as providerSchema } from "../oauth/provider-settings.ts";
import { checkChains, checkNeeds, EXCHANGE_NAMES } from "./check-chains.ts";
import { checkNextAuth } from "./check-nextauth.ts";
import { checkProvider } from "./check-provider.ts";
import type { Surroundings } from "./check-templates.ts";
import { below, errorMessage, type PathFault, reportTo, shapeFaults } from "./faults.ts";
import { type Config, type FileConfig, fileSchema } from "./schema.ts";
import { readYaml } from "./yaml.ts";

export type { Config, Route } from "./schema.ts";

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
  const { faults, misspelt } = shapeFaults(parsed.error?.issues ?? [], value, Object.keys(fileSchema.shape));
  // Not if the file is no mapping at all: then it has no parts.
  if (!faults.some(({ path }) => path.length === 0)) checkParts(value as File, misspelt, faults);
  if (!parsed.success || faults.length > 0) throw error(faults);

  // With several providers and no routes, everything names its provider.
  const [provider = "", ...others] = Object.keys(parsed.data.providers);
  const config = { ...parsed.data, routes: parsed.data.routes ?? (others.length > 0 ? [] : [{ provider }]) };
  checkNeeds(config, reportTo(faults));
  checkChains(config, reportTo(faults));
  if (faults.length > 0) throw error(faults);
  return { config, error };
}

type File = Readonly<Record<string, unknown>>;

/** Checks rules between keys, in every part of the file that has the right shape. */
function checkParts(file: File, misspelt: readonly unknown[], faults: PathFault[]): void {
  const report = reportTo(faults);
  const isAbsent = (key: string) => file[key] === undefined && !misspelt.includes(key);
  const part = <Key extends keyof FileConfig>(key: Key): FileConfig[Key] | undefined =>
    misspelt.includes(key) ? undefined : (fileSchema.shape[key].safeParse(file[key]).data as FileConfig[Key]);

  const bindings = part("get_token");
  const servers = part("nextauth");
  const exchanges = part("webnonce_exchange");
  const routes = part("routes");
  const providers = Object.entries((typeof file.providers === "object" && file.providers) || {});
  const isNamed = file.providers && !faults.some(({ path }) => path[0] === "providers" && path.length < 3);
  const providerNames = isNamed ? providers.map(([name]) => name) : undefined;
  const defaultServerid = servers?.some(({ serverid }) => serverid !== undefined) ?? true;
  const around: Surroundings = {
    bindings,
    servers,
    exchanges,
    defaultServerid,
    callNames: bindings && [
      ...bindings.flatMap(({ values }) => Object.keys(values)),
      ...(bindings.some(({ session }) => session === "verify") ? ["userid", "accountid"] : []),
      ...(defaultServerid ? ["serverid"] : []),
      ...(file.webnonce_exchange === undefined ? [] : EXCHANGE_NAMES),
    ],
    signing: isAbsent("signing") ? null : part("signing"),
    providerNames,
  };

  checkNextAuth(around, report);
  for (const [name, written] of providers) {
    const provider = providerSchema.safeParse(written).data;
    if (provider !== undefined) checkProvider(provider, around, below(report, "providers", name));
  }
  const uses = Object.entries({ get_token: bindings, webnonce_exchange: exchanges, routes }).flatMap(
    ([key, all = []]) => all.map(({ provider }, index) => ({ path: [key, index, "provider"], provider })),
  );
  for (const { path, provider } of uses) {
    if (provider === undefined || providerNames?.includes(provider) !== false) continue;
    const hint = suggestion(provider, providerNames) || `; the providers are ${providerNames.join(", ")}`;
    report(path, `is not a provider of this file${hint}`);
  }
  if (isAbsent("routes") && (providerNames?.length ?? 0) > 1 && uses.some(({ provider }) => provider === undefined)) {
    report(["routes"], "is missing; with several providers, it says which one a call uses");
  }
  const selecting = [
    ...Object.entries(part("callers") ?? {}).map(([name, { serverids }]) => ({
      at: ["callers", name, "serverids"],
      serverids,
    })),
    ...(routes ?? []).map(({ serverid }, index) => ({ at: ["routes", index, "serverid"], serverids: serverid })),
  ];
  for (const { at, serverids } of selecting) {
    if (serverids === undefined || around.callNames?.includes("serverid") !== false) continue;
    report(at, 'never matches, because no call has a serverid; add one to "get_token.values"');
  }
  for (const [index, { serverid }] of (routes ?? []).entries()) {
    const isShadowed = routes?.slice(0, index).some((above) => [undefined, serverid].includes(above.serverid));
    if (isShadowed)
      report(["routes", index], "is unreachable, because a route above matches the same calls; move it up");
  }
}
