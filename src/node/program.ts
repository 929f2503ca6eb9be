// Builds what a configuration decides on Node: providers, nextAuth Servers and the app.

import type { Socket } from "node:net";
import { createDeps, createPipeline } from "../app.ts";
import { type CredentialHost, type Credentials, loadCredentials } from "../config/credentials.ts";
import type { Config, ParsedFile } from "../config/parse.ts";
import type { Keep, Runtime } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import { createTracer } from "../core/trace.ts";
import type { TlsCredentials } from "../core/transport.ts";
import { nextauthKey } from "../nextauth/servers.ts";
import { openAuditFile } from "./audit.ts";
import { certificatesOf, fileState } from "./credentials.ts";
import { nodeClock, nodeHashText, nodeIds } from "./host.ts";
import { createNodeInbound } from "./inbound/inbound.ts";
import { createNodeRateLimiter } from "./inbound/rate-limiter.ts";
import { createNodeBulkhead } from "./outbound/bulkhead.ts";
import { createNodeTransport } from "./outbound/transport.ts";
import type { FileStates } from "./watch.ts";

type Observers = Pick<Runtime, "log" | "onReport"> & {
  identitiesKey?: Secret;
  isOutdated?: (socket: Socket) => boolean;
  files?: FileStates;
};

export type Program = Awaited<ReturnType<typeof createProgram>>;

/** What a program leaves to the one that replaces it, which must not keep the rest in memory. */
interface Legacy {
  fingerprints: ReadonlyMap<string, string>;
  memories: ReadonlyMap<string, unknown>;
}

/**
 * @param identitiesKey for hashes in the log if the file has no key; random by default
 * @param files gets the state of each secret's file before it is read
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 */
export async function createProgram(
  file: ParsedFile,
  host: CredentialHost,
  { log, onReport, identitiesKey, isOutdated, files }: Observers,
  { fingerprints: before, memories: kept }: Partial<Legacy> = {},
) {
  const { config } = file;
  /** Of each part of the file, and of each secret by its key without indices. */
  const fingerprints = fingerprintsOf(config);
  const read: CredentialHost["read"] = async (reference, at = []) => {
    const path = "file" in reference && host.resolvePath(reference.file);
    if (path) files?.set(path, await fileState(path));
    const text = await host.read(reference, at);
    const key = at.filter((part) => typeof part === "string").join(".");
    fingerprints.set(key, `${fingerprints.get(key) ?? ""} ${nodeHashText(SALT + text)}`);
    return text;
  };
  const loaded = await loadCredentials(file, { ...host, read });
  const { audit: settings } = config.log;
  const audit =
    settings &&
    (await openAuditFile(host.resolvePath(settings.file), settings.required, log).catch((cause) => {
      const problem = `cannot be written (${cause.code ?? cause.message}); name a file that this user can append to`;
      throw file.error([{ path: ["log", "audit", "file"], message: problem, at: "value" }]);
    }));
  const credentials = { ...loaded, identitiesKey: loaded.identitiesKey ?? identitiesKey };
  const keys = new Set([...fingerprints.keys(), ...(before?.keys() ?? [])]);
  const changed = [...keys].filter((key) => fingerprints.get(key) !== before?.get(key));
  const memories = new Map<string, unknown>();
  const keep: Keep = (key, create) => {
    memories.set(key, kept?.get(key) ?? create());
    return memories.get(key) as ReturnType<typeof create>;
  };
  let limiters = 0;
  const transports: ReturnType<typeof createNodeTransport>[] = [];
  const deps = await createDeps(config, credentials, {
    createTransport(settings) {
      const transport = createNodeTransport(settings);
      transports.push(transport);
      return transport;
    },
    createRateLimiter: (limit) => keep(JSON.stringify([limiters++, limit]), () => createNodeRateLimiter(limit)),
    keep,
    sharesPromises: true,
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
  const assertions = [...credentials.providers].flatMap(([name, { assertionFile }]) =>
    assertionFile === undefined ? [] : { name, ...assertionFile },
  );
  const readAssertions = () => Promise.allSettled(assertions.map(({ read }) => read(nodeClock.now())));
  await readAssertions();
  const app = createPipeline(deps);
  let calls = 0;
  let isReplaced = false;
  const closeUnused = () => {
    if (isReplaced && calls === 0) for (const transport of transports) void transport.close();
  };
  return {
    file,
    config,
    fingerprints,
    memories,
    /** The keys of the file that differ from the replaced program. */
    changed,
    tls: credentials.serverTls,
    audit,
    providers: deps.providers,
    nextauth: deps.nextauth,
    keys: credentials.signingKeys.map(({ kid, alg }, index) => {
      const { use = "sign", created } = config.signing?.keys[index] ?? {};
      return { kid, alg, use, created };
    }),
    certificates: certificateSnapshots(credentials),
    readAssertions,
    client_assertions: assertions.map(({ name, describe }) => `${name} ${describe()}`).join(", ") || undefined,
    egress_proxy: credentials.proxied.join(", ") || undefined,
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

function fingerprintsOf(config: Config): Map<string, string> {
  // JSON has no regular expressions: a changed pattern would not be noticed.
  const asText = (_key: string, value: unknown) => (value instanceof RegExp ? value.source : value);
  return new Map(Object.entries(config).map(([key, part]) => [key, JSON.stringify(part, asText)]));
}

/** API keys are kept only as salted hashes. */
const SALT = nodeIds.uuid();

/** How long a new configuration may wait for discovery before calls use it. */
const RELOAD_DISCOVERY_MS = 2_000;

/** Looks up unknown metadata. @param mayMove all of it, also if an endpoint has another host */
export async function discover({ providers }: Program, mayMove: boolean): Promise<void> {
  const lookUps = [...providers.values()].map(({ discovery }) =>
    mayMove || discovery?.state().ready === false
      ? discovery?.refresh(RELOAD_DISCOVERY_MS, undefined, mayMove)
      : undefined,
  );
  await Promise.allSettled(lookUps);
}

function certificateSnapshots({ serverTls, providers, nextauth }: Credentials) {
  const places = new Map<string, TlsCredentials | undefined>([["server.tls", serverTls]]);
  for (const [name, { tls }] of providers) places.set(`providers.${name}.tls`, tls);
  for (const [index, { tls }] of nextauth.entries()) places.set(`${nextauthKey(index, nextauth.length)}.tls`, tls);
  return [...places].flatMap(([place, tls]) => {
    const ends = certificatesOf(tls?.certificate?.reveal() ?? "").map(({ validToDate }) => validToDate.getTime());
    return ends.length === 0 ? [] : [{ place, expires_at: Math.min(...ends) }];
  });
}
