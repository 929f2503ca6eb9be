// The entry for Node: a configuration becomes a service on two listeners, which can be stopped, or take another configuration, without
// losing a call.

import { setTimeout } from "node:timers/promises";
import type { CredentialHost } from "../config/credentials.ts";
import type { ParsedFile } from "../config/parse.ts";
import { ConfigError, UsageError } from "../core/errors.ts";
import type { Log } from "../core/ports.ts";
import { Secret } from "../core/secret.ts";
import { createAdminApp, type TryIt } from "./admin/admin.ts";
import { createRecorder, type Recorder } from "./admin/recorder.ts";
import type { ReloadSnapshot, Snapshot } from "./admin/snapshot.ts";
import { createNodeLog, nodeClock, nodeIds } from "./host.ts";
import { inheritedSocket } from "./inbound/inherited-socket.ts";
import { listen } from "./inbound/listener.ts";
import { type CollectedMetrics, createMetrics } from "./metrics.ts";
import { keepDiscovered } from "./outbound/keep-discovered.ts";
import { createProgram, type Program, takeOver } from "./program.ts";
import { packageVersion } from "./version.ts";

export interface Service {
  /** Where getToken is served, as `http://127.0.0.1:8080`. */
  url: string;
  /** Undefined without an admin listener. */
  adminUrl: string | undefined;
  /**
   * Reads the configuration anew and takes it for all calls to come; those in flight end on the old one. Where anything of it is
   * faulty nothing changes, and the log says why. What cannot change while the service runs is told in the log.
   * @returns whether it was taken
   */
  reload(): Promise<boolean>;
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
}

/** One of several processes: another one speaks for all of them. */
export interface Serving extends Service {
  snapshot(): Snapshot;
  metrics(): Promise<CollectedMetrics>;
  /** For a reload that was refused before it came here. */
  noteReload(reload: ReloadSnapshot): void;
}

/** A configuration file that was read, with what its secrets are read with. */
export interface Loaded {
  path: string;
  text: string;
  file: ParsedFile;
  host: CredentialHost;
}

/** @throws {ConfigError | UsageError} where it is faulty or cannot be read */
export type Load = () => Loaded;

export interface ServiceOptions {
  /** Whether there is an admin listener; there is by default. */
  admin?: boolean;
  /** The same for all processes. */
  identitiesKey?: Secret;
  /** For the status page, in dev mode. */
  tryIt?: TryIt;
  /** Of the processes before this one. */
  lastReload?: ReloadSnapshot | undefined;
}

/**
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 */
export async function startService(
  load: Load,
  { admin = true, identitiesKey = randomKey(), tryIt, lastReload }: ServiceOptions = {},
): Promise<Serving> {
  const { file, host } = load();
  const { log, setLevel, close: closeLog } = await createNodeLog(file.config.log);
  const recorder = createRecorder(nodeClock.now);
  const state: State = {
    draining: false,
    startedAt: nodeClock.now(),
    configuredAt: nodeClock.now(),
    reload: lastReload,
  };
  const snapshot = () => takeSnapshot(program, recorder, state, publicListener.inFlight());
  const metrics = createMetrics(snapshot, admin);
  const surroundings = {
    log,
    identitiesKey,
    observe(report: Parameters<typeof recorder.record>[0]) {
      recorder.record(report);
      metrics.observe(report);
    },
  };
  let program = await createProgram(file, host, surroundings);
  const bound = boundBy(program);

  const { listen: address, admin: adminAddress } = program.config.server;
  const publicListener = await listen(
    (request, env) => program.fetch(request, env),
    inheritedSocket() ?? address,
    "server.listen",
    { tls: program.tls },
  );
  const adminApp = createAdminApp({ snapshot, metrics: metrics.text, tryIt });
  // Load balancers ask for the health in HTTP/1.0 without a Host.
  const adminListener = admin
    ? await listen(adminApp.fetch, adminAddress, "server.admin", { hostname: "localhost" }).catch(
        async (error: unknown) => {
          await publicListener.close(0);
          throw error;
        },
      )
    : undefined;
  let stopDiscovery = keepDiscovered(program.providers.values(), log);
  log("info", "started", { listen: publicListener.url, admin: adminListener?.url, ...summary(program) });

  async function take({ file, host }: Loaded): Promise<void> {
    const next = await createProgram(file, host, surroundings);
    await takeOver(next, program);
    if (state.draining) return;
    const fixed = fixedChanges(bound, next);
    if (next.tls !== undefined && !fixed.includes("server.tls")) publicListener.setTls(next.tls);
    stopDiscovery();
    program = next;
    stopDiscovery = keepDiscovered(program.providers.values(), log);
    setLevel(program.config.log.level);
    state.configuredAt = nodeClock.now();
    state.reload = { at: state.configuredAt, problem: undefined };
    log("info", "reloaded", summary(program));
    for (const key of fixed) log("warn", "needs a restart to change", { key });
  }

  return {
    url: publicListener.url,
    adminUrl: adminListener?.url,
    snapshot,
    metrics: metrics.collect,
    noteReload(reload) {
      state.reload = reload;
    },
    async reload() {
      try {
        await take(load());
        return true;
      } catch (error) {
        state.reload = { at: nodeClock.now(), problem: logNotReloaded(log, error) };
        return false;
      }
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
      state.draining = true;
      log("info", "shutting down", { delay_ms: delay, grace_ms: shutdown_grace });
      stopDiscovery();
      // Who sends on a connection that is closed just then gets no answer. So clients are told first that theirs ends, and load
      // balancers have time to look at /readyz.
      publicListener.drain();
      if (delay > 0) await setTimeout(delay);
      const cut = await publicListener.close(shutdown_grace);
      await adminListener?.close(0);
      log(cut === 0 ? "info" : "error", "stopped", { calls_cut_off: cut });
      await closeLog();
      return cut;
    },
  };
}

