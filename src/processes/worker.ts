// One of the processes that serve: takes its orders from the one that the user started, and leaves signals to that one.

import cluster from "node:cluster";
import { type Load, type Serving, startService } from "../node.ts";
import { Secret } from "../secret.ts";
import type { Answers, Order, OrderName, Reply } from "./messages.ts";

/** Whether this process was started by another one, to serve for it. */
export function isServingProcess(): boolean {
  return cluster.isWorker;
}

/**
 * Serves until it is told to stop. A signal that goes to all processes of a terminal or a service manager is not for this one.
 * @throws {ConfigError | ListenError} as startService
 */
export async function serveForOthers(load: Load): Promise<void> {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const first = await nextOrder();
  if (first.order !== "start") throw new Error("the first order to a process must be start");
  const identitiesKey = new Secret(first.identitiesKey);
  const service = await startService(load, { admin: false, identitiesKey }).catch((error: unknown) => {
    process.channel?.unref(); // which would keep this process alive
    throw error;
  });
  reply({ id: first.id, answer: { url: service.url } });

  process.on("message", async (order: Order) => {
    const answer = await carryOut(service, order);
    reply({ id: order.id, answer }, () => {
      if (order.order === "stop" || order.order === "abort") process.exit(0);
    });
  });
}

function carryOut(service: Serving, order: Order): Answers[OrderName] | Promise<Answers[OrderName]> {
  switch (order.order) {
    case "snapshot":
      return service.snapshot();
    case "metrics":
      return service.metrics();
    case "reload":
      return service.reload();
    case "stop":
      return service.stop(order.atOnce);
    case "abort":
      return service.abort();
    case "start":
      return { url: service.url };
  }
}

function nextOrder(): Promise<Order> {
  return new Promise((resolve) => process.once("message", resolve));
}

function reply(message: Reply, sent?: () => void): void {
  process.send?.(message, undefined, undefined, () => sent?.());
}
