// The command `check`: checks the file, asks its servers, and with --live requests one token.

import type { Config, ProviderConfig } from "../config/complete.ts";
import { type Credentials, loadCredentials } from "../config/credentials.ts";
import { UsageError } from "../core/errors.ts";
import type { CreateTransport } from "../core/transport.ts";
import { isLoopback } from "../core/url.ts";
import type { Values } from "../core/values.ts";
import { createNextAuthServers, nextauthKey } from "../nextauth/servers.ts";
import { counted } from "../node/admin/format.ts";
import { nodeClock, nodeIds } from "../node/host.ts";
import { createNodeBulkhead } from "../node/outbound/bulkhead.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import type { Metadata } from "../oauth/discovery.ts";
import type { ProviderCredentials } from "../oauth/provider-settings.ts";
import { createProviders } from "../oauth/providers.ts";
import { chainOf } from "../oauth/template-names.ts";
import type { Exchange } from "./check-advice.ts";
import { checkCall } from "./check-call.ts";
import { checkPins, checkPublishedKeys, describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { checkLive } from "./check-live.ts";
import { checkAssertionFile, checkNextAuthServers, checkProvider, warnOfGrant } from "./check-servers.ts";
import { type CallOptions, chooseBinding, readCallOptions } from "./configuration.ts";
import { line, withDetails } from "./report.ts";

/**
 * Prints what it finds, but never secrets or tokens.
 * @returns whether nothing failed
 * @throws {UsageError | ConfigError} for wrong options and for faults in the file
 */
export async function check({ live = false, probe = false, call, ...options }: CheckOptions): Promise<boolean> {
  const { path, file, host, values } = readCallOptions(options);
  const { config } = file;
  if (live) assertLiveValues(values, config);
  else if (values.size > 0 || probe) throw new UsageError("--userid, --value and --probe need --live: add it");
  if (probe && !values.has("userid")) throw new UsageError("--probe asks for another userid: add --userid");
  if (call !== undefined) return checkCall(call, config);
  const credentials = await loadCredentials(file, host);
  const deps = {
    createTransport: createNodeTransport,
    createBulkhead: createNodeBulkhead,
    clock: nodeClock,
    ids: nodeIds,
    log: (_level: string, event: string, fields?: object) => line("  warning", withDetails(event, fields)),
  };
  // Errors do not repeat all that a provider says, so `check` listens to each, in the file's order.
  const exchanges: Exchange[] = [];
  const exchangeWith = (name = "") => exchanges[Object.keys(config.providers).indexOf(name)];
  const createTransport: CreateTransport = (settings) => {
    const send = createNodeTransport(settings);
    const exchange: Exchange = { all: exchanges };
    exchanges.push(exchange);
    return async (request) => {
      Object.assign(exchange, { request, response: undefined });
      exchange.response = await send(request);
      return exchange.response;
    };
  };
  const providers = await createProviders(config.providers, credentials.providers, { ...deps, createTransport });
  const nextauth = createNextAuthServers(config.nextauth, credentials.nextauth, deps);

  console.log(`${path}: no faults, every secret and key is there`);
  describeCertificates("server.tls", credentials.serverTls?.certificate, true);
  checkPins(config.server.tls?.pins, options.pin);
  warnOfAuthorities("server.tls.client_ca", credentials.serverTls?.ca);
  describeService(config, credentials);
  if (config.signing?.issuer !== undefined) await checkPublishedKeys(config.signing.issuer, credentials);
  let succeeded = await checkNextAuthServers(config, nextauth, credentials);
  const discovered = new Map<string, Metadata | undefined>();
  for (const [name, provider] of providers) {
    const settings = config.providers[name] as ProviderConfig;
    discovered.set(name, await checkProvider(provider, settings, credentials, exchangeWith(name) as Exchange));
    if (!(await checkAssertionFile(credentials.providers.get(name) as ProviderCredentials))) succeeded = false;
  }
  if ([...discovered.values()].includes(undefined)) succeeded = false;
  if (live) {
    const useCase = { routes: config.routes, providers, nextauth, config, credentials, exchangeWith };
    const serverid = values.get("serverid") ?? nextauth.defaultServerid;
    const completed = serverid === undefined ? values : new Map(values).set("serverid", serverid);
    const granted = await checkLive(useCase, completed, chooseBinding(config, options), probe);
    // A token proves more than the provider's list: Hydra never lists jwt-bearer.
    if (granted === undefined) succeeded = false;
    else for (const name of [granted, ...chainOf(granted, config.providers)]) discovered.delete(name);
  }
  for (const [name, metadata] of discovered) warnOfGrant(name, config.providers[name] as ProviderConfig, metadata);
  return succeeded;
}

interface CheckOptions extends CallOptions {
  live?: boolean;
  probe?: boolean;
  call?: string;
}

function describeService(config: Config, { signingKeys, proxied }: Credentials): void {
  const { server, callers, get_token, webnonce_exchange, signing, nextauth, providers } = config;
  for (const [name, { apikeys, client_certificates, serverids }] of Object.entries(callers)) {
    const counts = [counted(apikeys.length, "API key"), counted(client_certificates.length, "client certificate")];
    const proofs = counts.filter((text) => !text.startsWith("0 "));
    line("caller", `${name}: ${proofs.join(" and ")}, ${serverids?.join(", ") ?? "any serverid"}`);
  }
  const servers = [
    ...nextauth.map(({ timeout }, index) => [nextauthKey(index, nextauth.length), timeout] as const),
    ...Object.entries(providers).map(([name, { timeout }]) => [`providers.${name}`, timeout] as const),
  ];
  const describeRoute = (label: string, text: string, ms: number) => {
    line(label, `${text}, timeout: ${ms / 1_000} s`);
    const longer = servers
      .filter(([, timeout]) => timeout > ms)
      .map(([key, timeout]) => `${key}.timeout (${timeout / 1_000} s)`);
    if (longer.length > 0) line("  warning", `the whole call has less time than ${longer.join(" and ")}: shorten it`);
  };
  const to = (provider = "") => provider && `, provider: ${provider}`;
  for (const { method, path, session, provider, answer, timeout } of get_token) {
    const statuses = Object.entries(answer.statuses).map(([name, status]) => `, ${name}: ${status}`);
    const settings = `session: ${session}${to(provider)}, refusals: ${answer.refusals}${statuses.join("")}`;
    describeRoute("getToken", `${method} ${path}, ${settings}`, timeout);
  }
  for (const { path, provider, timeout } of webnonce_exchange) {
    describeRoute("webNonce exchange", `POST ${path}${to(provider)}`, timeout);
  }
  if (webnonce_exchange.length > 0 && !isLoopback(server.listen.host) && server.trusted_proxies.length === 0) {
    const cure = "if a load balancer is in front, add its address there, or all apps share one limit";
    line("  warning", `server.trusted_proxies is empty: ${cure}`);
  }
  for (const route of proxied) line("egress proxy", route);
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
