// Rules that concern several keys, for every part of the file whose shape is valid.

import { sessionMode } from "../nextauth/binding.ts";
import { checkBindings, checkExchange, checkNextAuth, checkProviderName, EXCHANGE_NAMES } from "./check-nextauth.ts";
import { checkProvider } from "./check-provider.ts";
import type { Surroundings } from "./check-templates.ts";
import { below, type PathFault, type Report, reportTo } from "./faults.ts";
import { type FileConfig, fileSchema } from "./schema.ts";
import { type FileSigning, provider as providerSchema } from "./schema-provider.ts";

/** zod would first compile a function for each schema, which is slower for a single use. */
export const ONCE = { jitless: true };

/** @param shapeFaults of parsing the whole file */
export function checkFile(raw: unknown, shapeFaults: readonly PathFault[]): PathFault[] {
  if (shapeFaults.some(({ path }) => path.length === 0)) return []; // no mapping at all
  const file = raw as Record<string, unknown>;
  const found: PathFault[] = [];
  const report = reportTo(found);
  const isValid = (...at: string[]) =>
    !shapeFaults.some(({ path }) => at.every((part, depth) => depth >= path.length || path[depth] === part));
  const part = <Key extends keyof FileConfig>(key: Key): FileConfig[Key] | undefined =>
    isValid(key) ? (fileSchema.shape[key].parse(file[key], ONCE) as FileConfig[Key]) : undefined;

  const bindings = part("get_token");
  const servers = part("nextauth");
  const exchange = part("webnonce_exchange");
  const providers = Object.entries((typeof file.providers === "object" && file.providers) || {});
  const hasNextauth = servers?.length !== 0;
  const defaultServerid = servers?.some(({ serverid }) => serverid !== undefined) ?? true;
  const around: Surroundings = {
    bindings,
    servers,
    hasNextauth,
    defaultServerid,
    callNames: bindings && [
      ...bindings.flatMap(({ values }) => Object.keys(values)),
      ...(bindings.some((binding) => sessionMode(binding, hasNextauth) === "verify") ? ["userid", "accountid"] : []),
      ...(defaultServerid ? ["serverid"] : []),
      ...(file.webnonce_exchange === undefined ? [] : EXCHANGE_NAMES),
    ],
    signing: file.signing === undefined ? null : part("signing"),
    providerNames: providers.map(([name]) => name),
  };

  checkBindings(around, report);
  checkNextAuth(servers ?? [], report);
  if (exchange !== undefined) checkExchange(exchange, around, below(report, "webnonce_exchange"));
  if (around.signing) checkSigning(around.signing, below(report, "signing", "keys"));
  for (const [name, provider] of providers) {
    if (!isValid("providers", name)) continue;
    checkProvider(providerSchema.parse(provider, ONCE), around, below(report, "providers", name));
  }
  for (const [name, { serverids }] of Object.entries(part("callers") ?? {})) {
    checkServeridUse(serverids, around, below(report, "callers", name, "serverids"));
  }
  if (isValid("routes")) checkRoutes(part("routes"), around, below(report, "routes"));
  return found;
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
  if (routes === undefined && around.providerNames.length > 1) {
    report([], "is missing; with several providers, it says which one a call uses");
  }
  for (const [index, { serverid, provider }] of (routes ?? []).entries()) {
    checkProviderName(provider, around, below(report, index, "provider"));
    checkServeridUse(serverid, around, below(report, index, "serverid"));
    const above = routes?.slice(0, index);
    if (above?.some((route) => route.serverid === undefined || route.serverid === serverid)) {
      report([index], "is unreachable, because a route above matches the same calls; move it up or remove it");
    }
  }
}

/** Without a serverid in any call, what depends on one never matches. */
function checkServeridUse(written: unknown, { callNames }: Surroundings, report: Report): void {
  if (written === undefined || callNames?.includes("serverid") !== false) return;
  report([], 'never matches, because no call has a serverid; add one to "get_token.values"');
}
