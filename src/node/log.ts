// The log on Node: pino's lines on standard output, written without blocking calls or the exit.

import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { isatty } from "node:tty";
import { pino, stdTimeFunctions } from "pino";
import sonicBoom from "sonic-boom";
import type { Config } from "../config/parse.ts";
import type { Log, LogLevel } from "../core/ports.ts";
import { readableLine } from "./log-line.ts";

const STDOUT = 1;
/** May wait for a slow reader. Lines beyond are dropped, so that they cannot fill the memory. */
const MAX_WAITING_BYTES = 8_388_608;
const GATHER_MS = 10;
const RETRY_MS = 20;
const EXIT_TIMEOUT_MS = 500;

export function createNodeLog({ level, format }: Config["log"]) {
  const isPretty = format === "pretty" || (format === "auto" && isatty(STDOUT));
  const output = createOutput((lines) => log("warn", "lines of the log found no reader and no room", { lines }));
  const { NO_COLOR, TERM } = process.env;
  const isColoured = isatty(STDOUT) && !NO_COLOR && TERM !== "dumb";
  const logger = pino(
    {
      ...{ level, messageKey: "event", base: null, timestamp: stdTimeFunctions.isoTime },
      formatters: { level: (label) => ({ level: label }) },
    },
    isPretty ? { write: (line) => output.write(readableLine(line, isColoured)) } : output,
  );
  const log: Log = (at, event, fields = {}) => logger[at](fields, event);
  return {
    log,
    setLevel(next: LogLevel) {
      logger.level = next;
    },
    /** Writes what is waiting, for half a second at most. Later lines are dropped. */
    close: output.close,
  };
}

/** Gathers lines, and reports how many it dropped once there is room again. */
function createOutput(reportDropped: (lines: number) => void) {
  const kind = fstatSync(STDOUT);
  const isPipe = kind.isFIFO() || kind.isSocket();
  const unblock = isPipe ? createUnblock() : () => {};
  let gathered = "";
  let dropped = 0;
  let timer: NodeJS.Timeout | undefined;
  let failure: string | undefined;
  let isClosed = false;

  // A pipe that does not block needs no thread pool; a file or terminal may block at any time.
  const destination = new sonicBoom.SonicBoom({
    fd: STDOUT,
    sync: isPipe,
    maxLength: MAX_WAITING_BYTES,
    retryEAGAIN: () => false, // SonicBoom pauses for 100 ms; in sync mode it blocks the event loop
  });
  destination.on("drop", (lines: string) => {
    dropped += lines.split("\n").length - 1;
    destination.flush(); // an error if there still is no room, and so a retry
  });
  destination.on("drain", () => {
    if (dropped === 0) return;
    reportDropped(dropped);
    dropped = 0;
  });
  destination.on("error", ({ code }: NodeJS.ErrnoException) => {
    failure = code;
    if (!isClosed) flushIn(RETRY_MS);
  });

  /** @returns the error code if something could not be written; it waits in the destination */
  function flush(): string | undefined {
    clearTimeout(timer);
    timer = undefined;
    failure = undefined;
    unblock();
    destination.write(gathered);
    gathered = "";
    return failure;
  }
  function flushIn(ms: number): void {
    timer ??= setTimeout(flush, ms).unref();
  }
  function flushAtExit(): void {
    const deadline = performance.now() + EXIT_TIMEOUT_MS;
    const never = new Int32Array(new SharedArrayBuffer(4)); // waiting for it blocks, like sleep
    while (flush() === "EAGAIN" && performance.now() < deadline) Atomics.wait(never, 0, 0, 1);
    if (isPipe) return;
    try {
      destination.flushSync();
    } catch {
      // the disk is full or the terminal is gone
    }
  }
  process.once("exit", flushAtExit);

  return {
    write(line: string): void {
      if (isClosed) return;
      gathered += line;
      flushIn(GATHER_MS);
    },
    async close(): Promise<void> {
      const deadline = performance.now() + EXIT_TIMEOUT_MS;
      while (flush() === "EAGAIN" && performance.now() < deadline) await sleep(RETRY_MS);
      isClosed = true;
      process.off("exit", flushAtExit);
      if (isPipe) return;
      const closed = new Promise((resolve) => destination.once("close", resolve));
      destination.end();
      await Promise.race([closed, sleep(EXIT_TIMEOUT_MS, undefined, { ref: false })]);
    },
  };
}

/**
 * Makes writes to a full pipe fail at once instead of blocking.
 * @returns a function to call before every write: other Node processes undo it when they exit
 */
function createUnblock(): () => void {
  const socket = new Socket({ fd: STDOUT, readable: false, writable: true });
  const { _handle } = socket as { _handle?: { setBlocking?(blocking: boolean): void } };
  return () => _handle?.setBlocking?.(false);
}
