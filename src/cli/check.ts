// The command `check`: checks the file, asks its servers, and with --live requests one token.

import { accessSync, constants, existsSync } from "node:fs";
import { dirname } from "node:path";
import { type Credentials, loadCredentials } from "../config/credentials.ts";
import type { Path } from "../config/faults.ts";
import type { Config } from "../config/parse.ts";
import { ConfigError, UsageError } from "../core/errors.ts";
import type { CreateTransport } from "../core/transport.ts";
import { createNextAuthServers } from "../nextauth/servers.ts";
import { nodeClock, nodeIds } from "../node/host.ts";
import { createNodeBulkhead } from "../node/outbound/bulkhead.ts";
import { createNodeTransport } from "../node/outbound/transport.ts";
import type { Metadata } from "../oauth/discovery.ts";
import type { ProviderCredentials, ProviderSettings } from "../oauth/provider-settings.ts";
import { createProviders } from "../oauth/providers.ts";
import { callNamesOfChain, chainOf } from "../oauth/template-names.ts";
import type { Asked, Exchange } from "./check-advice.ts";
import { checkCall } from "./check-call.ts";
import { checkPins, checkPublishedKeys, describeCertificates } from "./check-certificates.ts";
import { checkLive } from "./check-live.ts";
import { checkProviderRisks, checkSecretFile, checkServiceRisks } from "./check-risks.ts";
import { checkNextAuthServers, checkProvider, compareMetadata } from "./check-servers.ts";
import { type CallOptions, chooseBinding, readCallOptions } from "./configuration.ts";
import { createReport, listed, type Report, withDetails } from "./report.ts";

interface CheckOptions extends CallOptions {
  live?: boolean;
  probe?: boolean;
  call?: string;
  json?: boolean;
  pin?: string;
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
    const faults = error instanceof ConfigError ? error.faults : [{ path: "", line: 0, column: 0, message }];
    for (const { path, line, column, message } of options.json ? faults : []) {
      report.part(path).fail(line > 0 ? `${options.config}:${line}:${column} ${message}` : message);
    }
    throw error;
  } finally {
    if (options.json) console.log(report.toJson());
  }
}

async function checkFile(options: CheckOptions, report: ReturnType<typeof createReport>): Promise<boolean> {
  const { live, probe = false, call, pin } = options;
  const { file, host, values, overridden } = readCallOptions(options);
  const { config } = file;
  if (!live && (values.size > 0 || probe)) throw new UsageError("--userid, --value and --probe need --live: add it");
  if (live && !values.has("userid") && (probe || !values.has("nonce"))) {
    throw new UsageError("--live needs a user or a session: add --userid, or a nonce with --value nonce=env:VARIABLE");
  }
  const bound = config.get_token.flatMap((binding) => Object.keys(binding.values));
  const unknown = [...values.keys()].find((name) => name !== "serverid" && !bound.includes(name));
  if (unknown !== undefined) throw new UsageError(`"${unknown}" is not a name under get_token.values`);
  if (call !== undefined) return checkCall(call, config, report);
  // First, because it can explain a fault.
  for (const name of overridden) {
    report.warn(`${name}: the environment has another value than ${options.envFile}, and wins`, `unset ${name}`);
  }
  report.accepted.push(...config.check.accept);
  if (config.log.audit !== undefined)
    checkAppendable(host.resolvePath(config.log.audit.file), report.part("log.audit.file"));
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
  // Errors do not repeat all that a provider says, so `check` listens to each.
  const exchanges = new Map<string | undefined, Exchange>();
  const createTransport: CreateTransport = (settings) => {
    const send = createNodeTransport(settings);
    const exchange: Exchange = { all: exchanges };
    exchanges.set(settings.key, exchange);
    return async (request) => {
      Object.assign(exchange, { request, response: undefined });
      exchange.response = await send(request);
      return exchange.response;
    };
  };
  const providers = await createProviders(config.providers, credentials.providers, { ...deps, createTransport });
  const nextauth = createNextAuthServers(config.nextauth, credentials.nextauth, deps);

  report.ok(`${options.config}: no faults, every secret and key is there`, "");
  describeService(config, credentials, pin, report);
  checkServiceRisks(config, report);
  for (const [secret, at] of files) checkSecretFile(secret, at, report);
  const issuer = config.signing?.issuer;
  const keysProblem = issuer && (await checkPublishedKeys(issuer, credentials, report.part("signing")));
  await checkNextAuthServers(config, credentials.nextauth, nextauth, report);
  const askedOf = (name: string, part = report.part(`providers.${name}`)): Asked => ({
    exchange: exchanges.get(`providers.${name}`) as Exchange,
    settings: config.providers[name] as ProviderSettings,
    credentials: credentials.providers.get(name) as ProviderCredentials,
    keysProblem,
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
    const useCase = { routes: config.routes, providers, nextauth, report, askedOf };
    granted = await checkLive(useCase, completed, chooseBinding(config, options.path), probe);
  }
  const proven = granted === undefined ? [] : [granted, ...chainOf(granted, config.providers)];
  // A check of the answer does not make two users' requests different.
  const unchecked = Object.entries(config.providers).map(([name, one]) => [
    name,
    { ...one, expect_subject: undefined },
  ]);
  const requests = Object.fromEntries(unchecked);
  const relayed = [...config.routes, ...config.get_token, ...config.webnonce_exchange].map(({ provider }) => provider);
  for (const [name, metadata] of discovered) {
    compareMetadata(askedOf(name), metadata, proven.includes(name));
    const sent = relayed.includes(name) ? callNamesOfChain(name, requests) : undefined;
    checkProviderRisks(askedOf(name), metadata, sent);
  }
  if (report.hasRisks()) report.ok("risks", "change the file, or list them under check.accept");
  return report.succeeded();
}

/** As `start` opens it, but without creating it. */
function checkAppendable(path: string, report: Report): void {
  try {
    accessSync(existsSync(path) ? path : dirname(path), constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    report.fail(`${path} cannot be written (${code})`, ["name a file that the proxy's user can append to"]);
  }
}

function describeService(config: Config, credentials: Credentials, pin: string | undefined, report: Report): void {
  const { server, get_token, webnonce_exchange, signing } = config;
  const { serverTls, signingKeys, proxied } = credentials;
  const ofServer = serverTls ? report.part("server.tls", "server.tls", "as callers see it") : report;
  describeCertificates(serverTls?.certificate, true, ofServer);
  checkPins(server.tls?.pins, pin, ofServer);
  const seconds = (ms: number) => `${ms / 1_000} s`;
  for (const { values: _, answer, timeout, ...binding } of get_token) {
    const settings = { ...binding, refusals: answer.refusals, ...answer.statuses, timeout: seconds(timeout) };
    report.ok("getToken", listed(settings));
  }
  for (const { path, provider, timeout } of webnonce_exchange) {
    report.ok("webNonce exchange", listed({ path, provider, timeout: seconds(timeout) }));
  }
  for (const route of proxied) report.ok("egress proxy", route);
  for (const [index, { kid, alg }] of signingKeys.entries()) {
    report.ok("signing", `${alg} ${kid}, ${signing?.keys[index]?.use === "sign" ? "signs" : "is only published"}`);
  }
  if (signing !== undefined) report.ok("published", signing.issuer ?? "nowhere, because signing.issuer is not set");
}
