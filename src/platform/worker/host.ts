// What Workers give to the core: clock, identifiers, hashing, the log, and secrets from bindings.

import { type ReadSecret, SecretError } from "../../config/secrets.ts";
import type { Clock, Ids, Log, LogLevel, Sha256 } from "../../ports.ts";

/** The bindings of wrangler.toml, secrets among them. */
export type Env = Readonly<Record<string, unknown>>;

export const workerClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const workerIds: Ids = {
  uuid: () => crypto.randomUUID(),
  random: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

export const workerSha256: Sha256 = async (bytes) =>
  new Uint8Array(await crypto.subtle.digest("SHA-256", bytes as Uint8Array<ArrayBuffer>));

const SEVERITY = { error: 0, warn: 1, info: 2, debug: 3 } as const satisfies Record<LogLevel, number>;

/** One JSON object per line, the same members as on Node. */
export function createWorkerLog(level: LogLevel): Log {
  return (at, event, fields) => {
    if (SEVERITY[at] > SEVERITY[level]) return;
    console[at](JSON.stringify({ level: at, time: new Date().toISOString(), ...fields, event }));
  };
}

export function createWorkerReadSecret(env: Env): ReadSecret {
  return (reference) => {
    if ("file" in reference)
      throw new SecretError("names a file, which Workers do not have: use { env: NAME } and a secret binding");
    const text = env[reference.env];
    if (typeof text !== "string") {
      throw new SecretError(
        `names the binding ${reference.env}, which is not set: run "wrangler secret put ${reference.env}"`,
      );
    }
    return text;
  };
}
