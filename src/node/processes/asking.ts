// Gives orders to one process and waits for its answers.

import type { Worker } from "node:cluster";
import type { Answers, Order, OrderName, Reply } from "./messages.ts";

type Given<Name extends OrderName> = Omit<Extract<Order, { order: Name }>, "id">;

/**
 * @param timeout milliseconds; without, for as long as the process lives
 * @throws {ProcessError}
 */
export type Ask = <Name extends OrderName>(
  order: Given<Name> & { order: Name },
  timeout?: number,
) => Promise<Answers[Name]>;

/** A process has ended, or does not answer. */
export class ProcessError extends Error {
  override readonly name = "ProcessError";
  /** Its exit status, where it has ended. */
  readonly status: number | undefined;

  constructor(message: string, status?: number) {
    super(message);
    this.status = status;
  }
}

export function createAsking(worker: Worker): Ask {
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>();
  let last = 0;
  worker.on("message", ({ id, answer }: Reply) => waiting.get(id)?.resolve(answer as never));
  worker.on("error", () => {}); // it cannot be told any more, as its end says too
  worker.on("exit", (status) => {
    for (const { reject } of waiting.values()) reject(new ProcessError("a process has ended", status ?? undefined));
  });

  return (order, timeout) => {
    last += 1;
    const id = last;
    return new Promise<never>((resolve, reject) => {
      waiting.set(id, { resolve, reject });
      if (timeout !== undefined)
        setTimeout(() => reject(new ProcessError("a process does not answer")), timeout).unref();
      worker.send({ id, ...order }, (error) => {
        if (error !== null) reject(new ProcessError("a process cannot be told"));
      });
    }).finally(() => waiting.delete(id));
  };
}
