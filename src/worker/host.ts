// What Workers supply to the core: ids, hashing, the log, fetch, rate limits.

import { createFetchTransport } from "../core/fetch-transport.ts";
import { hex } from "../core/hex.ts";
import type { CreateRateLimiter } from "../core/inbound.ts";
import type { Clock, HashText, Ids, Log, LogLevel, Sha256 } from "../core/ports.ts";
import type { CreateTransport } from "../core/transport.ts";

/** The bindings of wrangler.toml, including secrets. */
export type Env = Readonly<Record<string, unknown>>;

export const workerClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const workerIds: Ids = {
  uuid: () => crypto.randomUUID(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

export const workerSha256: Sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));

const utf8 = new TextEncoder();

export const workerHashText: HashText = async (text) => hex(await workerSha256(utf8.encode(text)));

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** One JSON object per line, with the same members as on Node. */
export function createWorkerLog(least: LogLevel): Log {
  return (level, event, fields) => {
    if (SEVERITY[level] > SEVERITY[least]) return;
    console[level](JSON.stringify({ level, time: new Date().toISOString(), ...fields, event }));
  };
}

/** The global fetch, or that of a binding with a client certificate. */
export function createWorkerTransports(env: Env): CreateTransport {
  return ({ tls }) =>
    createFetchTransport(
      tls?.binding === undefined ? fetch : (fetcherOf(env, tls.binding) as typeof fetch),
      workerClock.elapsed,
    );
}

/** @returns the fetch of an `mtls_certificates` binding; undefined if it is something else */
export function fetcherOf(env: Env, binding: string): typeof fetch | undefined {
  const fetcher = env[binding] as { fetch?: typeof fetch } | undefined;
  if (typeof fetcher?.fetch !== "function") return undefined;
  return (input, init) => (fetcher.fetch as typeof fetch)(input, init);
}

interface RateLimitBinding {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

export function isRateLimitBinding(binding: unknown): binding is RateLimitBinding {
  return typeof (binding as Partial<RateLimitBinding> | undefined)?.limit === "function";
}

/** The binding has its own limit. It does not say how long to wait, so refusals name the window. */
export function createWorkerRateLimiters(env: Env): CreateRateLimiter {
  return ({ window, binding }) => {
    const limiter = env[binding] as RateLimitBinding; // checked by credentials.ts
    return async (key) => ((await limiter.limit({ key })).success ? undefined : Math.ceil(window / 1000));
  };
}
