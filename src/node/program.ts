// Builds what a configuration decides on Node: providers, nextAuth Servers and the app.

import type { Socket } from "node:net";
import { createDeps, createPipeline } from "../app.ts";
import { type CredentialHost, type Credentials, loadCredentials } from "../config/credentials.ts";
import type { ParsedFile } from "../config/parse.ts";
import type { Runtime } from "../core/runtime.ts";
import type { Secret } from "../core/secret.ts";
import { createTracer } from "../core/trace.ts";
import type { TlsCredentials } from "../core/transport.ts";
import { nextauthKey } from "../nextauth/servers.ts";
import type { CertificateSnapshot, KeySnapshot } from "./admin/snapshot.ts";
import { openAuditFile } from "./audit.ts";
import { expiryOf } from "./credentials.ts";
import { nodeClock, nodeHashText, nodeIds } from "./host.ts";
import { createNodeInbound } from "./inbound/inbound.ts";
import { createNodeRateLimiter } from "./inbound/rate-limiter.ts";
import { createNodeBulkhead } from "./outbound/bulkhead.ts";
import { createNodeTransport } from "./outbound/transport.ts";

type Observers = Pick<Runtime, "log" | "onReport"> & {
  identitiesKey?: Secret;
  isOutdated?: (socket: Socket) => boolean;
};

export type Program = Awaited<ReturnType<typeof createProgram>>;

/**
 * @param identitiesKey for hashes in the log if the file has no key; random by default
 * @param isOutdated as in Inbound, for a connection
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 */
export async function createProgram(
  file: ParsedFile,
  host: CredentialHost,
  { log, onReport, identitiesKey, isOutdated }: Observers,
) {
  const { config } = file;
  const audit = await openAudit(file, host, log);
  const loaded = await loadCredentials(file, host);
  const credentials = { ...loaded, identitiesKey: loaded.identitiesKey ?? identitiesKey };
  const transports: ReturnType<typeof createNodeTransport>[] = [];
  const deps = await createDeps(config, credentials, {
    createTransport(settings) {
      const transport = createNodeTransport(settings);
      transports.push(transport);
      return transport;
    },
    createRateLimiter: createNodeRateLimiter,
    createBulkhead: createNodeBulkhead,
    hashText: nodeHashText,
    clock: nodeClock,
    ids: nodeIds,
    log,
    tracer: createTracer(),
    onReport,
    audit,
    inbound: createNodeInbound(config.server.trusted_proxies, isOutdated),
    maxInFlight: config.server.max_in_flight,
    hasHealth: false,
  });
  const app = createPipeline(deps);
  let calls = 0;
  let isReplaced = false;
  const closeUnused = () => {
    if (isReplaced && calls === 0) for (const transport of transports) void transport.close();
  };
  return {
    config,
    tls: credentials.serverTls,
    audit,
    trust: trustOf(credentials),
    providers: deps.providers,
    nextauth: deps.nextauth,
    keys: credentials.signingKeys.map(({ kid, alg }, index): KeySnapshot => {
      const { use = "sign", created } = config.signing?.keys[index] ?? {};
      return { kid, alg, use, created };
    }),
    certificates: certificateSnapshots(credentials),
    async fetch(request: Request, env: unknown) {
      calls += 1;
      try {
        return await app.fetch(request, env as object);
      } finally {
        calls -= 1;
        closeUnused();
      }
    },
    /** Closes the connections to providers and nextAuth Servers after the last call. */
    replace() {
      isReplaced = true;
      closeUnused();
    },
  };
}

async function openAudit({ config, error }: ParsedFile, host: CredentialHost, log: Runtime["log"]) {
  const { audit } = config.log;
  if (audit === undefined) return undefined;
  try {
    return await openAuditFile(host.resolvePath(audit.file), audit.required, log);
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const cure = code === "ENOENT" ? "make its folder" : "name a file that the user that runs this can append to";
    const problem = `cannot be written (${code ?? message}); ${cure}`;
    throw error([{ path: ["log", "audit", "file"], message: problem, at: "value" }]);
  }
}

/** API keys are kept only as salted hashes. */
const TRUST_SALT = nodeIds.uuid();

/** Equal for programs with the same callers, API keys and client_ca. */
function trustOf({ callers, serverTls }: Credentials): string {
  const known = [...callers].map(([name, { apikeys, ...rest }]) => [name, apikeys.map((key) => key.reveal()), rest]);
  return nodeHashText(TRUST_SALT + JSON.stringify([known, serverTls?.client_ca?.reveal()]));
}

/** How long a new configuration may wait for discovery before calls use it. */
const RELOAD_DISCOVERY_MS = 2_000;

/**
 * Passes on the old program's metadata, for providers that do not answer at the reload. Only then:
 * a reload accepts an endpoint on another host.
 */
export async function takeOver(next: Program, old: Program): Promise<void> {
  const refreshes = [...next.providers.values()].map(({ name, discovery }) =>
    discovery
      ?.refresh(RELOAD_DISCOVERY_MS)
      .catch(() => discovery.adopt(old.providers.get(name)?.discovery?.remembered())),
  );
  await Promise.all(refreshes);
}

function certificateSnapshots({ serverTls, providers, nextauth }: Credentials): CertificateSnapshot[] {
  const places = new Map<string, TlsCredentials | undefined>([["server.tls", serverTls]]);
  for (const [name, { tls }] of providers) places.set(`providers.${name}.tls`, tls);
  for (const [index, { tls }] of nextauth.entries()) places.set(`${nextauthKey(index, nextauth.length)}.tls`, tls);
  return [...places].flatMap(([place, tls]) =>
    tls?.certificate === undefined ? [] : [{ place, expires_at: expiryOf(tls.certificate.reveal()) }],
  );
}
