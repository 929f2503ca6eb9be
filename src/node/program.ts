// All that a configuration decides on Node: providers, nextAuth Servers and the app over them.

import { createDeps, createPipeline } from "../app.ts";
import type { Config } from "../config/complete.ts";
import { type CredentialHost, type Credentials, loadCredentials, type ServerTls } from "../config/credentials.ts";
import type { ParsedFile } from "../config/parse.ts";
import type { Observe } from "../core/call-report.ts";
import type { Log } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { createTracer } from "../core/trace.ts";
import { type NextAuthServers, nextauthKey } from "../nextauth/servers.ts";
import type { Providers } from "../oauth/provider.ts";
import type { CertificateSnapshot, KeySnapshot } from "./admin/snapshot.ts";
import { expiryOf } from "./credentials.ts";
import { nodeClock, nodeHashText, nodeIds } from "./host.ts";
import { createNodeInbound } from "./inbound/inbound.ts";
import { createNodeRateLimiter } from "./inbound/rate-limiter.ts";
import { createNodeBulkhead } from "./outbound/bulkhead.ts";
import { createNodeTransport } from "./outbound/transport.ts";

export interface Program {
  config: Config;
  tls: ServerTls | undefined;
  providers: Providers;
  nextauth: NextAuthServers;
  keys: readonly KeySnapshot[];
  certificates: readonly CertificateSnapshot[];
  fetch: (request: Request, env: unknown) => Response | Promise<Response>;
}

/** What outlives a program. */
export interface Surroundings {
  log: Log;
  observe: Observe;
  /** Of the hashes in the log where the file gives none; random by default. */
  identitiesKey?: Secret;
}

/** @throws {ConfigError} for a secret, key or certificate that cannot be used */
export async function createProgram(
  file: ParsedFile,
  host: CredentialHost,
  { log, observe, identitiesKey }: Surroundings,
): Promise<Program> {
  const { config } = file;
  const loaded = await loadCredentials(file, host);
  const credentials = { ...loaded, identitiesKey: loaded.identitiesKey ?? identitiesKey };
  const deps = await createDeps(config, credentials, {
    createTransport: createNodeTransport,
    createRateLimiter: createNodeRateLimiter,
    createBulkhead: createNodeBulkhead,
    hashText: nodeHashText,
    clock: nodeClock,
    ids: nodeIds,
    log,
    tracer: createTracer(),
    observe,
    inbound: createNodeInbound(config.server.trusted_proxies),
    maxInFlight: config.server.max_in_flight,
    hasHealth: false,
  });
  const app = createPipeline(deps);
  return {
    config,
    tls: credentials.serverTls,
    providers: deps.providers,
    nextauth: deps.nextauth,
    keys: describeKeys(config, credentials),
    certificates: describeCertificates(credentials),
    fetch: (request, env) => app.fetch(request, env as object),
  };
}

/** For a new configuration's discovery before it takes over, so that no call waits for that. */
const RELOAD_DISCOVERY_MS = 2_000;

/**
 * Has the new program go on from what the old one knows of its providers. One that does not answer now is asked again in the
 * background, as at the start; what worked until now goes on working meanwhile.
 */
export async function takeOver(next: Program, old: Program): Promise<void> {
  const looks = [...next.providers.values()].map(({ name, discovery }) => {
    discovery?.adopt(old.providers.get(name)?.discovery?.remembered());
    return discovery?.refresh(RELOAD_DISCOVERY_MS);
  });
  await Promise.allSettled(looks);
}

function describeKeys({ signing }: Config, { signingKeys }: Credentials): KeySnapshot[] {
  return signingKeys.map(({ kid, alg }, index) => {
    const { use = "sign", created } = signing?.keys[index] ?? {};
    return { kid, alg, use, created };
  });
}

function describeCertificates({ serverTls, providers, nextauth }: Credentials): CertificateSnapshot[] {
  const places: [string, Secret | undefined][] = [
    ["server.tls", serverTls?.certificate],
    ...[...providers].map(([name, { tls }]): [string, Secret | undefined] => [
      `providers.${name}.tls`,
      tls?.certificate,
    ]),
    ...nextauth.map(({ tls }, index): [string, Secret | undefined] => [
      `${nextauthKey(index, nextauth.length)}.tls`,
      tls?.certificate,
    ]),
  ];
  return places.flatMap(([place, certificate]) =>
    certificate === undefined ? [] : [{ place, expires_at: expiryOf(certificate.reveal()) }],
  );
}
