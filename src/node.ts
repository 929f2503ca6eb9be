// The entry for Node: a configuration becomes a service on two listeners, which can be stopped, or take another configuration, without
// losing a call.

import { setTimeout } from "node:timers/promises";
import { createAdminApp } from "./admin.ts";
import { createApp, createProviders, createServers, type Providers } from "./app.ts";
import type { Config } from "./config/complete.ts";
import { type CredentialHost, loadCredentials, type ServerTls } from "./config/credentials.ts";
import type { ParsedFile } from "./config/parse.ts";
import { createNodeBulkhead } from "./platform/node/bulkhead.ts";
import { createNodeLog, nodeClock, nodeIds, nodeSha256 } from "./platform/node/host.ts";
import { createNodeInbound } from "./platform/node/inbound.ts";
import { inheritedSocket } from "./platform/node/inherited-socket.ts";
import { keepDiscovered } from "./platform/node/keep-discovered.ts";
import { listen } from "./platform/node/listener.ts";
import { createNodeRateLimiter } from "./platform/node/rate-limiter.ts";
import { createNodeTransport } from "./platform/node/transport.ts";
import type { Log } from "./ports.ts";
import { Secret } from "./secret.ts";
import { createTracer } from "./steps.ts";

export interface Service {
  /** Where getToken is served, as `http://127.0.0.1:8080`. */
  url: string;
  adminUrl: string;
  /**
   * Takes another configuration for all calls to come; those in flight end on the old one. What cannot change while it runs is
   * told in the log.
   * @throws {ConfigError} for a secret, key or certificate that cannot be used; then nothing has changed
   */
  reload(file: ParsedFile, host: CredentialHost): Promise<void>;
  /**
   * Says "not ready", goes on taking calls for server.shutdown_delay, then takes no further connection and finishes what is in
   * flight.
   * @param atOnce without the delay
   * @returns how many calls were cut off because server.shutdown_grace was over
   */
  stop(atOnce?: boolean): Promise<number>;
  /**
   * For whoever does not want to wait: says how many calls are cut off. The process is to end then.
   * @returns that number
   */
  abort(): Promise<number>;
  log: Log;
}

/** All that a configuration decides. */
interface Program {
  config: Config;
  tls: ServerTls | undefined;
  providers: Providers;
  fetch: (request: Request, env: unknown) => Response | Promise<Response>;
}

/** For a new configuration's discovery before it takes over, so that no call waits for that. */
const RELOAD_DISCOVERY_MS = 2_000;

/** Of the hashes in the log where the file gives none. One for the process, so that a user's hash outlives a reload. */
const IDENTITIES_KEY = new Secret(nodeIds.uuid() + nodeIds.uuid());

/**
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 */
export async function startService(file: ParsedFile, host: CredentialHost): Promise<Service> {
  const { log, setLevel, close: closeLog } = createNodeLog(file.config.log.level);
  let program = await createProgram(file, host, log);
  const bound = boundBy(program);
  let draining = false;
  const admin = createAdminApp(
    () => program.providers,
    () => draining,
  );

  const { listen: address, admin: adminAddress } = program.config.server;
  const publicListener = await listen(
    (request, env) => program.fetch(request, env),
    inheritedSocket() ?? address,
    "server.listen",
    { tls: program.tls },
  );
  // Load balancers ask for the health in HTTP/1.0 without a Host.
  const adminListener = await listen(admin.fetch, adminAddress, "server.admin", { hostname: "localhost" }).catch(
    async (error: unknown) => {
      await publicListener.close(0);
      throw error;
    },
  );
  let stopDiscovery = keepDiscovered(program.providers.values(), log);
  log("info", "started", { listen: publicListener.url, admin: adminListener.url });

  return {
    url: publicListener.url,
    adminUrl: adminListener.url,
    log,
    async reload(nextFile, nextHost) {
      const next = await createProgram(nextFile, nextHost, log);
      await discover(next.providers, program.providers);
      if (draining) return;
      const fixed = fixedChanges(bound, next);
      if (next.tls !== undefined && !fixed.includes("server.tls")) publicListener.setTls(next.tls);
      stopDiscovery();
      program = next;
      stopDiscovery = keepDiscovered(program.providers.values(), log);
      setLevel(program.config.log.level);
      log("info", "reloaded", {});
      for (const key of fixed) log("warn", "needs a restart to change", { key });
    },
    async abort() {
      const cut = publicListener.inFlight();
      log("error", "stopped", { calls_cut_off: cut });
      await closeLog();
      return cut;
    },
    async stop(atOnce = false) {
      const { shutdown_grace, shutdown_delay } = program.config.server;
      const delay = atOnce ? 0 : shutdown_delay;
      draining = true;
      log("info", "shutting down", { delay_ms: delay, grace_ms: shutdown_grace });
      stopDiscovery();
      // Who sends on a connection that is closed just then gets no answer. So clients are told first that theirs ends, and load
      // balancers have time to look at /readyz.
      publicListener.drain();
      if (delay > 0) await setTimeout(delay);
      const cut = await publicListener.close(shutdown_grace);
      await adminListener.close(0);
      log(cut === 0 ? "info" : "error", "stopped", { calls_cut_off: cut });
      await closeLog();
      return cut;
    },
  };
}

async function createProgram(file: ParsedFile, host: CredentialHost, log: Log): Promise<Program> {
  const { config } = file;
  const { identitiesKey = IDENTITIES_KEY, ...others } = await loadCredentials(file, host);
  const credentials = { ...others, identitiesKey };
  const deps = {
    config,
    credentials,
    createTransport: createNodeTransport,
    createRateLimiter: createNodeRateLimiter,
    createBulkhead: createNodeBulkhead,
    sha256: nodeSha256,
    clock: nodeClock,
    ids: nodeIds,
    log,
    tracer: createTracer(),
    observe: () => {},
  };
  const providers = createProviders(deps);
  const { trusted_proxies, max_in_flight } = config.server;
  const app = await createApp(deps, {
    providers,
    nextauth: createServers(deps),
    inbound: createNodeInbound(trusted_proxies),
    maxInFlight: max_in_flight,
    health: false,
  });
  return { config, tls: credentials.serverTls, providers, fetch: app.fetch };
}

/**
 * A provider that does not answer now is asked again in the background, as at the start. What worked until now goes on working
 * meanwhile.
 */
async function discover(providers: Providers, old: Providers): Promise<void> {
  const looks = [...providers.values()].map(({ name, discovery }) => {
    discovery?.adopt(old.get(name)?.discovery?.remembered());
    return discovery?.refresh(RELOAD_DISCOVERY_MS);
  });
  await Promise.allSettled(looks);
}

/** What an open listener cannot follow, by its key in the file. */
function boundBy({ config, tls }: Program): ReadonlyMap<string, string> {
  const asking = tls?.client_ca === undefined ? "without client_ca" : "with client_ca";
  return new Map([
    ["server.listen", JSON.stringify(config.server.listen)],
    ["server.admin", JSON.stringify(config.server.admin)],
    ["server.tls", tls === undefined ? "none" : asking],
  ]);
}

/** The keys that need a restart. @param bound what the listeners were opened with, whatever reloads came since */
function fixedChanges(bound: ReadonlyMap<string, string>, next: Program): string[] {
  const wanted = boundBy(next);
  return [...bound.keys()].filter((key) => bound.get(key) !== wanted.get(key));
}
