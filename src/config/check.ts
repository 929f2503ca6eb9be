// What the shape of the file cannot say: keys that need or exclude each other, and names that must exist.

import { pathParameters } from "../nextauth/binding.ts";
import { JWT_TEMPLATE_NAMES } from "../oauth/jwt.ts";
import { OWN_NAMES } from "../oauth/values.ts";
import { fault, type PathFault } from "./faults.ts";
import type { FileConfig, FileSigning } from "./schema.ts";
import { suggestion } from "./suggestion.ts";

/** Where getToken must not be: a Worker answers its health there. */
export const HEALTH_PATH = "/healthz";

/** Headers of the call that are credentials of the caller: no template may pass them on. */
const CREDENTIAL_HEADERS = new Set(["x-apikey", "authorization", "proxy-authorization", "cookie"]);

/** @param written whether the file has `values` of its own */
export function checkGetToken(binding: FileConfig["get_token"], written: boolean): PathFault[] {
  const faults: PathFault[] = [];
  const path = (...rest: (string | number)[]) => ["get_token", ...rest];
  const names = [...binding.path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name);
  if (new Set(names).size < names.length) faults.push(fault(path("path"), "names a segment twice"));
  if (binding.method === "GET" && !written) {
    return [
      ...faults,
      fault(path("method"), 'is GET, which has no body: say in "get_token.values" where the values stand'),
    ];
  }
  if (binding.path === HEALTH_PATH || binding.path.startsWith("/.well-known/")) {
    faults.push(fault(path("path"), `must not be ${HEALTH_PATH} or below /.well-known, where other answers stand`));
  }
  if (binding.values.userid === undefined) {
    faults.push(
      fault(path("values"), "must say where the userid stands: without it there is nobody to get a token for"),
    );
  }
  const segments = pathParameters(binding.path);
  const taken: readonly string[] = [...OWN_NAMES, ...JWT_TEMPLATE_NAMES];
  for (const [name, sources] of Object.entries(binding.values)) {
    if (taken.includes(name)) {
      faults.push(fault(path("values", name), "is a name that templates have already: choose another", "key"));
    }
    for (const [index, source] of sources.entries()) {
      const at = path("values", name, index);
      if (source.in === "path" && !segments.has(source.name)) {
        faults.push(fault(at, `names a segment that "get_token.path" does not have: write {${source.name}} there`));
      }
      if (source.in === "header" && CREDENTIAL_HEADERS.has(source.name)) {
        faults.push(fault(at, "names a header that carries credentials of the caller"));
      }
      if (binding.method === "GET" && (source.in === "body" || source.in === "form")) {
        faults.push(fault(at, "looks into a body, which a GET does not have"));
      }
    }
  }
  return faults;
}

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

/** @returns a fault for every place that goes by the serverid of a call, for a binding that reads none */
export function checkServeridUse(file: Record<string, unknown>): PathFault[] {
  const callers = Object.entries((file.callers ?? {}) as Record<string, { serverids?: unknown }>);
  const routes = Array.isArray(file.routes) ? (file.routes as { serverid?: unknown }[]) : [];
  const message = 'needs "get_token.values.serverid": no call would ever match';
  return [
    ...callers
      .filter(([, caller]) => caller?.serverids !== undefined)
      .map(([name]) => fault(["callers", name, "serverids"], message)),
    ...routes.flatMap((route, index) =>
      route?.serverid === undefined ? [] : [fault(["routes", index, "serverid"], message)],
    ),
  ];
}
