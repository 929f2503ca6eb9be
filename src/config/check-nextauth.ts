// What the shape cannot say of what faces the nextAuth Server and the apps: bindings, getSession, the webNonce exchange.

import { covers, isRequired, pathParameters, type SessionMode, sessionMode } from "../nextauth/binding.ts";
import { isNextAuthName, NEXTAUTH_RULES } from "../nextauth/values.ts";
import { JWT_TEMPLATE_NAMES } from "../oauth/jwt.ts";
import { ATTRIBUTE_PREFIX, callNamesNeeded, OWN_NAMES } from "../oauth/template-names.ts";
import { checkTls } from "./check.ts";
import type { Config } from "./complete.ts";
import { fault, type PathFault } from "./faults.ts";
import type { Path, PathOf } from "./position.ts";
import type { FileBinding, FileBoundValue, FileExchange, FileNextAuth } from "./schema-nextauth.ts";
import { suggestion } from "./suggestion.ts";

/** Where getToken must not be: a Worker answers its health there. */
export const HEALTH_PATH = "/healthz";

/** Headers that are, or by their name would be, credentials of the caller: no template may pass them on. */
const CREDENTIAL_HEADERS = new Set(["x-apikey", "proxy-authorization", "cookie"]);

/** What of `nextauth` the rest of the file depends on. */
export interface NextAuthSurroundings {
  /** Whether the file has it, at fault or not. */
  present: boolean;
  /** Whether it gives a serverid to calls that name none; true where that part is at fault. */
  defaultServerid: boolean;
  /** Those that its servers answer for; undefined where they answer for all, and where that part is at fault. */
  serverids: readonly string[] | undefined;
}

/** @param written for each binding whether the file gives its values */
export function checkBindings(
  bindings: readonly FileBinding[],
  written: readonly boolean[],
  nextauth: NextAuthSurroundings,
): PathFault[] {
  return bindings.flatMap((binding, index) => {
    const path: PathOf = (...rest) => ["get_token", index, ...rest];
    const above = bindings.slice(0, index).findIndex((other) => isShadowed(binding, other));
    return [
      ...checkPath(binding.path, path("path")),
      ...(above === -1
        ? []
        : [fault(path("path"), `is never reached: the binding at get_token[${above}] takes the same calls`)]),
      ...checkValues(binding, written[index] === true, path, nextauth),
    ];
  });
}

/** One path may have a binding for each method; another spelling of a path may have none, since a path is matched first. */
function isShadowed(binding: FileBinding, above: FileBinding): boolean {
  if (above.path === binding.path) return above.method === binding.method;
  return covers(above.path, binding.path);
}

function checkPath(written: string, at: Path): PathFault[] {
  const faults: PathFault[] = [];
  const names = [...written.matchAll(/\{(.+?)\}/g)].map(([, name]) => name);
  if (new Set(names).size < names.length) faults.push(fault(at, "names a segment twice"));
  if (/\/\.\.?(?:\/|$)/.test(written)) {
    faults.push(fault(at, 'has a segment "." or "..", which clients and proxies take away'));
  }
  if (written === HEALTH_PATH || written.includes("/.well-known/")) {
    faults.push(fault(at, `must not be ${HEALTH_PATH} or below /.well-known, where other answers stand`));
  }
  return faults;
}

function checkValues(
  binding: FileBinding,
  written: boolean,
  path: PathOf,
  nextauth: NextAuthSurroundings,
): PathFault[] {
  if (binding.method === "GET" && !written) {
    return [fault(path("method"), 'is GET, which has no body: say in "get_token.values" where the values stand')];
  }
  const { values } = binding;
  const session = sessionMode(binding, nextauth.present);
  const faults: PathFault[] = [];
  if (session === "trust" && values.userid === undefined) {
    faults.push(
      fault(path("values"), "must say where the userid stands: without it there is nobody to get a token for"),
    );
  }
  if (session === "verify") {
    if (!nextauth.present) {
      faults.push(fault(path("session"), 'is verify, which needs "nextauth": the nextAuth Server that is asked'));
    }
    if (values.nonce === undefined) {
      faults.push(fault(path("values"), "must say where the nonce stands: the session check is about it"));
    }
    if (values.serverid === undefined && !nextauth.defaultServerid) {
      faults.push(fault(path("values"), 'must say where the serverid stands, or "nextauth.serverid" which one it is'));
    }
  }
  const segments = pathParameters(binding.path);
  for (const [name, value] of Object.entries(values)) {
    faults.push(...checkValue(name, value, session, (...rest) => path("values", name, ...rest)));
    for (const [index, source] of value.from.entries()) {
      const at = path("values", name, "from", index);
      if (source.in === "path" && !segments.has(source.name)) {
        faults.push(fault(at, `names a segment that "get_token.path" does not have: write {${source.name}} there`));
      }
      if (source.in === "header" && (source.name === binding.apikey_header || CREDENTIAL_HEADERS.has(source.name))) {
        faults.push(fault(at, "names a header that carries credentials of the caller"));
      }
      if (binding.method === "GET" && (source.in === "body" || source.in === "form")) {
        faults.push(fault(at, "looks into a body, which a GET does not have"));
      }
    }
  }
  return faults;
}

