// What the shape of the file cannot say: keys that need or exclude each other, and names that must exist.

import { fault, type PathFault } from "./faults.ts";
import type { PathOf } from "./position.ts";
import type { FileConfig } from "./schema.ts";
import type { FileSigning, TlsSettings } from "./schema-provider.ts";
import { suggestion } from "./suggestion.ts";

export function checkSigning(signing: FileSigning): PathFault[] {
  const faults: PathFault[] = [];
  const seen = new Set<string>();
  for (const [index, { kid }] of signing.keys.entries()) {
    if (seen.has(kid))
      faults.push(fault(["signing", "keys", index, "kid"], "stands twice: who verifies could not tell the keys apart"));
    seen.add(kid);
  }
  if (!signing.keys.some(({ use }) => use === "sign")) {
    faults.push(fault(["signing", "keys"], "holds no key that signs: leave use: verify away from the one that shall"));
  }
  return faults;
}

/** @param path of the `tls` part */
export function checkTls({ certificate, private_key, binding, ca }: TlsSettings, path: PathOf): PathFault[] {
  if (binding !== undefined && (certificate ?? private_key ?? ca) !== undefined) {
    return [fault(path("binding"), "holds certificate and key itself, on Workers: remove the others or it")];
  }
  if ((certificate === undefined) !== (private_key === undefined)) {
    return [fault(path(), "needs both certificate and private_key, or neither")];
  }
  return [];
}

/** @param providerNames every provider of the file, at fault or not */
export function checkRoutes(routes: FileConfig["routes"], providerNames: string[]): PathFault[] {
  if (routes === undefined) {
    if (providerNames.length < 2) return [];
    return [fault(["routes"], "is missing: with several providers it says which one a call goes to")];
  }
  const faults: PathFault[] = [];
  const seen = new Set<string>();
  let catchAll = false;
  for (const [index, { serverid, provider }] of routes.entries()) {
    if (!providerNames.includes(provider)) {
      faults.push(
        fault(["routes", index, "provider"], `names no provider of this file${suggestion(provider, providerNames)}`),
      );
    }
    if (catchAll || (serverid !== undefined && seen.has(serverid))) {
      faults.push(fault(["routes", index], "is never reached: a route above it takes the same calls"));
    }
    if (serverid === undefined) catchAll = true;
    else seen.add(serverid);
  }
  return faults;
}

export function checkServer(server: FileConfig["server"]): PathFault[] {
  const { listen, admin } = server;
  if (listen.port !== 0 && listen.port === admin.port && listen.host === admin.host) {
    return [fault(["server", "admin"], "must differ from listen: the admin listener is not for callers")];
  }
  return [];
}
