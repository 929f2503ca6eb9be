// The command `check`: checks the file, asks its servers, and with --live requests one token.

import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Config, ProviderConfig } from "../config/complete.ts";
import { type Credentials, loadCredentials } from "../config/credentials.ts";
import { startCallTime } from "../core/call-time.ts";
import { UsageError } from "../core/errors.ts";
import { createTracer, startTrace } from "../core/trace.ts";
import { isLoopback } from "../core/url.ts";
import type { Values } from "../core/values.ts";
import { getToken, type UseCase } from "../get-token.ts";
import type { Binding } from "../nextauth/binding.ts";
import { createNextAuthServers } from "../nextauth/servers.ts";
import { counted } from "../node/admin/format.ts";
import { nodeClock, nodeIds } from "../node/host.ts";
import { createNodeBulkhead } from "../node/outbound/bulkhead.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import { findToken } from "../oauth/describe-token.ts";
import { createProviders } from "../oauth/provider.ts";
import { checkCall } from "./check-call.ts";
import { checkPins, describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { adviseExpectSubject, checkNextAuthServers, checkProvider } from "./check-servers.ts";
import { type CallOptions, chooseBinding, readCallOptions } from "./configuration.ts";
import { attempt, line, withDetails } from "./report.ts";

type CheckOptions = CallOptions & { live?: boolean; call?: string };

/**
 * Prints what it finds, but never secrets or tokens.
 * @returns whether nothing failed
 * @throws {UsageError | ConfigError} for wrong options and for faults in the file
 */
export async function check({ live = false, call, ...options }: CheckOptions): Promise<boolean> {
  const { path, file, host, values } = readCallOptions(options);
  const { config } = file;
  if (live) assertLiveValues(values, config);
  else if (values.size > 0) throw new UsageError("--userid and --value are for a token request: add --live");
  if (call !== undefined) return checkCall(call, config);
  const credentials = await loadCredentials(file, host);
  const deps = {
    createTransport: createNodeTransport,
    createBulkhead: createNodeBulkhead,
    clock: nodeClock,
    ids: nodeIds,
    log: (_level: string, event: string, fields?: object) => line("  warning", withDetails(event, fields)),
  };
  const providers = createProviders(config.providers, credentials.providers, deps);
  const nextauth = createNextAuthServers(config.nextauth, credentials.nextauth, deps);

  console.log(`${path}: no faults, every secret and key is there`);
  describeCertificates("server.tls", credentials.serverTls?.certificate, true);
  checkPins(config.server.tls?.pins, options.pin);
  warnOfAuthorities("server.tls.client_ca", credentials.serverTls?.client_ca);
  describeService(config, credentials);
  let succeeded = await checkNextAuthServers(config, nextauth, credentials);
  for (const [name, provider] of providers) {
    succeeded = (await checkProvider(provider, config.providers[name] as ProviderConfig, credentials)) && succeeded;
  }
  if (live) {
    const useCase = { routes: config.routes, providers, nextauth };
    const serverid = values.get("serverid") ?? nextauth.defaultServerid;
    const completed = serverid === undefined ? values : new Map(values).set("serverid", serverid);
    succeeded = (await requestToken(useCase, completed, config, chooseBinding(config, options))) && succeeded;
  }
  return succeeded;
}

function describeService(config: Config, { signingKeys, proxied }: Credentials): void {
  const { server, callers, get_token, webnonce_exchange, signing, nextauth, providers } = config;
  for (const [name, { apikeys, client_certificates, serverids }] of Object.entries(callers)) {
    const counts = [counted(apikeys.length, "API key"), counted(client_certificates.length, "client certificate")];
    const proofs = counts.filter((text) => !text.startsWith("0 "));
    line("caller", `${name}: ${proofs.join(" and ")}, ${serverids?.join(", ") ?? "any serverid"}`);
  }
  const longest = Math.max(...[...nextauth, ...Object.values(providers)].map((server) => server.timeout)) / 1_000;
  const describeRoute = (label: string, text: string, seconds: number) => {
    line(label, `${text}, timeout: ${seconds} s`);
    if (longest <= seconds) return;
    line("  warning", `a timeout under nextauth or providers is longer (${longest} s): shorten it, or raise this one`);
  };
  const to = (provider = "") => provider && `, provider: ${provider}`;
  for (const { method, path, session, provider, answer, timeout } of get_token) {
    const statuses = Object.entries(answer.statuses).map(([name, status]) => `, ${name}: ${status}`);
    const settings = `session: ${session}${to(provider)}, refusals: ${answer.refusals}${statuses.join("")}`;
    describeRoute("getToken", `${method} ${path}, ${settings}`, timeout / 1_000);
  }
  for (const { path, provider, timeout } of webnonce_exchange) {
    describeRoute("webNonce exchange", `POST ${path}${to(provider)}`, timeout / 1_000);
  }
  if (webnonce_exchange.length > 0 && !isLoopback(server.listen.host) && server.trusted_proxies.length === 0) {
    const cure = "if a load balancer is in front, add its address there, or all apps share one limit";
    line("  warning", `server.trusted_proxies is empty: ${cure}`);
  }
  for (const servers of proxied) line("egress proxy", servers);
  if (signing === undefined) return;
  for (const [index, { kid, alg }] of signingKeys.entries()) {
    const use = signing.keys[index]?.use === "sign" ? "signs" : "is only published";
    line(index === 0 ? "signing" : "", `${alg} ${kid}, ${use}`);
  }
  line("", signing.issuer === undefined ? "not published: no signing.issuer" : `published under ${signing.issuer}`);
}

/** Refuses values that no call can have, and a token request without a user or session. */
function assertLiveValues(values: Values, { get_token, nextauth }: Config): void {
  const bound = new Set(get_token.flatMap((binding) => Object.keys(binding.values)));
  const unknown = [...values.keys()].find((name) => !bound.has(name));
  if (unknown !== undefined) {
    throw new UsageError(`"${unknown}" is not a value under get_token.values: the file has ${[...bound].join(", ")}`);
  }
  if (values.has("userid") || (values.has("nonce") && nextauth.length > 0)) return;
  throw new UsageError(
    bound.has("userid")
      ? "--live needs the user to request a token for: add --userid"
      : "--live needs a session to request a token for: log in, and add its nonce with --value nonce=env:VARIABLE",
  );
}

/** Requests one token. Only a nonce allows a session check; without one the user is trusted. */
async function requestToken(deps: UseCase, values: Values, config: Config, binding: Binding): Promise<boolean> {
  const hasNextauth = config.nextauth.length > 0;
  const session = hasNextauth && values.has("nonce") ? "verify" : "trust";
  const { provider: named, values: rules, timeout } = binding;
  const time = startCallTime({ key: "get_token.timeout", ms: timeout }, undefined, nodeClock);
  const trace = startTrace("check", undefined, { clock: nodeClock, tracer: createTracer() });
  line("live", "one token request");
  const answer = await attempt(
    "  answer",
    () =>
      getToken(
        deps,
        { serverids: undefined },
        { values, session, useridRule: rules.userid, provider: named, trace, time },
      ),
    ({ providerStatus, body }) => `${trace.facts.provider} answered ${providerStatus} with ${body.length} bytes`,
  );
  if (answer === undefined) return false;
  if (hasNextauth) line("  session", session === "verify" ? "is logged in" : "not checked: add a nonce with --value");
  if (answer.outcome === "refused") {
    line("  FAILED", `the provider refuses this user (${answer.refusal?.error}): try another user, or look in its log`);
    return false;
  }
  const provider = config.providers[trace.facts.provider as string] as ProviderConfig;
  if (printToken(answer.body) && provider.discovery === "none") adviseExpectSubject(provider);
  return true;
}

/** Prints members and a JWT's identifying claims, never the token. @returns whether it is a JWT */
function printToken(body: Uint8Array): boolean {
  const { members, name, token } = findToken(body);
  line("  members", Object.keys(members).join(", "));
  try {
    const { alg, kid } = decodeProtectedHeader(String(token));
    const { iss, sub, aud, exp } = decodeJwt(String(token));
    line(`  ${name}`, `a JWT, ${JSON.stringify({ alg, kid, iss, sub, aud, exp })}`);
    return true;
  } catch {
    line(`  ${name}`, "not a JWT");
    return false;
  }
}