function checkValue(name: string, { type, max_length, required }: FileBoundValue, session: SessionMode, at: PathOf) {
  const faults: PathFault[] = [];
  const taken: readonly string[] = [...OWN_NAMES, ...JWT_TEMPLATE_NAMES];
  if (taken.includes(name)) {
    faults.push(fault(at(), "is a name that templates have already: choose another", "key"));
  }
  const own = isNextAuthName(name) ? NEXTAUTH_RULES[name].type : undefined;
  if (own !== undefined && type !== undefined && type !== own) {
    faults.push(fault(at("type"), `must be ${own}: that is what nextAuth's ${name} is`));
  }
  if (max_length !== undefined && (type ?? own) === "integer") {
    faults.push(fault(at("max_length"), "is for text: an integer has 16 digits at most"));
  }
  if (required === false && isRequired(name, session)) {
    faults.push(fault(at("required"), `must not be false: a call without the ${name} is about nobody`));
  }
  return faults;
}

export function checkNextAuth(servers: readonly FileNextAuth[]): PathFault[] {
  const faults: PathFault[] = [];
  const seen = new Set<string>();
  let catchAll = false;
  let defaults = 0;
  for (const [index, { serverid, serverids, timeout, connect_timeout, tls }] of servers.entries()) {
    const at: PathOf = (...rest) => ["nextauth", index, ...rest];
    if (catchAll) faults.push(fault(at(), "is never reached: one above it answers for every serverid"));
    if (serverid !== undefined && seen.has(serverid)) {
      faults.push(fault(at("serverid"), "is one that a server above it answers for: name it there"));
    }
    for (const [place, taken] of (serverids ?? []).entries()) {
      if (seen.has(taken) && !catchAll) {
        faults.push(fault(at("serverids", place), "is never reached: one above it answers for this serverid"));
      }
      seen.add(taken);
    }
    if (serverids === undefined) catchAll = true;
    if (serverid !== undefined) {
      defaults += 1;
      if (defaults > 1) faults.push(fault(at("serverid"), "stands above already: a call can have one default alone"));
      if (serverids?.includes(serverid) === false) {
        faults.push(fault(at("serverid"), "is not among the serverids that this server answers for"));
      }
    }
    if (connect_timeout !== undefined && connect_timeout > timeout) {
      faults.push(fault(at("connect_timeout"), "must not be longer than timeout, which covers it"));
    }
    if (tls !== undefined) faults.push(...checkTls(tls, (...rest) => at("tls", ...rest)));
  }
  return faults;
}

/** @param bindingPaths of getToken; undefined where that part is at fault itself */
export function checkExchange(
  exchange: FileExchange,
  nextauth: NextAuthSurroundings,
  bindingPaths: readonly string[] | undefined,
  providerNames: readonly string[],
): PathFault[] {
  const at: PathOf = (...rest) => ["webnonce_exchange", ...rest];
  const faults = checkPath(exchange.path, at("path"));
  if (!nextauth.present) {
    faults.push(fault(at(), 'needs "nextauth": the nextAuth Server that says whose webNonce it is', "key"));
  } else if (exchange.serverid === undefined && !nextauth.defaultServerid) {
    faults.push(fault(at(), 'needs a serverid, here or as "nextauth.serverid": a webNonce does not name one'));
  } else if (exchange.serverid !== undefined && nextauth.serverids?.includes(exchange.serverid) === false) {
    faults.push(fault(at("serverid"), 'is none that a server of "nextauth" answers for'));
  }
  if (bindingPaths?.some((path) => covers(path, exchange.path)) === true) {
    faults.push(fault(at("path"), "is never reached: a binding of get_token takes the same path"));
  }
  if (exchange.provider !== undefined && !providerNames.includes(exchange.provider)) {
    const hint = suggestion(exchange.provider, providerNames);
    faults.push(fault(at("provider"), `names no provider of this file${hint}`));
  }
  return faults;
}

/** What a webNonce and its session give; whatever else a provider needs, no exchange has. */
const EXCHANGE_NAMES = ["serverid", "nonce", "userid", "accountid"];

/** @returns a fault where the provider of the exchange needs a value that only calls of getToken have */
export function checkExchangeNames({ webnonce_exchange: exchange, providers, routes, nextauth }: Config): PathFault[] {
  if (exchange === undefined) return [];
  const serverid = exchange.serverid ?? nextauth.find((server) => server.serverid !== undefined)?.serverid;
  const route = routes.find((candidate) => candidate.serverid === undefined || candidate.serverid === serverid);
  const name = exchange.provider ?? route?.provider;
  if (name === undefined) {
    return [fault(["webnonce_exchange"], "needs a provider, since no route takes its serverid", "key")];
  }
  return callNamesNeeded(providers[name] as Config["providers"][string])
    .filter((needed) => !EXCHANGE_NAMES.includes(needed) && !needed.startsWith(ATTRIBUTE_PREFIX))
    .map((needed) =>
      fault(
        ["webnonce_exchange"],
        `goes to "providers.${name}", which needs {{${needed}}}: no webNonce has that`,
        "key",
      ),
    );
}

/** @returns a fault for every place that goes by the serverid of a call, for calls that never have one */
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
