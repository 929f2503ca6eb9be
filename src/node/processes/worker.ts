// One of the processes that serve: takes its orders from the one that the user started, and leaves signals to that one.

import cluster from "node:cluster";
import { parseConfig } from "../../config/parse.ts";
import { Secret } from "../../core/secret.ts";
import { createNodeCredentialHost } from "../credentials.ts";
import { type Loaded, type Serving, startService } from "../service.ts";
import type { Answers, Order, OrderName, Reply, Taken } from "./messages.ts";

/** Whether this process was started by another one, to serve for it. */
export function isServingProcess(): boolean {
  return cluster.isWorker;
}

/**
 * Serves until it is told to stop; signals are not for it (commands/signals.ts).
 * @throws {ConfigError | ListenError} as startService
 */
export async function serveForOthers(): Promise<void> {
  const first = await nextOrder();
  if (first.order !== "start") throw new Error("the first order to a process must be start");
  let { taken } = first;
  const { lastReload } = first;
  const identitiesKey = new Secret(first.identitiesKey);
  const service = await startService(() => loadTaken(taken), { admin: false, identitiesKey, lastReload }).catch(
    (error: unknown) => {
      process.channel?.unref(); // which would keep this process alive
      throw error;
    },
  );
  reply({ id: first.id, answer: { url: service.url } });

  /** One after the other, so that what was ordered last is what stays. */
  let reloads: Promise<unknown> = Promise.resolve();
  process.on("message", async (order: Order) => {
    let answer: ReturnType<typeof carryOut>;
    if (order.order === "reload") {
      taken = order.taken;
      answer = reloads.then(() => service.reload());
      reloads = answer;
    } else answer = carryOut(service, order);
    reply({ id: order.id, answer: await answer }, () => {
      if (order.order === "stop" || order.order === "abort") process.exit(0);
    });
  });
}

function carryOut(
  service: Serving,
  order: Exclude<Order, { order: "reload" }>,
): Answers[OrderName] | Promise<Answers[OrderName]> {
  switch (order.order) {
    case "snapshot":
      return service.snapshot();
    case "metrics":
      return service.metrics();
    case "refused":
      service.noteReload(order.lastReload);
      return true;
    case "stop":
      return service.stop(order.atOnce);
    case "abort":
      return service.abort();
    case "start":
      return { url: service.url };
  }
}

function loadTaken({ path, text, secrets }: Taken): Loaded {
  const read = new Map(secrets);
  // It has all that the file names: nothing is read again.
  const host = {
    ...createNodeCredentialHost({}, "."),
    read: (reference: object) => read.get(JSON.stringify(reference)) as string,
  };
  return { path, text, file: parseConfig(text, path), host };
}

function nextOrder(): Promise<Order> {
  return new Promise((resolve) => process.once("message", resolve));
}

function reply(message: Reply, sent?: () => void): void {
  process.send?.(message, undefined, undefined, () => sent?.());
}
