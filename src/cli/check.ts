// The command `check`: checks the file, asks its servers, and with --live requests one token.

import { type Credentials, loadCredentials } from "../config/credentials.ts";
import type { Path } from "../config/faults.ts";
import type { Config, ProviderConfig } from "../config/parse.ts";
import { ConfigError, UsageError } from "../core/errors.ts";
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
import { callNamesOfChain, chainOf } from "../oauth/template-names.ts";
import type { Asked, Exchange } from "./check-advice.ts";
import { checkCall } from "./check-call.ts";
import { checkPins, checkPublishedKeys, describeCertificates, warnOfAuthorities } from "./check-certificates.ts";
import { checkLive } from "./check-live.ts";
import { checkProviderRisks, checkSecretFile, checkTimeout } from "./check-risks.ts";
import { checkNextAuthServers, checkProvider, warnOfGrant } from "./check-servers.ts";
import { type CallOptions, chooseBinding, readCallOptions, readEnvFile } from "./configuration.ts";
import { createReport, type Report, withDetails } from "./report.ts";

interface CheckOptions extends CallOptions {
  live?: boolean;
  probe?: boolean;
  call?: string;
  json?: boolean;
}

/**
 * Reports what it finds, but never secrets or tokens.
 * @returns whether nothing failed
 * @throws {UsageError | ConfigError} for wrong options and for faults in the file
 */
export async function check(options: CheckOptions): Promise<boolean> {
  const report = createReport(options.json === true);
  try {
    return await checkFile(options, report);
  } catch (error) {
    // The message of a bug may quote anything.
    const message = error instanceof UsageError ? error.message : "ended by a bug";
    const faults = error instanceof ConfigError ? error.faults : [{ path: "", message, excerpt: "" }];
    if (options.json)
      for (const { path, message, excerpt: _, ...place } of faults) report.part(path).fail(message, place);
    throw error;
  } finally {
    if (options.json) console.log(report.toJson());
  }
}

async function checkFile(options: CheckOptions, report: ReturnType<typeof createReport>): Promise<boolean> {
  const { live, probe = false, call, pin } = options;
  const { path, file, host, values } = readCallOptions(options);
  const { config } = file;
  if (live) assertLiveValues(values, config);
  else if (values.size > 0 || probe) throw new UsageError("--userid, --value and --probe need --live: add it");
  if (probe && !values.has("userid")) throw new UsageError("--probe asks for another userid: add --userid");
  if (call !== undefined) return checkCall(call, config, report);
  report.accepted.push(...config.check.accept);
  for (const [name, text] of Object.entries(options.envFile ? readEnvFile(options.envFile) : {})) {
    if ((process.env[name] ?? text) === text) continue;
    report.warn(`${name} comes from the environment, not from ${options.envFile}`, `unset it there to use the file's`);
  }
  const files: [path: string, at: Path][] = options.envFile ? [[options.envFile, []]] : [];
  const credentials = await loadCredentials(file, {
    ...host,
    read(reference, at = []) {
      if ("file" in reference) files.push([host.resolvePath(reference.file), at]);
      return host.read(reference, at);
    },
  });
  const deps = {
    createTransport: createNodeTransport,
    createBulkhead: createNodeBulkhead,
    clock: nodeClock,
    ids: nodeIds,
    log: (_level: string, event: string, fields: { provider?: string } = {}) =>
      report.part(`providers.${fields.provider}`).warn(withDetails(event, fields)),
  };
  // Errors do not repeat all that a provider says, so `check` listens to each, in the file's order.
  const exchanges: Exchange[] = [];
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

  report.ok(`${path}: no faults, every secret and key is there`, "");
  for (const [secret, at] of files) checkSecretFile(secret, at, report);
  describeService(config, credentials, pin, report);
  if (config.signing?.issuer !== undefined) {
    await checkPublishedKeys(config.signing.issuer, credentials, report.part("signing"));
  }
  await checkNextAuthServers(config, nextauth, credentials, report);
  const askedOf = (name: string, part = report.part(`providers.${name}`)): Asked => ({
    exchange: exchanges[Object.keys(config.providers).indexOf(name)] as Exchange,
    settings: config.providers[name] as ProviderConfig,
    credentials: credentials.providers.get(name) as ProviderCredentials,
    report: part,
  });
  const discovered = new Map<string, Metadata | undefined>();
  for (const [name, one] of providers) {
    const asked = askedOf(name, report.part(`providers.${name}`, "provider", name));
    discovered.set(name, await checkProvider(one, asked));
  }
  let granted: string | undefined;
  if (live) {
    const serverid = values.get("serverid") ?? nextauth.defaultServerid;
    const completed = serverid === undefined ? values : new Map(values).set("serverid", serverid);
    const hasNextauth = config.nextauth.length > 0;
    const useCase = { routes: config.routes, providers, nextauth, report, hasNextauth, askedOf };
    granted = await checkLive(useCase, completed, chooseBinding(config, options), probe);
  }
  const proven = granted === undefined ? [] : [granted, ...chainOf(granted, config.providers)];
  const relayed = [...config.routes, ...config.get_token, ...config.webnonce_exchange].map(({ provider }) => provider);
  for (const [name, metadata] of discovered) {
    // A token proves more than the provider's list: Hydra never lists jwt-bearer.
    if (!proven.includes(name)) warnOfGrant(askedOf(name), metadata);
    const sent = relayed.includes(name) ? callNamesOfChain(name, config.providers) : undefined;
    checkProviderRisks(askedOf(name), metadata, sent);
  }
  if (report.risks() > 0) report.ok("risks", `${report.risks()}: change the file, or list them under check.accept`);
  return report.succeeded();
}

