// What the shape of a provider cannot say: keys that need or exclude each other.

import { HEADER_VALUE } from "../core/headers.ts";
import {
  credentialOf,
  HMAC_ALGORITHMS,
  type HmacAlgorithm,
  type TokenEndpointAuthMethod,
} from "../oauth/client-authentication.ts";
import { TOKEN_EXCHANGE } from "../oauth/grants.ts";
import { JWT_PREFIX, jwtsNeeded } from "../oauth/template-names.ts";
import { checkTls } from "./check.ts";
import { checkTemplates, type Surroundings } from "./check-templates.ts";
import { fault, type PathFault } from "./faults.ts";
import type { PathOf } from "./position.ts";
import type { FileProvider } from "./schema-provider.ts";

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
  "user-agent",
]);

/** @param whole whether these are all its keys; without the faulty ones, what seems to lack may only be misspelt */
export function checkProvider(name: string, provider: FileProvider, whole: boolean, around: Surroundings): PathFault[] {
  const path = (...rest: (string | number)[]) => ["providers", name, ...rest];
  return [
    ...(whole ? [...checkEndpoint(provider, path), ...checkClient(provider, path, around)] : []),
    ...checkRequest(provider, path),
    ...checkJwts(provider, path, whole, around),
    ...checkTemplates(provider, path, around),
  ];
}

function checkEndpoint(provider: FileProvider, path: PathOf): PathFault[] {
  const { issuer, token_endpoint, discovery, timeout, connect_timeout } = provider;
  const faults: PathFault[] = [];
  const discovers = discovery !== undefined && discovery !== "none";
  if (issuer === undefined && token_endpoint === undefined) {
    faults.push(fault(path(), "needs issuer (its token endpoint is then discovered) or token_endpoint"));
    if (discovers) faults.push(fault(path("discovery"), "needs issuer"));
  }
  if (token_endpoint !== undefined && discovers) {
    faults.push(fault(path("discovery"), "is not needed beside token_endpoint: remove one of the two"));
  }
  if (token_endpoint === undefined && discovery === "none") {
    faults.push(fault(path("discovery"), "is none, so token_endpoint must be given"));
  }
  if (connect_timeout !== undefined && connect_timeout > timeout) {
    faults.push(fault(path("connect_timeout"), "must not be longer than timeout, which covers it"));
  }
  return faults;
}

/** The registered default of RFC 7591 §2 wherever there is a secret. */
export function authMethod(provider: FileProvider): TokenEndpointAuthMethod {
  return provider.token_endpoint_auth_method ?? "client_secret_basic";
}

function checkClient(provider: FileProvider, path: PathOf, { signing }: Surroundings): PathFault[] {
  const { client_id, client_secret, client_key, client_assertion, tls, token_endpoint_auth_method } = provider;
  const faults: PathFault[] = [];
  if (token_endpoint_auth_method === undefined && client_secret === undefined) {
    faults.push(fault(path(), "needs client_secret, or a token_endpoint_auth_method that does without one"));
    if (client_id === undefined) faults.push(fault(path(), "needs client_id"));
    return faults;
  }
  const method = authMethod(provider);
  const credential = credentialOf(method);
  const unused = (key: string) =>
    faults.push(fault(path(key), `is not used by ${method}: remove one of the two`, "key"));
  const lacks = (what: string) =>
    faults.push(fault(path("token_endpoint_auth_method"), `is ${method}, which needs ${what}`));

  if (credential !== "secret" && client_secret !== undefined) unused("client_secret");
  if (credential !== "key" && client_key !== undefined) unused("client_key");
  if (credential === "secret" && client_secret === undefined) lacks("client_secret");
  if (credential === "key" && client_key === undefined && signing === null) lacks("client_key or signing.keys");
  if (credential === "certificate" && tls?.certificate === undefined && tls?.binding === undefined) {
    lacks("tls.certificate and tls.private_key (on Workers: tls.binding)");
  }
  if (tls !== undefined) faults.push(...checkTls(tls, (...rest) => path("tls", ...rest)));
  if (method !== "none" && client_id === undefined) faults.push(fault(path(), "needs client_id"));
  if (method === "client_secret_basic_raw" && client_id?.includes(":")) {
    faults.push(
      fault(
        path("client_id"),
        "has a colon, which cannot be told from the one before the secret: use client_secret_basic",
      ),
    );
  }
  if (client_assertion !== undefined) {
    if (method !== "private_key_jwt" && method !== "client_secret_jwt") unused("client_assertion");
    else faults.push(...checkAssertionAlg(provider, method, path, signing));
  }
  return faults;
}

