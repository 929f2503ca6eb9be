// What the runtime, Node or Workers, supplies to the app. Tests replace parts of it.

import type { Tracer } from "@opentelemetry/api";
import type { OnReport } from "./call-report.ts";
import type { CreateRateLimiter, Inbound } from "./inbound.ts";
import type { Audit, Clock, CreateBulkhead, HashText, Ids, Log } from "./ports.ts";
import type { CreateTransport } from "./transport.ts";

/** @param key with all settings that matter: if they stay the same, a reload keeps the memory */
export type Keep = <T>(key: string, create: () => T) => T;

export const keepNothing: Keep = (_key, create) => create();

export interface Runtime {
  createTransport: CreateTransport;
  createRateLimiter: CreateRateLimiter;
  createBulkhead: CreateBulkhead;
  keep?: Keep | undefined;
  /** Whether calls may wait for one promise: on Workers it would never settle (workerd#210). */
  sharesPromises?: boolean | undefined;
  hashText: HashText;
  clock: Clock;
  ids: Ids;
  log: Log;
  tracer: Tracer;
  onReport: OnReport;
  inbound: Inbound;
  /** Undefined without `log.audit`. */
  audit?: Audit | undefined;
  /** Limit for calls in flight, and a separate one of the same size for exchanges. */
  maxInFlight: number;
  /** Whether the app answers /healthz: on Workers, which have no admin listener. */
  hasHealth: boolean;
}