function describeService(config: Config, credentials: Credentials, pin: string | undefined, report: Report): void {
  const { server, callers, get_token, webnonce_exchange, signing, nextauth, providers } = config;
  const { serverTls, signingKeys, proxied } = credentials;
  const ofServer = serverTls ? report.part("server.tls", "server.tls", "as callers see it") : report;
  describeCertificates(serverTls?.certificate, true, ofServer);
  checkPins(server.tls?.pins, pin, ofServer);
  warnOfAuthorities("server.tls.client_ca", serverTls?.ca, ofServer);
  for (const [name, { apikeys, client_certificates, serverids }] of Object.entries(callers)) {
    const counts = [counted(apikeys.length, "API key"), counted(client_certificates.length, "client certificate")];
    const proofs = counts.filter((text) => !text.startsWith("0 "));
    const all = `${name}: ${proofs.join(" and ")}, ${serverids?.join(", ") ?? "any serverid"}`;
    report.part(`callers.${name}`, "caller", all);
  }
  const servers = [
    ...nextauth.map(({ timeout }, index) => [nextauthKey(index, nextauth.length), timeout] as const),
    ...Object.entries(providers).map(([name, { timeout }]) => [`providers.${name}`, timeout] as const),
  ];
  const describeRoute = (key: string, label: string, text: string, ms: number) => {
    const part = report.part(key, label, `${text}, timeout: ${ms / 1_000} s`);
    const longer = servers
      .filter(([, timeout]) => timeout > ms)
      .map(([name, timeout]) => `${name}.timeout (${timeout / 1_000} s)`);
    if (longer.length > 0) part.warn(`the whole call has less time than ${longer.join(" and ")}`, "shorten it");
    checkTimeout(ms, part);
    return part;
  };
  const to = (provider = "") => provider && `, provider: ${provider}`;
  for (const { method, path, session, provider, answer, timeout } of get_token) {
    const statuses = Object.entries(answer.statuses).map(([name, status]) => `, ${name}: ${status}`);
    const settings = `session: ${session}${to(provider)}, refusals: ${answer.refusals}${statuses.join("")}`;
    const part = describeRoute("get_token", "getToken", `${method} ${path}, ${settings}`, timeout);
    if (session === "trust") part.risk("session_trust");
  }
  for (const { path, provider, timeout } of webnonce_exchange) {
    describeRoute("webnonce_exchange", "webNonce exchange", `POST ${path}${to(provider)}`, timeout);
  }
  if (webnonce_exchange.length > 0 && !isLoopback(server.listen.host) && server.trusted_proxies.length === 0) {
    const cure = "if a load balancer is in front, add its address there, or all apps share one limit";
    report.part("server.trusted_proxies").warn("it is empty", cure);
  }
  if (!isLoopback(server.listen.host) && server.tls === undefined) report.part("server.listen").risk("no_tls");
  if (/^(?:::ffff:)?[0:.]+$/.test(server.admin?.host ?? "")) report.part("server.admin").risk("admin_exposed");
  for (const route of proxied) report.ok("egress proxy", route);
  if (signing === undefined) return;
  for (const [index, { kid, alg }] of signingKeys.entries()) {
    const use = signing.keys[index]?.use === "sign" ? "signs" : "is only published";
    report.ok(index === 0 ? "signing" : "", `${alg} ${kid}, ${use}`);
  }
  report.ok(
    "",
    signing.issuer === undefined ? "not published: no signing.issuer" : `published under ${signing.issuer}`,
  );
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
