// What the shape of a provider cannot say: keys that need or exclude each other, and templates whose names must exist.

import {
  credentialOf,
  HMAC_ALGORITHMS,
  type HmacAlgorithm,
  type TokenEndpointAuthMethod,
} from "../oauth/client-authentication.ts";
import { TOKEN_EXCHANGE, templatesOf, USER_JWT, withDefaults } from "../oauth/grants.ts";
import { jsonTemplateNames } from "../oauth/json-template.ts";
import { JWT_TEMPLATE_NAMES } from "../oauth/jwt.ts";
import { parseTemplate } from "../oauth/template.ts";
import { effectiveParams, HEADER_VALUE } from "../oauth/token-request.ts";
import { JWT_PREFIX, jwtsNeeded, OWN_NAMES } from "../oauth/values.ts";
import { fault, type PathFault } from "./faults.ts";
import type { Path } from "./position.ts";
import type { FileProvider, FileSigning } from "./schema.ts";
import { suggestion } from "./suggestion.ts";

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

/** What of the rest of the file a provider depends on; undefined where that part is at fault itself. */
export interface Surroundings {
  /** The names under get_token.values. */
  callNames: readonly string[] | undefined;
  /** Null where the file has none. */
  signing: FileSigning | null | undefined;
}

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

type PathOf = (...rest: (string | number)[]) => Path;

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
  if (tls !== undefined) faults.push(...checkTls(tls, path));
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

function checkTls(
  { certificate, private_key, binding, ca }: NonNullable<FileProvider["tls"]>,
  path: PathOf,
): PathFault[] {
  if (binding !== undefined && (certificate ?? private_key ?? ca) !== undefined) {
    return [fault(path("tls", "binding"), "holds certificate and key itself, on Workers: remove the others or it")];
  }
  if ((certificate === undefined) !== (private_key === undefined)) {
    return [fault(path("tls"), "needs both certificate and private_key, or neither")];
  }
  return [];
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

function checkTemplates(provider: FileProvider, path: PathOf, { callNames, signing }: Surroundings): PathFault[] {
  const common = [...OWN_NAMES, ...(callNames ?? [])];
  const jwtNames = [...new Set([USER_JWT, ...Object.keys(provider.jwt)])].map((name) => JWT_PREFIX + name);

  return placesOf(provider, path).flatMap(({ at, names, beside }) => {
    const own = { jwt: JWT_TEMPLATE_NAMES, request: jwtNames, nothing: [] }[beside];
    const known: string[] = [...common, ...own];
    return names.flatMap((name) => {
      if (name === "issuer" && provider.issuer === undefined)
        return [fault(at, "uses {{issuer}}, but there is no issuer")];
      if (name === "client_id" && provider.client_id === undefined) {
        return [fault(at, "uses {{client_id}}, but there is no client_id")];
      }
      if (name === "signing_issuer" && signing !== undefined && signing?.issuer === undefined) {
        return [fault(at, "uses {{signing_issuer}}, but there is no signing.issuer")];
      }
      if (name === "signing.kid" && signing === null)
        return [fault(at, "uses {{signing.kid}}, but there is no signing")];
      if (known.includes(name)) return [];
      if (name.startsWith(JWT_PREFIX)) {
        if (beside !== "request") return [fault(at, `uses {{${name}}}, but a JWT stands in params and headers alone`)];
        return [fault(at, `uses {{${name}}}, which "jwt" does not have${suggestion(name, jwtNames)}`)];
      }
      if (callNames === undefined) return [];
      const cure = suggestion(name, known) || ": add it under get_token.values";
      return [fault(at, `uses {{${name}}}, which no value of the call has${cure}`)];
    });
  });
}

interface Place {
  at: Path;
  names: readonly string[];
  /** Which names are known there beside the common ones: iat and exp in a JWT, `jwt.NAME` in a parameter or header. */
  beside: "jwt" | "request" | "nothing";
}

/** Every place of a provider where templates stand; what is implied stands at the key that implies it. */
function placesOf(provider: FileProvider, path: PathOf): Place[] {
  const places: Place[] = [];
  const add = (at: Path, text: string) => places.push({ at, names: parseTemplate(text).names, beside: "request" });
  const addPlain = (at: Path, text: string) => places.push({ at, names: parseTemplate(text).names, beside: "nothing" });
  for (const [name, param] of Object.entries(effectiveParams(provider))) {
    for (const [index, text] of templatesOf(param).entries()) {
      if (name === "scope") add(path("scope"), text);
      else if (provider.params[name] === undefined) add(path("grant_type"), text);
      else add(typeof param === "string" ? path("params", name) : path("params", name, index), text);
    }
  }
  for (const [name, header] of Object.entries(provider.headers)) {
    for (const text of templatesOf(header)) add(path("headers", name), text);
  }
  if (provider.client_assertion?.aud !== undefined)
    addPlain(path("client_assertion", "aud"), provider.client_assertion.aud);
  for (const part of ["header", "claims"] as const) {
    for (const [member, value] of Object.entries(provider.client_assertion?.[part] ?? {})) {
      places.push({ at: path("client_assertion", part, member), names: jsonTemplateNames(value), beside: "jwt" });
    }
  }
  if (provider.expect_subject !== undefined) addPlain(path("expect_subject"), provider.expect_subject.equals);

  for (const name of jwtsNeeded(provider)) {
    const written = provider.jwt[name];
    if (written === undefined && name !== USER_JWT) continue;
    const { header, claims } = withDefaults(written ?? {}, provider.issuer !== undefined);
    for (const [part, members] of Object.entries({ header, claims })) {
      for (const [member, value] of Object.entries(members)) {
        const isWritten = written?.[part as "header" | "claims"]?.[member] !== undefined;
        const at = isWritten
          ? path("jwt", name, part, member)
          : written === undefined
            ? path("grant_type")
            : path("jwt", name);
        places.push({ at, names: jsonTemplateNames(value), beside: "jwt" });
      }
    }
  }
  return places;
}
