// Has several processes serve on one port, and speaks for all of them: signals, reloads, metrics and status.

import { type CredentialHost, loadCredentials } from "../../config/credentials.ts";
import { createAdminApp } from "../admin/admin.ts";
import type { ReloadSnapshot } from "../admin/snapshot.ts";
import { createNodeLog, nodeClock } from "../host.ts";
import { inheritedSocket } from "../inbound/inherited-socket.ts";
import { listen } from "../inbound/listener.ts";
import { createPrimaryMetrics } from "../metrics.ts";
import { type Load, type Loaded, logNotReloaded, randomKey, type Service } from "../service.ts";
import type { Taken } from "./messages.ts";
import { createPool } from "./pool.ts";

/** One that does not say how it is in this time is left out of what is told of all. */
const ANSWER_TIMEOUT_MS = 1_000;
/** To load code, keys and certificates, on a machine that is busy. */
const START_TIMEOUT_MS = 30_000;
/** Of a reload discovery is what takes time, and that has two seconds (node-program.ts). */
const RELOAD_TIMEOUT_MS = 20_000;
/** What a stop may take beyond server.shutdown_delay and server.shutdown_grace. */
const STOP_MARGIN_MS = 2_000;

/**
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 * @throws {ProcessError} where a process ends instead of serving; it has said why
 */
export async function startProcesses(load: Load): Promise<Service> {
  const loaded = load();
  let { server } = loaded.file.config;
  let taken = await take(loaded);
  let lastReload: ReloadSnapshot | undefined;
  const { log, setLevel, close: closeLog } = await createNodeLog(loaded.file.config.log);
  const identitiesKey = randomKey().reveal();
  const pool = createPool({
    wanted: server.processes,
    log,
    async begin(ask) {
      const [given, told] = [taken, lastReload];
      const { url } = await ask({ order: "start", identitiesKey, taken: given, lastReload: told }, START_TIMEOUT_MS);
      return {
        url,
        async catchUp() {
          if (given !== taken) return ask({ order: "reload", taken }, RELOAD_TIMEOUT_MS);
          return (
            lastReload === undefined || lastReload === told || ask({ order: "refused", lastReload }, ANSWER_TIMEOUT_MS)
          );
        },
      };
    },
    // With the last of them goes the socket that was passed to this process; whoever holds it can pass it again.
    onNoneLeft: () => void (inheritedSocket() !== undefined && giveUp()),
  });
  const metrics = createPrimaryMetrics(pool.state);

  const adminApp = createAdminApp({
    snapshot() {
      throw new Error("several processes are being removed");
    },
    metrics: async () => metrics.text(await pool.metrics()),
  });
  const adminListener = await listen(adminApp.fetch, server.admin, "server.admin", { hostname: "localhost" });
  const url = await pool.start().catch(async (error: unknown) => {
    await adminListener.close(0);
    throw error;
  });
  log("info", "started", { listen: url, admin: adminListener.url, processes: server.processes });

  async function giveUp(): Promise<void> {
    log("error", "no process is left", { cure: "the service manager starts the service anew" });
    await closeLog();
    process.exit(1);
  }

  let ending: Promise<number> | undefined;
  /** What those have cut off that were told to end at once; they do not answer any more to the order before. */
  let aborted: Promise<number[]> = Promise.resolve([]);
  async function end(order: Parameters<typeof pool.end>[0]): Promise<number> {
    const ended = await pool.end(order);
    const answers = await aborted;
    const cut = answers.reduce((sum, one) => sum + one, ended.cut);
    const lost = Math.max(0, ended.lost - answers.length);
    await adminListener.close(0);
    const level = cut + lost === 0 ? "info" : "error";
    log(level, "stopped", { processes: server.processes, calls_cut_off: cut, processes_lost: lost });
    await closeLog();
    return cut + lost;
  }

  return {
    url,
    adminUrl: adminListener.url,
    async reload() {
      try {
        const next = load();
        taken = await take(next);
        server = { ...server, ...graceOf(next) };
        setLevel(next.file.config.log.level);
      } catch (error) {
        lastReload = { at: nodeClock.now(), problem: logNotReloaded(log, error) };
        const refused = lastReload;
        await pool.askAll((ask) => ask({ order: "refused", lastReload: refused }, ANSWER_TIMEOUT_MS));
        return false;
      }
      lastReload = { at: nodeClock.now(), problem: undefined };
      const given = taken;
      await pool.orderAll((ask) => ask({ order: "reload", taken: given }), RELOAD_TIMEOUT_MS);
      return true;
    },
    stop(atOnce = false) {
      const timeout = (atOnce ? 0 : server.shutdown_delay) + server.shutdown_grace + STOP_MARGIN_MS;
      ending ??= end((ask) => ask({ order: "stop", atOnce }, timeout));
      return ending;
    },
    async abort() {
      aborted = pool.askAll((ask) => ask({ order: "abort" }, ANSWER_TIMEOUT_MS));
      await aborted;
      pool.kill();
      return (await ending) ?? 0;
    },
  };
}

function graceOf({ file }: Loaded) {
  const { shutdown_delay, shutdown_grace } = file.config.server;
  return { shutdown_delay, shutdown_grace };
}

/**
 * Reads every secret, and sees whether they can be used: told once, not by each process.
 * @throws {ConfigError}
 */
async function take({ path, text, file, host }: Loaded): Promise<Taken> {
  const secrets = new Map<string, string>();
  const noting: CredentialHost = {
    ...host,
    async read(reference) {
      const secret = await host.read(reference);
      secrets.set(JSON.stringify(reference), secret);
      return secret;
    },
  };
  await loadCredentials(file, noting);
  return { path, text, secrets: [...secrets] };
}
