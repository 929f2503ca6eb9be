// What the process that the user starts and those that serve for it say to each other.

import type { CollectedMetrics } from "../platform/node/metrics.ts";
import type { Snapshot } from "../status/snapshot.ts";

/** To one that serves. Each has an answer of the same `id`. */
export type Order = { id: number } & (
  | { order: "start"; identitiesKey: string }
  | { order: "snapshot" }
  | { order: "metrics" }
  | { order: "reload" }
  | { order: "stop"; atOnce: boolean }
  | { order: "abort" }
);

export type OrderName = Order["order"];

/** What is answered to each. A process that cannot start says so itself and ends. */
export interface Answers {
  start: { url: string };
  snapshot: Snapshot;
  metrics: CollectedMetrics;
  /** Whether the configuration was taken. */
  reload: boolean;
  /** How many calls were cut off. */
  stop: number;
  abort: number;
}

export interface Reply {
  id: number;
  answer: Answers[OrderName];
}
