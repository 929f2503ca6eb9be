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
  const part = <Key extends keyof FileConfig>(key: Key): FileConfig[Key] | undefined => {
    const isFaulty = shapeFaults.some(({ path }) => path[0] === key);
    return isFaulty ? undefined : (fileSchema.shape[key].parse(file[key], ONCE) as FileConfig[Key]);
  };
  const [bindings, servers, exchange] = [part("get_token"), part("nextauth"), part("webnonce_exchange")];
  const providers = Object.entries((typeof file.providers === "object" && file.providers) || {});
  const hasNextauth = file.nextauth !== undefined;
  const defaultServerid = hasNextauth && (servers?.some(({ serverid }) => serverid !== undefined) ?? true);
  const around: Surroundings = {
    hasNextauth,
    defaultServerid,
    serverids: servers?.some(({ serverids }) => serverids === undefined)
      ? undefined
      : servers?.flatMap(({ serverids = [] }) => serverids),
    callNames: bindings && [
      ...bindings.flatMap(({ values }) => Object.keys(values)),
      ...(bindings.some((binding) => sessionMode(binding, hasNextauth) === "verify") ? ["userid", "accountid"] : []),
      ...(defaultServerid ? ["serverid"] : []),
      ...(file.webnonce_exchange === undefined ? [] : EXCHANGE_NAMES),
    ],
    signing: file.signing === undefined ? null : part("signing"),
    providerNames: providers.map(([name]) => name),
  };

  checkServer(part("server"), report);
  if (bindings !== undefined) checkBindings(bindings, around, report);
  if (servers !== undefined) checkNextAuth(servers, report);
  if (exchange !== undefined) checkExchange(exchange, bindings, around, below(report, "webnonce_exchange"));
  if (around.signing) checkSigning(around.signing, report);
  for (const [name, provider] of providers) {
    const faulty = shapeFaults.filter(({ path }) => path[0] === "providers" && path[1] === name);
    const valid = Object.entries(provider ?? {}).filter(([key]) => !faulty.some(({ path }) => path[2] === key));
    // If grant_type is at fault, any other allows the rest to be checked.
    const parsed = providerSchema.safeParse({ grant_type: "unknown", ...Object.fromEntries(valid) }, ONCE);
    if (parsed.success) checkProvider(parsed.data, faulty.length === 0, around, below(report, "providers", name));
  }
  if (!shapeFaults.some(({ path }) => path[0] === "routes")) checkRoutes(part("routes"), around, report);
  if (around.callNames?.includes("serverid") === false) checkServeridUse(part("callers"), part("routes"), report);
  return found;
}

function checkServer(server: FileConfig["server"] | undefined, report: Report): void {
  if (server === undefined) return;
  const { listen, admin } = server;
  if (listen.port !== 0 && listen.port === admin.port && listen.host === admin.host) {
    report(["server", "admin"], "must differ from server.listen, because callers must not reach it");
  }
}

function checkSigning({ keys }: FileSigning, report: Report): void {
  for (const [index, { kid }] of keys.entries()) {
    if (keys.findIndex((key) => key.kid === kid) < index) {
      report(["signing", "keys", index, "kid"], "is already used by a key above; each key needs a different kid");
    }
  }
  if (!keys.some(({ use }) => use === "sign")) {
    report(["signing", "keys"], 'has no key that signs; remove "use: verify" from one of the keys');
  }
}

function checkRoutes(routes: FileConfig["routes"], around: Surroundings, report: Report): void {
  if (routes === undefined) {
    if (around.providerNames.length > 1)
      report(["routes"], "is missing; with several providers, it says which one a call uses");
    return;
  }
  for (const [index, { serverid, provider }] of routes.entries()) {
    checkProviderName(provider, around, below(report, "routes", index, "provider"));
    const above = routes.slice(0, index);
    if (above.some((route) => route.serverid === undefined || route.serverid === serverid)) {
      report(
        ["routes", index],
        "is unreachable, because a route above matches the same calls; move it up or remove it",
      );
    }
  }
}

/** Without a serverid in any call, what depends on one never matches. */
function checkServeridUse(
  callers: FileConfig["callers"] = {},
  routes: FileConfig["routes"] = [],
  report: Report,
): void {
  const message = 'never matches, because no call has a serverid; add one to "get_token.values"';
  for (const [name, { serverids }] of Object.entries(callers)) {
    if (serverids !== undefined) report(["callers", name, "serverids"], message);
  }
  for (const [index, { serverid }] of routes.entries()) {
    if (serverid !== undefined) report(["routes", index, "serverid"], message);
  }
}
