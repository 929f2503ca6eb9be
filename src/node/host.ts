// What Node gives to the core: clock, identifiers, hashing, the log.

import cluster from "node:cluster";
import { hash, randomBytes, randomUUID } from "node:crypto";
import { isatty } from "node:tty";
import { isLogged, logLine } from "../core/log-line.ts";
import type { Clock, HashText, Ids, Log, LogFields, LogLevel, Sha256 } from "../core/ports.ts";
import { createLogOutput, STDOUT } from "./log-output.ts";

export const nodeClock: Clock = { now: () => Date.now(), elapsed: () => performance.now() };

export const nodeIds: Ids = { uuid: () => randomUUID(), random: (length) => randomBytes(length) };

export const nodeSha256: Sha256 = (bytes) => hash("sha256", bytes, "buffer");

/** One-shot and synchronous: cheaper than createHash, and far cheaper than WebCrypto's promise. */
export const nodeHashText: HashText = (text) => hash("sha256", text, "hex");

export type LogFormat = "auto" | "json" | "pretty";

export interface NodeLog {
  log: Log;
  setLevel(level: LogLevel): void;
  /** Writes out what is still buffered, as far as its reader takes it in a moment. Nothing can be logged after it. */
  close(): Promise<void>;
}

/**
 * Lines on standard output: JSON, or made for people. Writing is asynchronous, so that a slow reader of the log holds up no call.
 * @param format `auto` is made for people where they read it, on a terminal
 */
export async function createNodeLog({ level, format }: { level: LogLevel; format: LogFormat }): Promise<NodeLog> {
  const isPretty = format === "pretty" || (format === "auto" && isatty(STDOUT));
  const finish = isPretty ? await createPrettifier() : (line: string) => `${line}\n`;
  const pid = cluster.isWorker ? { pid: process.pid } : undefined;
  const lineOf = (at: LogLevel, event: string, fields?: LogFields) =>
    finish(logLine(at, Date.now(), event, pid ? { ...pid, ...fields } : fields));
  const output = createLogOutput((lines) => lineOf("warn", "lines of the log found no reader and no room", { lines }));
  let least = level;
  return {
    log(at, event, fields) {
      if (isLogged(at, least)) output.write(lineOf(at, event, fields));
    },
    setLevel(next) {
      least = next;
    },
    close: output.close,
  };
}

/** Loaded only where it is used: the start of a service does not wait for it. */
async function createPrettifier(): Promise<(line: string) => string> {
  const { prettyFactory } = await import("pino-pretty");
  const { NO_COLOR, TERM } = process.env;
  return prettyFactory({
    colorize: isatty(STDOUT) && !NO_COLOR && TERM !== "dumb",
    singleLine: true,
    messageKey: "event",
    translateTime: "SYS:HH:MM:ss.l",
  });
}
