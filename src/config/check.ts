// What the shape of the file cannot say: keys that need or exclude each other, and names that must exist.

import { pathParameters } from "../nextauth/binding.ts";
import { needsSecret, type TokenEndpointAuthMethod } from "../oauth/client-authentication.ts";
import { requiredParams } from "../oauth/grants.ts";
import { PROVIDER_TEMPLATE_NAMES } from "../oauth/provider.ts";
import { parseTemplate } from "../oauth/template.ts";
import { effectiveParams } from "../oauth/token-request.ts";
import type { PathFault } from "./faults.ts";
import type { Path } from "./position.ts";
import type { FileConfig, FileProvider } from "./schema.ts";
import { suggestion } from "./suggestion.ts";

/** Where getToken must not be: a Worker answers its health there. */
export const HEALTH_PATH = "/healthz";

/** Parameters with a key of their own; a second way to write them would let two mechanisms into one request. */
const RESERVED_PARAMS: Readonly<Record<string, string>> = {
  grant_type: "grant_type",
  scope: "scope",
  client_id: "client_id",
  client_secret: "client_secret and token_endpoint_auth_method: client_secret_post",
  client_assertion: "token_endpoint_auth_method",
  client_assertion_type: "token_endpoint_auth_method",
};

/** Headers that the request needs for itself, or that would be a second client authentication. */
const RESERVED_HEADERS = new Set([
  "accept",
  "accept-encoding",
  "authorization",
  "connection",
  "content-encoding",
  "content-length",
  "content-type",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Headers of the call that are credentials of the caller: no template may pass them on. */
const CREDENTIAL_HEADERS = new Set(["x-apikey", "authorization", "proxy-authorization", "cookie"]);

const fault = (path: Path, message: string, at: "key" | "value" = "value"): PathFault => ({ path, message, at });

export function checkGetToken(binding: FileConfig["get_token"]): PathFault[] {
  const faults: PathFault[] = [];
  const path = (...rest: (string | number)[]) => ["get_token", ...rest];
  if (binding.path === HEALTH_PATH)
    faults.push(fault(path("path"), `must not be ${HEALTH_PATH}, which tells the health`));
  if (binding.values.userid === undefined) {
    faults.push(
      fault(path("values"), "must say where the userid stands: without it there is nobody to get a token for"),
    );
  }
  const segments = pathParameters(binding.path);
  for (const [name, sources] of Object.entries(binding.values)) {
    if ((PROVIDER_TEMPLATE_NAMES as readonly string[]).includes(name)) {
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

/**
 * @param whole whether these are all its keys; without the faulty ones, what seems to lack may only be misspelt
 * @param callNames the names under get_token.values, or undefined where they are at fault themselves
 */
export function checkProvider(
  name: string,
  provider: FileProvider,
  whole: boolean,
  callNames: string[] | undefined,
): PathFault[] {
  const path = (...rest: (string | number)[]) => ["providers", name, ...rest];
  return [
    ...(whole ? [...checkEndpoint(provider, path), ...checkClient(provider, path)] : []),
    ...checkRequest(provider, path),
    ...checkTemplates(provider, path, callNames),
  ];
}

type PathOf = (...rest: (string | number)[]) => Path;

function checkEndpoint(provider: FileProvider, path: PathOf): PathFault[] {
  const { issuer, token_endpoint, discovery, timeout, connect_timeout } = provider;
  const faults: PathFault[] = [];
  if (issuer === undefined && token_endpoint === undefined) {
    faults.push(fault(path(), "needs issuer (its token endpoint is then discovered) or token_endpoint"));
  }
  if (token_endpoint !== undefined && discovery !== undefined && discovery !== "none") {
    faults.push(fault(path("discovery"), "is not needed beside token_endpoint: remove one of the two"));
  }
  if (token_endpoint === undefined && discovery === "none") {
    faults.push(fault(path("discovery"), "is none, so token_endpoint must be given"));
  }
  if (token_endpoint === undefined && issuer === undefined && discovery !== undefined && discovery !== "none") {
    faults.push(fault(path("discovery"), "needs issuer"));
  }
  if (connect_timeout > timeout) {
    faults.push(fault(path("connect_timeout"), "must not be longer than timeout, which covers it"));
  }
  return faults;
}

function checkClient(provider: FileProvider, path: PathOf): PathFault[] {
  const { client_id, client_secret, token_endpoint_auth_method: method } = provider;
  const faults: PathFault[] = [];
  if (method === undefined && client_secret === undefined) {
    faults.push(fault(path(), "needs client_secret, or token_endpoint_auth_method: none for a public client"));
    return faults;
  }
  if (method !== undefined && needsSecret(method) && client_secret === undefined) {
    faults.push(fault(path("token_endpoint_auth_method"), "needs client_secret"));
  }
  if (method === "none" && client_secret !== undefined) {
    faults.push(
      fault(path("client_secret"), "is not used with token_endpoint_auth_method: none: remove one of the two"),
    );
  }
  if (method !== "none" && client_id === undefined) faults.push(fault(path(), "needs client_id"));
  if (method === "client_secret_basic_raw" && client_id?.includes(":")) {
    faults.push(
      fault(
        path("client_id"),
        "has a colon, which cannot be told from the one before the secret: use client_secret_basic",
      ),
    );
  }
  return faults;
}

function checkRequest(provider: FileProvider, path: PathOf): PathFault[] {
  const faults: PathFault[] = [];
  for (const name of Object.keys(provider.params)) {
    const own = Object.hasOwn(RESERVED_PARAMS, name) ? RESERVED_PARAMS[name] : undefined;
    if (own !== undefined) faults.push(fault(path("params", name), `is set by ${own}`, "key"));
  }
  const params = effectiveParams(provider);
  for (const name of requiredParams(provider.grant_type)) {
    if (params[name] === undefined) faults.push(fault(path("grant_type"), `needs "params.${name}"`));
  }
  const seen = new Set<string>();
  for (const name of Object.keys(provider.headers)) {
    const lower = name.toLowerCase();
    if (RESERVED_HEADERS.has(lower))
      faults.push(fault(path("headers", name), "is a header that this proxy sets itself", "key"));
    if (seen.has(lower)) faults.push(fault(path("headers", name), "stands twice: header names know no case", "key"));
    seen.add(lower);
  }
  for (const [index, error] of provider.proxy_errors.entries()) {
    if (provider.user_errors.includes(error)) {
      faults.push(fault(path("proxy_errors", index), "stands in user_errors too: an error is about one or the other"));
    }
  }
  return faults;
}

function checkTemplates(provider: FileProvider, path: PathOf, callNames: string[] | undefined): PathFault[] {
  const texts: [Path, string][] = [];
  if (provider.scope !== undefined) texts.push([path("scope"), provider.scope]);
  for (const [name, value] of Object.entries(provider.params)) {
    if (typeof value === "string") texts.push([path("params", name), value]);
    else texts.push(...value.map((text, index): [Path, string] => [path("params", name, index), text]));
  }
  for (const [name, text] of Object.entries(provider.headers)) texts.push([path("headers", name), text]);
  for (const [name, value] of Object.entries(effectiveParams(provider))) {
    if (provider.params[name] === undefined && name !== "scope") texts.push([path("grant_type"), String(value)]);
  }

  const known = [...PROVIDER_TEMPLATE_NAMES, ...(callNames ?? [])];
  return texts.flatMap(([at, text]) =>
    parseTemplate(text).names.flatMap((name) => {
      if (name === "issuer" && provider.issuer === undefined)
        return [fault(at, "uses {{issuer}}, but there is no issuer")];
      if (name === "client_id" && provider.client_id === undefined) {
        return [fault(at, "uses {{client_id}}, but there is no client_id")];
      }
      if (callNames === undefined || known.includes(name)) return [];
      const cure = suggestion(name, known) || ": add it under get_token.values";
      return [fault(at, `uses {{${name}}}, which no value of the call has${cure}`)];
    }),
  );
}

/** The registered default of RFC 7591 §2 wherever there is a secret. */
export function authMethod(provider: FileProvider): TokenEndpointAuthMethod {
  return provider.token_endpoint_auth_method ?? "client_secret_basic";
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