function checkAssertionAlg(
  { client_assertion, client_key }: FileProvider,
  method: "private_key_jwt" | "client_secret_jwt",
  path: PathOf,
  signing: Surroundings["signing"],
): PathFault[] {
  const alg = client_assertion?.alg;
  const at = path("client_assertion", "alg");
  if (alg === undefined) return [];
  const isHmac = HMAC_ALGORITHMS.includes(alg as HmacAlgorithm);
  if (method === "client_secret_jwt")
    return isHmac ? [] : [fault(at, `must be one of ${HMAC_ALGORITHMS.join(", ")} for ${method}`)];
  if (isHmac) return [fault(at, `is for client_secret_jwt: ${method} signs with a private key`)];
  const keys = client_key ?? signing?.keys.filter(({ use }) => use === "sign");
  if (keys === undefined || keys.some((key) => key.alg === alg)) return [];
  return [
    fault(at, `is ${alg}, but there is no such key under ${client_key === undefined ? "signing.keys" : "client_key"}`),
  ];
}

function checkRequest(provider: FileProvider, path: PathOf): PathFault[] {
  const faults: PathFault[] = [];
  const { params } = provider;
  for (const name of Object.keys(params)) {
    const own = Object.hasOwn(RESERVED_PARAMS, name) ? RESERVED_PARAMS[name] : undefined;
    if (own !== undefined) faults.push(fault(path("params", name), `is set by ${own}`, "key"));
  }
  if (provider.grant_type === TOKEN_EXCHANGE) {
    for (const token of ["subject_token", "actor_token"]) {
      if (params[token] !== undefined && params[`${token}_type`] === undefined) {
        faults.push(fault(path("params", token), `needs "params.${token}_type" beside it (RFC 8693 §2.1)`, "key"));
      }
    }
  }
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(provider.headers)) {
    const lower = name.toLowerCase();
    if (RESERVED_HEADERS.has(lower)) {
      faults.push(fault(path("headers", name), "is a header that this proxy sets itself", "key"));
    }
    if (typeof value === "string" && !HEADER_VALUE.test(value.replaceAll(/\{\{.*?\}\}/g, "x"))) {
      faults.push(fault(path("headers", name), "must be visible ASCII, with spaces only inside"));
    }
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

function checkJwts(provider: FileProvider, path: PathOf, whole: boolean, { signing }: Surroundings): PathFault[] {
  const faults: PathFault[] = [];
  const needed = jwtsNeeded(provider);
  for (const [name, { kid }] of Object.entries(provider.jwt)) {
    if (whole && !needed.includes(name)) {
      faults.push(
        fault(path("jwt", name), `is used nowhere: write {{${JWT_PREFIX}${name}}} in params or headers`, "key"),
      );
    }
    const signs = signing?.keys.some((key) => key.kid === kid && key.use === "sign") ?? true;
    if (kid !== undefined && !signs)
      faults.push(fault(path("jwt", name, "kid"), "names no key under signing.keys that signs"));
  }
  if (needed.length > 0 && signing === null) {
    faults.push(fault(path("grant_type"), `sends a JWT that this proxy signs, which needs "signing"`));
  }
  return faults;
}
