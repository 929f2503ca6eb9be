// The entry for Node: a configuration becomes a service on two listeners, which can be stopped without losing a call.

import { createAdminApp } from "./admin.ts";
import { createApp, createProviders } from "./app.ts";
import { type CredentialHost, loadCredentials } from "./config/credentials.ts";
import type { ParsedFile } from "./config/parse.ts";
import { createNodeBulkhead } from "./platform/node/bulkhead.ts";
import { createNodeLog, nodeClock, nodeIds, nodeSha256 } from "./platform/node/host.ts";
import { createNodeInbound } from "./platform/node/inbound.ts";
import { keepDiscovered } from "./platform/node/keep-discovered.ts";
import { listen } from "./platform/node/listener.ts";
import { createNodeRateLimiter } from "./platform/node/rate-limiter.ts";
import { createNodeTransport } from "./platform/node/transport.ts";

export interface Service {
  /** Where getToken is served, as `http://127.0.0.1:8080`. */
  url: string;
  adminUrl: string;
  /**
   * Says "not ready", takes no further connection, finishes what is in flight.
   * @returns how many calls were cut off because server.shutdown_grace was over
   */
  stop(): Promise<number>;
}

/**
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 */
export async function startService(file: ParsedFile, host: CredentialHost): Promise<Service> {
  const { config } = file;
  const credentials = await loadCredentials(file, host);
  const { log, close: closeLog } = createNodeLog(config.log.level);
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
  };
  const providers = createProviders(deps);
  const { shutdown_grace, trusted_proxies, max_in_flight, ...addresses } = config.server;
  const app = await createApp(deps, {
    providers,
    inbound: createNodeInbound(trusted_proxies),
    maxInFlight: max_in_flight,
    health: false,
  });
  let draining = false;
  const admin = createAdminApp(providers, () => draining);

  const publicListener = await listen(app.fetch, addresses.listen, "server.listen", credentials.serverTls);
  const adminListener = await listen(admin.fetch, addresses.admin, "server.admin").catch(async (error: unknown) => {
    await publicListener.close(0);
    throw error;
  });
  const stopDiscovery = keepDiscovered(providers.values(), log);
  log("info", "started", { listen: publicListener.url, admin: adminListener.url });

  return {
    url: publicListener.url,
    adminUrl: adminListener.url,
    async stop() {
      draining = true;
      log("info", "shutting down", { grace_ms: shutdown_grace });
      stopDiscovery();
      const cut = await publicListener.close(shutdown_grace);
      await adminListener.close(0);
      log(cut === 0 ? "info" : "error", "stopped", { calls_cut_off: cut });
      await closeLog();
      return cut;
    },
  };
}
