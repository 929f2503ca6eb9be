// Rules for the bindings of getToken, the nextAuth Servers and the webNonce exchange.

import { covers, isRequired, pathParameters, type SessionMode } from "../nextauth/binding.ts";
import { isNextAuthName, NEXTAUTH_RULES } from "../nextauth/values.ts";
import { ATTRIBUTE_PREFIX, callNamesOfChain } from "../oauth/template-names.ts";
import { JWT_TEMPLATE_NAMES, OWN_NAMES } from "../oauth/template-rules.ts";
import type { Surroundings } from "./check-templates.ts";
import type { Config } from "./complete.ts";
import { below, type Path, type Report, suggestion } from "./faults.ts";
import type { FileBinding, FileBoundValue, FileExchange } from "./schema-nextauth.ts";

/** Where a Worker answers health checks; on Node the admin listener does. */
export const HEALTH_PATH = "/healthz";

/** Headers with credentials of the caller, which no template may pass on. */
export const CREDENTIAL_HEADERS = ["x-apikey", "proxy-authorization", "cookie"];

/** What a webNonce and its session provide. */
export const EXCHANGE_NAMES = ["serverid", "nonce", "userid", "accountid"];

/** A file must say that it trusts callers: a stolen API key then gets tokens for any user. */
const WITHOUT_NEXTAUTH =
  'is verify, the default, which needs "nextauth", the server that confirms each session; add it, or write ' +
  '"session: trust" to believe callers: anyone with an API key can then get a token for any user';

const RESERVED_NAMES: readonly string[] = [...OWN_NAMES, ...JWT_TEMPLATE_NAMES];

/** Everything under get_token, nextauth and webnonce_exchange. */
export function checkNextAuth(around: Surroundings, report: Report): void {
  checkBindings(around, report);
  checkServers(around, report);
  around.exchanges?.forEach((exchange, index) => {
    checkExchange(exchange, index, around, below(report, "webnonce_exchange", index));
  });
}

function checkBindings(around: Surroundings, reportAll: Report): void {
  const { bindings = [] } = around;
  for (const [index, binding] of bindings.entries()) {
    const report = below(reportAll, "get_token", index);
    // A path may have one binding for each method. Requests are matched by path first.
    const above = bindings.findIndex(
      ({ path, method }, other) =>
        other < index && (path === binding.path ? method === binding.method : covers(path, binding.path)),
    );
    if (above !== -1) {
      report(["path"], `is unreachable, because get_token[${above}] matches the same calls; move it up or remove it`);
    }
    checkPath(binding.path, below(report, "path"));
    checkSession(binding, around, report);
    if (binding.provider !== undefined) checkProviderName(binding.provider, around, below(report, "provider"));
    for (const [name, value] of Object.entries(binding.values)) {
      checkValue(name, value, binding.session, below(report, "values", name));
      checkSources(binding, value, below(report, "values", name, "from"));
    }
    const inBody = Object.entries(binding.values).filter(([, { from }]) =>
      from.some((source) => /body|form/.test(source.in)),
    );
    if (binding.method === "GET" && inBody.length > 0) {
      const names = inBody.map(([name]) => name).join(", ");
      report(["method"], `is GET, which has no body, but values reads ${names} from it; use query:, header: or path:`);
    }
  }
}

function checkPath(path: string, report: Report): void {
  const names = [...path.matchAll(/\{(.+?)\}/g)].map(([, name]) => name);
  if (new Set(names).size < names.length) report([], "uses a segment name twice; give each segment a different name");
  if (/\/\.\.?(?:\/|$)/.test(path)) report([], 'must not have a segment "." or "..", which clients and proxies remove');
  if (path === HEALTH_PATH || path.includes("/.well-known/")) {
    report([], `must not be ${HEALTH_PATH} or contain /.well-known/, which have other uses`);
  }
}

function checkSession({ session, values }: FileBinding, around: Surroundings, report: Report): void {
  const { userid, nonce, serverid } = values;
  if (session === "trust") {
    if (userid === undefined) report(["values"], "must contain userid, the user to get a token for");
    return;
  }
  if (!around.hasNextauth) report(["session"], WITHOUT_NEXTAUTH);
  if (nonce === undefined) report(["values"], "must contain nonce, the session to verify");
  if (serverid === undefined && !around.defaultServerid) {
    report(["values"], 'must contain serverid, unless "nextauth.serverid" sets a default');
  }
}

