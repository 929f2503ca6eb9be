// What Workers give to the core: clock, identifiers, hashing, the log.

import { hex } from "../core/hex.ts";
import { isLogged, logLine } from "../core/log-line.ts";
import type { Clock, CreateBulkhead, HashText, Ids, Log, LogLevel, Sha256 } from "../core/ports.ts";

/** The bindings of wrangler.toml, secrets among them. */
export type Env = Readonly<Record<string, unknown>>;

export const workerClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const workerIds: Ids = {
  uuid: () => crypto.randomUUID(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

export const workerSha256: Sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));

/**
 * No limit: Cloudflare starts further isolates and limits the connections of each request itself. A place that a call holds could
 * be lost with it, since a call whose client has gone may be cut off without an end.
 */
export const workerBulkhead: CreateBulkhead = () => ({
  enter: () => true,
  leave: () => {},
  state: () => ({ inFlight: 0, queued: 0 }),
});

const utf8 = new TextEncoder();

export const workerHashText: HashText = async (text) => hex(await workerSha256(utf8.encode(text)));

/** One JSON object per line, the same members as on Node. */
export function createWorkerLog(level: LogLevel): Log {
  return (at, event, fields) => {
    if (isLogged(at, level)) console[at](logLine(at, Date.now(), event, fields));
  };
}
