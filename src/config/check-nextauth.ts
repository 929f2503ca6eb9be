// Rules for the bindings of getToken, the nextAuth Servers and the webNonce exchange.

import { covers, pathParameters } from "../nextauth/binding.ts";
import type { Binding, BoundValue, ExchangeSettings } from "../nextauth/settings.ts";
import { isNextAuthName, NEXTAUTH_RULES } from "../nextauth/values.ts";
import { JWT_TEMPLATE_NAMES, OWN_NAMES } from "../oauth/template-rules.ts";
import type { Surroundings } from "./check-templates.ts";
import { below, type Report } from "./faults.ts";

/** Headers with credentials of the caller, which no template may pass on. */
export const CREDENTIAL_HEADERS = ["x-apikey", "proxy-authorization", "cookie"];

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
    const isShadowed = bindings
      .slice(0, index)
      .some(({ path, method }) => (path === binding.path ? method === binding.method : covers(path, binding.path)));
    if (isShadowed) report(["path"], "is unreachable, because a binding above matches the same calls; move it up");
    checkSession(binding, around, report);
    for (const [name, value] of Object.entries(binding.values)) {
      checkValue(name, value, binding, below(report, "values", name));
    }
    const sources = Object.values(binding.values).flatMap(({ from }) => from);
    if (binding.method === "GET" && sources.some((source) => /body|form/.test(source.in))) {
      report(["method"], "is GET, which has no body, but values reads from it; use query:, header: or path:");
    }
  }
}

function checkSession({ session, values }: Binding, around: Surroundings, report: Report): void {
  const { userid, nonce, serverid } = values;
  if (session === "trust") {
    if (userid === undefined) report(["values"], "must contain userid, the user to get a token for");
    return;
  }
  if (around.servers?.length === 0) report(["session"], WITHOUT_NEXTAUTH);
  if (nonce === undefined) report(["values"], "must contain nonce, the session to verify");
  if (serverid === undefined && !around.defaultServerid) {
    report(["values"], 'must contain serverid, unless "nextauth.serverid" sets a default');
  }
}

function checkValue(name: string, { type, from }: BoundValue, binding: Binding, report: Report): void {
  if (RESERVED_NAMES.includes(name)) report([], "is a built-in name of templates; choose another", "key");
  const rule = isNextAuthName(name) ? NEXTAUTH_RULES[name].type : type;
  if (type !== rule) report(["type"], `must be ${rule}, the type of nextAuth's ${name}`);
  const segments = pathParameters(binding.path);
  for (const [index, source] of from.entries()) {
    if (source.in === "path" && !segments.has(source.name)) {
      report(["from", index], `is not a segment of "get_token.path"; add {${source.name}} there`);
    }
    if (source.in === "header" && [...CREDENTIAL_HEADERS, binding.apikey_header].includes(source.name)) {
      report(["from", index], "must not be a header with the caller's credentials");
    }
  }
}

function checkServers({ servers = [] }: Surroundings, report: Report): void {
  for (const [index, { serverid, serverids }] of servers.entries()) {
    const above = servers.slice(0, index);
    const isShadowed = above.some(({ serverids: all }) => !all || serverids?.every((id) => all.includes(id)));
    if (isShadowed) {
      report(["nextauth", index], "is unreachable, because a server above answers for its serverids; move it up");
    }
    if (serverid !== undefined && serverids?.includes(serverid) === false) {
      report(["nextauth", index, "serverid"], "is not in serverids; add it there");
    }
    if (serverid !== undefined && above.some((other) => other.serverid !== undefined)) {
      report(["nextauth", index, "serverid"], "is a second default; only one server can have serverid");
    }
  }
}

function checkExchange(exchange: ExchangeSettings, index: number, around: Surroundings, report: Report): void {
  const { path, serverid } = exchange;
  if (around.exchanges?.slice(0, index).some((above) => above.path === path)) {
    report(["path"], "is that of an exchange above; give each a different path");
  }
  if (around.servers?.length === 0) {
    report([], 'needs "nextauth", the server that knows whose webNonce it is');
  } else if (serverid === undefined && !around.defaultServerid) {
    report([], 'needs a serverid, here or as "nextauth.serverid", because a webNonce does not contain one');
  } else if (serverid && around.servers?.every(({ serverids }) => serverids?.includes(serverid) === false)) {
    report(["serverid"], 'is not a serverid of any server under "nextauth"; add it there');
  }
  if (around.bindings?.some((binding) => covers(binding.path, path))) {
    report(["path"], "is unreachable, because a binding of get_token has the same path; choose another");
  }
}
