// What Workers supply to the core: clock, ids, hashing, the log.

import { hex } from "../core/hex.ts";
import type { Clock, CreateBulkhead, HashText, Ids, Log, LogLevel, Sha256 } from "../core/ports.ts";

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

/**
 * No limit: Cloudflare starts more isolates and limits the connections of each request itself. A
 * place could also get lost, because a call whose caller hung up may just be cut off.
 */
export const workerBulkhead: CreateBulkhead = () => ({
  enter: () => true,
  leave: () => {},
  state: () => ({ inFlight: 0, queued: 0 }),
});

const SEVERITY: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

/** One JSON object per line, with the same members as on Node. */
export function createWorkerLog(least: LogLevel): Log {
  return (level, event, fields) => {
    if (SEVERITY[level] > SEVERITY[least]) return;
    console[level](JSON.stringify({ level, time: new Date().toISOString(), ...fields, event }));
  };
}
