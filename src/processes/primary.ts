// Has several processes serve on one port: starts them, replaces one that ends, and speaks for all of them.

import cluster, { type Worker } from "node:cluster";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { createAdminApp } from "../admin.ts";
import { loadCredentials } from "../config/credentials.ts";
import { type Load, logNotReloaded, randomKey, type Service } from "../node.ts";
import { createNodeLog } from "../platform/node/host.ts";
import { listen } from "../platform/node/listener.ts";
import { aggregatedText } from "../platform/node/metrics.ts";
import { mergeSnapshots, type Snapshot } from "../status/snapshot.ts";
import { type Ask, createAsking } from "./asking.ts";
import { createBackOff } from "./back-off.ts";

/** One that does not say how it is in this time is left out of what is told of all. */
const ANSWER_TIMEOUT_MS = 1_000;
/** One that has said that it stopped has nothing left to do. */
const END_TIMEOUT_MS = 1_000;

/**
 * @throws {ConfigError} for a secret, key or certificate that cannot be used
 * @throws {ListenError}
 * @throws {ProcessError} where the first process ends instead of serving; it has said why
 */
export async function startProcesses(load: Load): Promise<Service> {
  const { file, host } = load();
  await loadCredentials(file, host); // told once, not by each process
  const { processes, admin } = file.config.server;
  const { log, close: closeLog } = await createNodeLog(file.config.log);
  const identitiesKey = randomKey().reveal();
  const backOff = createBackOff();
  const serving = new Map<Worker, Ask>();
  let stopping = false;

  async function startOne(): Promise<string> {
    const worker = cluster.fork();
    const ask = createAsking(worker);
    const { url } = await ask({ order: "start", identitiesKey });
    serving.set(worker, ask);
    backOff.started(worker.id);
    return url;
  }

  cluster.on("exit", ({ id, process: { pid } }, code, signal) => {
    const ended = [...serving.keys()].find((worker) => worker.id === id);
    if (ended !== undefined) serving.delete(ended);
    if (stopping || first === undefined) return;
    const wait = backOff.ended(id);
    log("error", "process ended", { pid, status: code ?? undefined, signal: signal ?? undefined, next_try_ms: wait });
    // Whoever does not start ends too, and comes here again.
    setTimeout(wait).then(() => (stopping ? undefined : startOne().catch(() => {})));
  });

  let first: string | undefined;
  // One after the other at first: what is wrong with the port is said once.
  first = await startOne();
  await Promise.all(Array.from({ length: processes - 1 }, startOne));

  const askAll = async <T>(question: (ask: Ask) => Promise<T>): Promise<T[]> => {
    const answers = await Promise.allSettled([...serving.values()].map(question));
    return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
  };
  const adminApp = createAdminApp({
    async snapshot() {
      const all = await askAll((ask) => ask({ order: "snapshot" }, ANSWER_TIMEOUT_MS));
      return all.length === 0 ? undefined : mergeSnapshots(all as [Snapshot, ...Snapshot[]]);
    },
    metrics: async () => aggregatedText(await askAll((ask) => ask({ order: "metrics" }, ANSWER_TIMEOUT_MS))),
  });
  const adminListener = await listen(adminApp.fetch, admin, "server.admin", { hostname: "localhost" });
  log("info", "started", { listen: first, admin: adminListener.url, processes });

  const end = async (question: (ask: Ask) => Promise<number>): Promise<number> => {
    stopping = true;
    const gone = [...serving.keys()].map((worker) => once(worker, "exit"));
    const total = (await askAll(question)).reduce((sum, one) => sum + one, 0);
    await Promise.race([Promise.all(gone), setTimeout(END_TIMEOUT_MS, undefined, { ref: false })]);
    await adminListener.close(0);
    log(total === 0 ? "info" : "error", "stopped", { processes, calls_cut_off: total });
    await closeLog();
    return total;
  };

  return {
    url: first,
    adminUrl: adminListener.url,
    async reload() {
      try {
        const next = load();
        await loadCredentials(next.file, next.host);
      } catch (error) {
        logNotReloaded(log, error);
        return false;
      }
      const taken = await askAll((ask) => ask({ order: "reload" }));
      return taken.every((one) => one);
    },
    stop: (atOnce = false) => end((ask) => ask({ order: "stop", atOnce })),
    abort: () => end((ask) => ask({ order: "abort" }, ANSWER_TIMEOUT_MS)),
  };
}