function checkValue(name: string, value: FileBoundValue, session: SessionMode, report: Report): void {
  const { type, max_length, required } = value;
  if (RESERVED_NAMES.includes(name)) report([], "is a built-in name of templates; choose another", "key");
  const rule = isNextAuthName(name) ? NEXTAUTH_RULES[name].type : undefined;
  if (rule !== undefined && type !== undefined && type !== rule) {
    report(["type"], `must be ${rule}, the type of nextAuth's ${name}`);
  }
  if (max_length !== undefined && (type ?? rule) === "integer") {
    report(["max_length"], "is only for text; an integer has at most 16 digits");
  }
  if (required === false && isRequired(name, session)) {
    report(["required"], `must not be false; with session: ${session}, every call needs a ${name}`);
  }
}

function checkSources(binding: FileBinding, { from }: FileBoundValue, report: Report): void {
  const segments = pathParameters(binding.path);
  for (const [index, source] of from.entries()) {
    if (source.in === "path" && !segments.has(source.name)) {
      report([index], `is not a segment of "get_token.path"; add {${source.name}} there`);
    }
    if (source.in === "header" && [...CREDENTIAL_HEADERS, binding.apikey_header].includes(source.name)) {
      report([index], "must not be a header with the caller's credentials");
    }
  }
}

function checkServers({ servers = [] }: Surroundings, reportAll: Report): void {
  for (const [index, server] of servers.entries()) {
    const report = below(reportAll, "nextauth", index);
    const above = servers.slice(0, index);
    const taken = above.flatMap(({ serverids = [] }) => serverids);
    const isShadowed = above.some(({ serverids }) => serverids === undefined);
    const { serverid, serverids = [] } = server;
    if (isShadowed) report([], "is unreachable, because a server above it answers for every serverid; move it up");
    for (const [place, one] of serverids.entries()) {
      if (isShadowed || ![...taken, ...serverids.slice(0, place)].includes(one)) continue;
      report(["serverids", place], "is listed above already; remove one of the two");
    }
    if (serverid !== undefined) {
      if (taken.includes(serverid)) report(["serverid"], "belongs to a server above; set the default there");
      if (above.some((other) => other.serverid !== undefined)) {
        report(["serverid"], "is a second default; only one server can have serverid");
      }
      if (server.serverids?.includes(serverid) === false) report(["serverid"], "is not in serverids; add it there");
    }
  }
}

function checkExchange(exchange: FileExchange, index: number, around: Surroundings, report: Report): void {
  const { path, serverid, provider } = exchange;
  checkPath(path, below(report, "path"));
  if (around.exchanges?.slice(0, index).some((above) => above.path === path)) {
    report(["path"], "is that of an exchange above; give each a different path");
  }
  if (!around.hasNextauth) {
    report([], 'needs "nextauth", the server that knows whose webNonce it is');
  } else if (serverid === undefined && !around.defaultServerid) {
    report([], 'needs a serverid, here or as "nextauth.serverid", because a webNonce does not contain one');
  } else if (serverid && around.servers?.every(({ serverids }) => serverids?.includes(serverid) === false)) {
    report(["serverid"], 'is not a serverid of any server under "nextauth"; add it there');
  }
  if (around.bindings?.some((binding) => covers(binding.path, path))) {
    report(["path"], "is unreachable, because a binding of get_token has the same path; choose another");
  }
  if (provider !== undefined) checkProviderName(provider, around, below(report, "provider"));
}

export function checkProviderName(name: string, { providerNames }: Surroundings, report: Report): void {
  if (providerNames?.includes(name) !== false) return;
  const hint = suggestion(name, providerNames) || `; the providers are ${providerNames.join(", ")}`;
  report([], `is not a provider of this file${hint}`);
}

/** Checks that each provider whose calls are known needs only what these can have. */
export function checkNamedProviders(config: Config, report: Report): void {
  const { get_token, webnonce_exchange, providers, routes, nextauth } = config;
  const check = (name: string, has: readonly string[], at: Path) => {
    for (const needed of callNamesOfChain(name, providers)) {
      if (has.includes(needed) || needed.startsWith(ATTRIBUTE_PREFIX)) continue;
      const problem = `which needs {{${needed}}}, but none of these calls has it; choose another provider`;
      report(at, `uses "providers.${name}", ${problem}`);
    }
  };
  get_token.forEach(({ provider, session, values }, index) => {
    const has = [...Object.keys(values), ...(session === "verify" ? EXCHANGE_NAMES : ["serverid"])];
    if (provider !== undefined) check(provider, has, ["get_token", index, "provider"]);
  });
  const defaultServerid = nextauth.find((server) => server.serverid !== undefined)?.serverid;
  webnonce_exchange.forEach(({ provider, serverid = defaultServerid }, index) => {
    const route = routes.find((candidate) => candidate.serverid === undefined || candidate.serverid === serverid);
    const name = provider ?? route?.provider;
    const at = ["webnonce_exchange", index];
    if (name !== undefined) check(name, EXCHANGE_NAMES, at);
    else report(at, "needs a provider, because no route matches its serverid; set provider");
  });
}
