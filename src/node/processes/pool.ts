// The processes that serve: starts them, replaces one that ends or hangs, and keeps what it has counted.

import cluster, { type Worker } from "node:cluster";
import { setTimeout } from "node:timers/promises";
import type { Log } from "../../core/ports.ts";
import { addUpCounts, type CollectedMetrics } from "../metrics.ts";
import { type Ask, createAsking, ProcessError } from "./asking.ts";
import { createBackOff } from "./back-off.ts";

/** One that does not say how it is in this time is left out of what is told of all. */
const ANSWER_TIMEOUT_MS = 1_000;
/** A process that says nothing for so long hangs, and the connections that it was given hang with it. */
const HUNG_MS = 10_000;
/** One that has said that it stopped has nothing left to do. */
const END_TIMEOUT_MS = 1_000;

export interface Pool {
  /** @returns where they serve. @throws {ProcessError} where one ends instead; it has said why, and none is left */
  start(): Promise<string>;
  /** What those that serve answer in time. */
  askAll<T>(question: (ask: Ask) => Promise<T>): Promise<T[]>;
  /** Has each do something for which it may take its time. Whoever fails, gives false or takes longer is replaced. */
  orderAll(order: (ask: Ask) => Promise<boolean>, timeout: number): Promise<void>;
  /** Of those that serve, and the counts of those that have ended. */
  metrics(): Promise<CollectedMetrics[]>;
  state(): { serving: number; wanted: number; ended: number };
  /** Ends all of them at once. */
  kill(): void;
  /** Has all of them stop. @returns the sum of their answers, and how many gave none */
  end(order: (ask: Ask) => Promise<number>): Promise<{ cut: number; lost: number }>;
}

interface Member {
  worker: Worker;
  ask: Ask;
  metrics: CollectedMetrics;
}

export interface PoolOptions {
  wanted: number;
  log: Log;
  /** Gives a new process what it serves by, and once it serves what has changed meanwhile. */
  begin(ask: Ask): Promise<{ url: string; catchUp(): Promise<boolean> }>;
  /** Told where none is left, not even one that starts. */
  onNoneLeft(): void;
}

export function createPool({ wanted, log, begin, onNoneLeft }: PoolOptions): Pool {
  const members = new Map<number, Member>();
  const backOff = createBackOff();
  let gone: CollectedMetrics = [];
  let ended = 0;
  let isUp = false;
  let isStopping = false;

  async function startOne(): Promise<string> {
    const worker = cluster.fork();
    const ask = createAsking(worker);
    try {
      const { url, catchUp } = await begin(ask);
      members.set(worker.id, { worker, ask, metrics: [] });
      backOff.started(worker.id);
      if (!(await catchUp())) throw new ProcessError("a process does not take the configuration");
      return url;
    } catch (error) {
      worker.process.kill("SIGKILL"); // it may hang; its end is looked after below
      throw error;
    }
  }

  cluster.on("exit", ({ id, process: { pid } }, code, signal) => {
    const member = members.get(id);
    members.delete(id);
    if (member !== undefined) gone = addUpCounts(gone, member.metrics);
    // One that never served, at the first start, ends that start.
    if (isStopping || (!isUp && member === undefined)) return;
    ended += 1;
    const wait = backOff.ended(id);
    log("error", "process ended", { pid, status: code ?? undefined, signal: signal ?? undefined, next_try_ms: wait });
    if (alive(id).length === 0) onNoneLeft();
    // Whoever does not start ends too, and comes here again.
    setTimeout(wait).then(() => (isStopping ? undefined : startOne().catch(() => {})));
  });

  /** @returns whether it answered in time */
  const readMetrics = async (member: Member, timeout: number): Promise<boolean> => {
    const answer = await member.ask({ order: "metrics" }, timeout).catch(() => undefined);
    if (answer !== undefined) member.metrics = answer;
    return answer !== undefined;
  };

  const watch = setInterval(() => {
    for (const member of members.values()) {
      readMetrics(member, HUNG_MS).then((isWell) => {
        if (!isWell && members.has(member.worker.id)) end(member, "process does not answer");
      });
    }
  }, HUNG_MS);
  watch.unref();

  function end({ worker }: Member, why: string): void {
    log("error", why, { pid: worker.process.pid });
    worker.process.kill("SIGKILL");
  }

  return {
    async start() {
      try {
        // One after the other at first: what is wrong with the port is said once.
        const url = await startOne();
        await Promise.all(Array.from({ length: wanted - 1 }, startOne));
        isUp = true;
        return url;
      } catch (error) {
        killAll();
        throw error;
      }
    },
    async askAll(question) {
      const answers = await Promise.allSettled([...members.values()].map(({ ask }) => question(ask)));
      return answers.flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
    },
    async orderAll(order, timeout) {
      const each = [...members.values()].map(async (member) => {
        const isDone = await within(order(member.ask), timeout).catch(() => false);
        if (!isDone && members.has(member.worker.id)) end(member, "process does not obey");
      });
      await Promise.all(each);
    },
    async metrics() {
      await Promise.all([...members.values()].map((member) => readMetrics(member, ANSWER_TIMEOUT_MS)));
      return [gone, ...[...members.values()].map(({ metrics }) => metrics)];
    },
    kill: killAll,
    state: () => ({ serving: members.size, wanted, ended }),
    async end(order) {
      isStopping = true;
      clearInterval(watch);
      // Those that only start serve nobody.
      for (const worker of alive()) if (!members.has(worker.id)) worker.process.kill("SIGKILL");
      const all = [...members.values()].map((member) => ({ ...member, exit: exitOf(member.worker) }));
      const answers = await Promise.allSettled(all.map(({ ask }) => order(ask)));
      await Promise.race([
        Promise.all(all.map(({ exit }) => exit)),
        setTimeout(END_TIMEOUT_MS, undefined, { ref: false }),
      ]);
      killAll();
      const cut = answers.reduce((sum, answer) => sum + (answer.status === "fulfilled" ? answer.value : 0), 0);
      return { cut, lost: answers.filter(({ status }) => status === "rejected").length };
    },
  };
}

/** Unlike events.once, which fails with the first error of its channel. */
function exitOf(worker: Worker): Promise<void> {
  return new Promise((resolve) => worker.once("exit", () => resolve()));
}

function alive(but?: number): Worker[] {
  return Object.values(cluster.workers ?? {}).filter(
    (worker): worker is Worker => worker !== undefined && worker.id !== but && !worker.isDead(),
  );
}

function killAll(): void {
  for (const worker of alive()) worker.process.kill("SIGKILL");
}

async function within<T>(promise: Promise<T>, timeout: number): Promise<T | undefined> {
  return Promise.race([promise, setTimeout(timeout, undefined, { ref: false })]);
}
