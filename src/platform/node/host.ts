// What Node gives to the core: clock, identifiers, hashing, the log.

import { hash, randomBytes, randomUUID } from "node:crypto";
import pino from "pino";
import type { Clock, Ids, Log, LogLevel, Sha256 } from "../../ports.ts";
import { createLogOutput } from "./log-output.ts";

export const nodeClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const nodeIds: Ids = { uuid: () => randomUUID(), random: (length) => randomBytes(length) };

/** One-shot and synchronous: cheaper than createHash, and far cheaper than WebCrypto's promise. */
export const nodeSha256: Sha256 = (bytes) => hash("sha256", bytes, "buffer");

export interface NodeLog {
  log: Log;
  setLevel(level: LogLevel): void;
  /** Writes out what is still buffered, as far as its reader takes it in a moment. Nothing can be logged after it. */
  close(): Promise<void>;
}

/** JSON lines on standard output. Writing is asynchronous, so that a slow reader of the log holds up no call. */
export function createNodeLog(level: LogLevel): NodeLog {
  const output = createLogOutput();
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "event",
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    output,
  );
  return {
    log: (at, event, fields) => logger[at](fields ?? {}, event),
    setLevel(next) {
      logger.level = next;
    },
    close: output.close,
  };
}
