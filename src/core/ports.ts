// What the core takes from the runtime instead of from globals: time, ids, hashing, logs.

import type { Tracer } from "@opentelemetry/api";
import type { OnReport } from "./call-report.ts";
import type { CreateRateLimiter, Inbound } from "./inbound.ts";
import type { CreateTransport } from "./transport.ts";

/** In milliseconds. */
export interface Clock {
  /** Since the epoch. */
  now(): number;
  /** Of a monotonic clock, for durations and deadlines. */
  elapsed(): number;
}

export interface Ids {
  /** A random UUID (RFC 9562, version 4). */
  uuid(): string;
  /** `length` cryptographically random bytes. */
  random(length: number): Uint8Array;
}

export type Sha256 = (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>;

/** SHA-256 of UTF-8 text, 64 lower-case hexadecimal digits. Only Workers return a promise. */
export type HashText = (text: string) => string | Promise<string>;

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** Writes one structured line. Callers never pass a secret, token, nonce, userid or body. */
export type Log = (level: LogLevel, event: string, fields?: LogFields) => void;

/** A limited number of places, with a short queue. */
export interface Bulkhead {
  /** @returns whether there is a place, now or within `wait` milliseconds */
  enter(wait: number): boolean | Promise<boolean>;
  leave(): void;
  state(): { inFlight: number; queued: number };
}

/** `queue` calls may wait for one of `limit` places. */
export type CreateBulkhead = (limit: number, queue: number) => Bulkhead;

export type AuditLine = Readonly<Record<string, unknown>>;

export interface Audit {
  sha256: Sha256;
  /** @throws {TokenProxyError} audit_failed if the line cannot be written, but must be */
  intent(line: AuditLine): Promise<void>;
  result(line: AuditLine): void;
}

/**
 * Called once everything is ready for a token request, just before it is sent.
 * @param scope as requested
 */
export type Announce = (scope: string | undefined) => Promise<void>;

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