/** Of the hashes in the log. One for the process, so that a user's hash outlives a reload. */
export function randomKey(): Secret {
  return new Secret(nodeIds.uuid() + nodeIds.uuid());
}

/** @returns the reason: what is wrong with a file or a secret, without their contents; of anything else, that it is a bug must do */
export function logNotReloaded(log: Log, error: unknown): string {
  const isKnown = error instanceof ConfigError || error instanceof UsageError;
  const reason = isKnown ? error.message : (error as Error).name;
  log("error", "not reloaded: the old configuration stays", { reason });
  return reason;
}

interface State {
  draining: boolean;
  startedAt: number;
  configuredAt: number;
  reload: ReloadSnapshot | undefined;
}

/** What an operator wants to see at once where something does not work as the file says. */
function summary({ config }: Program) {
  return {
    version: packageVersion,
    node: process.versions.node,
    callers: Object.keys(config.callers).join(", "),
    providers: Object.keys(config.providers).join(", "),
    session: [...new Set(config.get_token.map(({ session }) => session))].join(", "),
    webnonce_exchange: config.webnonce_exchange?.path,
    tls: config.server.tls !== undefined,
  };
}

function takeSnapshot(program: Program, recorder: Recorder, state: State, inFlight: number): Snapshot {
  const providers = [...program.providers.values()].map((provider) => {
    const { breaker, suspensions, clockSkew: clock_skew, inFlight: in_flight, queued } = provider.state();
    const { ready, problem, discoveredAt } = provider.discovery?.state() ?? { ready: true };
    const { last, minutes } = recorder.provider(provider.name);
    return {
      ...{ name: provider.name, ready, problem, discovered_at: discoveredAt },
      ...{ breaker, suspensions, clock_skew, in_flight, queued, last, minutes },
    };
  });
  return {
    version: packageVersion,
    node: process.versions.node,
    started_at: state.startedAt,
    at: nodeClock.now(),
    draining: state.draining,
    in_flight: inFlight,
    providers,
    nextauth: program.nextauth.all.map(({ key }) => ({ key, ...recorder.nextauth(key) })),
    keys: program.keys,
    certificates: program.certificates,
    configured_at: state.configuredAt,
    reload: state.reload,
    calls: recorder.calls(),
  };
}

/** What an open listener cannot follow, by its key in the file. */
function boundBy({ config, tls }: Program): ReadonlyMap<string, string> {
  const asking = tls?.client_ca === undefined ? "without client_ca" : "with client_ca";
  return new Map([
    ["server.listen", JSON.stringify(config.server.listen)],
    ["server.admin", JSON.stringify(config.server.admin)],
    ["server.processes", String(config.server.processes)],
    ["server.tls", tls === undefined ? "none" : asking],
    ["log.format", config.log.format],
  ]);
}

/** The keys that need a restart. @param bound what the listeners were opened with, whatever reloads came since */
function fixedChanges(bound: ReadonlyMap<string, string>, next: Program): string[] {
  const wanted = boundBy(next);
  return [...bound.keys()].filter((key) => bound.get(key) !== wanted.get(key));
}
