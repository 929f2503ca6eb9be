// What the process that the user starts and those that serve for it say to each other.

import type { ReloadSnapshot, Snapshot } from "../admin/snapshot.ts";
import type { CollectedMetrics } from "../metrics.ts";

/**
 * A configuration as it was taken: text and secrets. All processes go by it, whatever has become of the files since, until it is taken
 * anew.
 */
export interface Taken {
  path: string;
  text: string;
  /** Each reference, as JSON, with what it stood for. */
  secrets: readonly (readonly [reference: string, secret: string])[];
}

/** To one that serves. Each has an answer of the same `id`. */
export type Order = { id: number } & (
  | { order: "start"; identitiesKey: string; taken: Taken; lastReload: ReloadSnapshot | undefined }
  | { order: "snapshot" }
  | { order: "metrics" }
  | { order: "reload"; taken: Taken }
  | { order: "refused"; lastReload: ReloadSnapshot }
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
  refused: true;
  /** How many calls were cut off. */
  stop: number;
  abort: number;
}

export interface Reply {
  id: number;
  answer: Answers[OrderName];
}
