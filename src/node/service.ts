// A running service: two listeners, which can be reloaded and stopped without losing a call.

import type { Socket } from "node:net";
import { setTimeout } from "node:timers/promises";
import type { CredentialHost } from "../config/credentials.ts";
import type { ParsedFile } from "../config/parse.ts";
import type { CallReport } from "../core/call-report.ts";
import { ConfigError, UsageError } from "../core/errors.ts";
import { Secret } from "../core/secret.ts";
import { createAdminApp, type DevForm } from "./admin/admin.ts";
import { createRecorder } from "./admin/recorder.ts";
import { type State, takeSnapshot, VERSIONS } from "./admin/snapshot.ts";
import { fileState } from "./credentials.ts";
import { nodeClock, nodeIds } from "./host.ts";
import { inheritedSocket, listen } from "./inbound/listener.ts";
import { createNodeLog } from "./log.ts";
import { createMetrics } from "./metrics.ts";
import { keepDiscovered } from "./outbound/keep-discovered.ts";
import { createProgram, discover, type Program } from "./program.ts";
import { type FileStates, watchFiles } from "./watch.ts";

export type Service = Awaited<ReturnType<typeof startService>>;

/**
 * @param load reads the configuration, if not given one, and says which variables of the env file
 * the environment overrides; throws ConfigError or UsageError
 * @param ownFiles the configuration file, and others that `load` reads
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 */
export async function startService(
  load: (file?: ParsedFile) => { file: ParsedFile; host: CredentialHost; overridden?: readonly string[] },
  { dev, ownFiles = [] }: { dev?: DevForm; ownFiles?: readonly string[] } = {},
) {
  /** The files to watch, as they were before they were read. */
  let files: FileStates = new Map();
  const loadWatched = async (known?: ParsedFile) => {
    const loaded = load(known);
    const { watch } = loaded.file.config.server;
    files = new Map();
    for (const path of ownFiles.slice(watch === "all" ? 0 : 1)) files.set(path, await fileState(path));
    return loaded;
  };
  const first = await loadWatched();
  const { log, setLevel, close: closeLog } = createNodeLog(first.file.config.log);
  const recorder = createRecorder(nodeClock.now);
  const now = nodeClock.now();
  const state: State = { draining: false, started_at: now, configured_at: now, reload: undefined };
  const snapshot = () => takeSnapshot(program, recorder, state, publicListener.inFlight());
  const metrics = createMetrics(snapshot);
  const observers = {
    log,
    identitiesKey: new Secret(nodeIds.uuid() + nodeIds.uuid()), // a user's hash survives a reload
    isOutdated: (socket: Socket) => publicListener.isOutdated(socket),
    onReport(report: CallReport) {
      recorder.record(report);
      metrics.onReport(report);
    },
  };
  let program = await createProgram(first.file, first.host, { ...observers, files });
  const atStart = restartKeys(program);
  /** Of every configuration since the start: the last calls of an old one write to its own. */
  const audits = [program.audit];
  const end = async (calls_cut_off: number) => {
    log(calls_cut_off === 0 ? "info" : "error", "stopped", { calls_cut_off });
    await Promise.all(audits.map((audit) => audit?.close()));
    await closeLog();
  };
  const { listen: address, admin: adminAddress } = program.config.server;
  // Not program.fetch itself, because a reload replaces the program.
  const answer = (request: Request, env: unknown) => program.fetch(request, env);
  const publicListener = await listen(answer, (!dev && inheritedSocket()) || address, "server.listen", program);
  const adminHosts = () => program.config.server.admin_hosts;
  const adminApp = createAdminApp({ snapshot, metrics: metrics.text, adminHosts, dev });
  // Load balancers check the health in HTTP/1.0 without a Host header.
  const adminListener = await listen(adminApp.fetch, adminAddress, "server.admin", { hostname: "localhost" }).catch(
    async (error: unknown) => {
      await publicListener.close(0);
      throw error;
    },
  );
  let lastNames = "";
  const warnOfOverridden = (overridden: readonly string[] = []) => {
    const names = overridden.join(", ");
    if (names !== "" && names !== lastNames) log("warn", "the environment overrides the env file", { names });
    lastNames = names;
  };
  let stopDiscovery = keepDiscovered(program.providers.values(), log);
  warnOfOverridden(first.overridden);
  log("info", "started", { listen: publicListener.url, admin: adminListener.url, ...summary(program) });

  async function loadAgain(isAsked: boolean): Promise<void> {
    const filesBefore = files;
    try {
      const isWhole = isAsked || program.config.server.watch === "all";
      const { file, host, overridden } = await loadWatched(isWhole ? undefined : program.file);
      const next = await createProgram(file, host, { ...observers, files }, program);
      if (!isAsked && next.changed.length === 0 && state.reload?.problem === undefined) return;
      await discover(next, isAsked);
      if (state.draining) return;
      const wanted = restartKeys(next);
      const unchangeable = Object.keys(wanted).filter((key) => atStart[key] !== wanted[key]);
      if (next.tls !== undefined && !unchangeable.includes("server.tls")) publicListener.setTls(next.tls);
      if (next.changed.some((key) => /^callers|^server\.tls\.client_ca/.test(key))) publicListener.outdateConnections();
      stopDiscovery();
      program.replace();
      program = next;
      audits.push(next.audit);
      stopDiscovery = keepDiscovered(program.providers.values(), log);
      setLevel(program.config.log.level);
      state.configured_at = nodeClock.now();
      state.reload = { at: state.configured_at, problem: undefined };
      warnOfOverridden(overridden);
      log("info", "reloaded", { changed: program.changed.join(", ") || "nothing", ...summary(program) });
      for (const key of unchangeable) log("warn", "needs a restart to change", { key });
    } catch (error) {
      // These messages never quote the file or a secret; others might.
      const isKnown = error instanceof ConfigError || error instanceof UsageError;
      const problem = isKnown ? error.message : (error as Error).name;
      log("error", "not reloaded: the old configuration stays", { reason: problem });
      state.reload = { at: nodeClock.now(), problem };
      if (isAsked) files = filesBefore; // what the configuration in use needs
    }
  }
  let lastReload = Promise.resolve(); // one at a time
  const reload = (isAsked = false) => {
    lastReload = lastReload.then(() => loadAgain(isAsked));
    return lastReload;
  };
  void watchFiles(() => (program.config.server.watch === "none" ? new Map() : files), reload);

  return {
    /** Where getToken is served, for example `http://127.0.0.1:8080`. */
    url: publicListener.url,
    adminUrl: adminListener.url,
    config: () => program.config,
    /**
     * Loads the configuration again, for all new calls. Calls in flight finish with the old one. If
     * anything is wrong, nothing changes and the log says why.
     */
    reload: () => reload(true),
    /** Logs how many calls are being cut off. The process has to exit afterwards. */
    abort: () => end(publicListener.inFlight()),
    /**
     * Turns "not ready", accepts calls for server.shutdown_delay, then refuses connections and
     * finishes the calls in flight.
     * @param atOnce skips the delay
     * @returns how many calls were cut off at the end of server.shutdown_grace
     */
    async stop(atOnce = false): Promise<number> {
      const { shutdown_grace, shutdown_delay } = program.config.server;
      const delay = atOnce ? 0 : shutdown_delay;
      state.draining = true;
      log("info", "shutting down", { delay_ms: delay, grace_ms: shutdown_grace });
      stopDiscovery();
      // A request sent on a closing connection fails. So first announce that it will close, and
      // give load balancers time to read /readyz.
      publicListener.drain();
      if (delay > 0) await setTimeout(delay);
      const cutOff = await publicListener.close(shutdown_grace);
      await adminListener.close(0);
      await end(cutOff);
      return cutOff;
    },
  };
}

/** What an operator checks first when something does not work as configured. */
function summary({ config, egress_proxy, client_assertions }: Program) {
  return {
    ...VERSIONS,
    callers: Object.keys(config.callers).join(", "),
    providers: Object.keys(config.providers).join(", "),
    session: [...new Set(config.get_token.map(({ session }) => session))].join(", "),
    webnonce_exchange: config.webnonce_exchange.map(({ path }) => path).join(", ") || undefined,
    tls: config.server.tls !== undefined,
    client_assertions,
    egress_proxy,
    audit: config.log.audit?.file,
  };
}

/** The settings that a reload cannot change, by their key in the file. */
const restartKeys = ({ config, tls }: Program): Readonly<Record<string, string>> => ({
  "server.listen": JSON.stringify(config.server.listen),
  "server.admin": JSON.stringify(config.server.admin),
  "server.tls": String(tls && tls.ca !== undefined), // its files can change
  "log.format": config.log.format,
});
