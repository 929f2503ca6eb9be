// Where the lines of the log go on Node: standard output, without ever holding up a call or the end of the process.

import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import { setTimeout as passing } from "node:timers/promises";
import sonicBoom from "sonic-boom";

export interface LogOutput {
  write(line: string): void;
  /** Writes out what waits, as far as its reader takes it in a moment. What is written after it may be lost. */
  close(): Promise<void>;
}

/** @returns the line that tells how many found no room before it */
export type TellDropped = (lines: number) => string;

export const STDOUT = 1;
/** What may wait for a slow reader. Beyond, lines are dropped: a log that nobody reads must not fill the memory. */
const MAX_WAITING_BYTES = 8_388_608;
/** What a pipe takes whole or not at all (PIPE_BUF on Linux), so that the lines of several processes do not get into each other. */
const ATOMIC_BYTES = 4_096;
/** A reader that comes back to much that waits does not hold up calls either. */
const PIECES_PER_TURN = 16;
/** After so long a pipe that was full is tried again. */
const RETRY_MS = 5;
const CLOSE_TIMEOUT_MS = 500;
/** For so long the end of the process waits for a reader: a pipe has room for a hundred lines or two, and its reader needs a moment. */
const EXIT_TIMEOUT_MS = 100;
const NEVER = new Int32Array(new SharedArrayBuffer(4));
/** For so long lines are gathered, to be written together: written at the end of each turn they cost 7 % more of a call's CPU. */
const GATHER_MS = 10;

/** A file or a terminal takes what it is given; the reader of a pipe may stop reading. */
export function createLogOutput(tellDropped: TellDropped): LogOutput {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? toPipe(tellDropped) : toFile(tellDropped);
}

/**
 * Writes of the thread pool to a full pipe never end, and Node waits for them when it exits: so they are made here, and of a pipe that
 * does not block. What it took in part is then known, and goes on where it was, at the end of the process too.
 */
function toPipe(tellDropped: TellDropped): LogOutput {
  const socket: Socket & { _handle?: { setBlocking?(blocking: boolean): void } } = new Socket({
    fd: STDOUT,
    readable: false,
    writable: true,
  });
  /** Pieces of whole lines, each as long as a pipe takes whole, with their length in bytes. */
  let waiting: { text: string; length: number }[] = [];
  let waitingLength = 0;
  let rest: Buffer | undefined;
  let dropped = 0;
  let isTimed = false;

  /** @returns whether nothing waits any more */
  const flush = (): boolean => {
    socket._handle?.setBlocking?.(false); // again: a Node process that shares the pipe sets it back when it ends
    for (let pieces = 0; pieces < PIECES_PER_TURN; pieces += 1) {
      rest ??= nextPiece();
      if (rest === undefined) return true;
      try {
        const written = writeSync(STDOUT, rest);
        rest = written < rest.length ? rest.subarray(written) : undefined;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EAGAIN") return false;
        // Its reader is gone: there is nowhere to write to, unless another one comes.
        [waiting, waitingLength, rest] = [[], 0, undefined];
      }
    }
    return false;
  };
  const nextPiece = () => {
    const piece = waiting.shift();
    if (piece === undefined) return undefined;
    waitingLength -= piece.length;
    return Buffer.from(piece.text);
  };
  const inTime = (ms: number) => {
    isTimed = true;
    setTimeout(() => {
      isTimed = false;
      if (!flush()) inTime(RETRY_MS);
    }, ms).unref();
  };
  process.once("exit", () => {
    const until = performance.now() + EXIT_TIMEOUT_MS;
    while (!flush() && performance.now() < until) Atomics.wait(NEVER, 0, 0, 1);
  });
  return {
    write(given) {
      const line = dropped === 0 ? given : tellDropped(dropped) + given;
      const length = Buffer.byteLength(line);
      if (waitingLength + length > MAX_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      dropped = 0;
      const last = waiting.at(-1);
      if (last !== undefined && last.length + length <= ATOMIC_BYTES) {
        last.text += line;
        last.length += length;
      } else waiting.push({ text: line, length });
      waitingLength += length;
      if (!isTimed) inTime(GATHER_MS);
    },
    async close() {
      const until = performance.now() + CLOSE_TIMEOUT_MS;
      while (!flush() && performance.now() < until) await passing(RETRY_MS);
    },
  };
}

/** The writer is given lines that were gathered: of those that it gathers itself it copies all for each one, to count their bytes. */
function toFile(tellDropped: TellDropped): LogOutput {
  const file = new sonicBoom.SonicBoom({ fd: STDOUT, sync: false, maxLength: MAX_WAITING_BYTES });
  let waiting = "";
  let lines = 0;
  let dropped = 0;
  let isFull = false;
  let isClosed = false;
  file.on("drop", () => {
    isFull = true;
  });
  file.on("error", () => {}); // a disk that is full, or a terminal that is gone: calls are answered all the same
  const flush = () => {
    if (lines === 0) return;
    isFull = false;
    file.write(dropped === 0 ? waiting : tellDropped(dropped) + waiting);
    dropped = isFull ? dropped + lines : 0;
    waiting = "";
    lines = 0;
  };
  /**
   * A crash ends the process before what it gathered is written. What the thread pool was given before is written too, as Node waits
   * for it, but may then come after: the time in each line tells.
   */
  const flushAtExit = () => {
    try {
      flush();
      file.flushSync();
    } catch {
      // the disk is full, or the terminal is gone
    }
  };
  process.once("exit", flushAtExit);
  return {
    write(line) {
      if (isClosed) return; // of a call that ends while the process does: the writer would throw
      if (lines === 0) setTimeout(flush, GATHER_MS);
      waiting += line;
      lines += 1;
    },
    close: () =>
      withinTimeout((done) => {
        flush();
        isClosed = true;
        process.off("exit", flushAtExit);
        file.once("close", done);
        file.end();
      }),
  };
}

function withinTimeout(end: (done: () => void) => void): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    end(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
