// Where the lines of the log go on Node: standard output, without holding up a call, or the end of the process for more than a moment.

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
/** After so long a pipe that was full is tried again, and after twice as long each time that it still is. */
const RETRY_MS = 5;
const MAX_RETRY_MS = 80;
/** What a write fails with where nobody reads any more. */
const GONE: ReadonlySet<string | undefined> = new Set(["EPIPE", "ECONNRESET"]);
/** For so long the end waits for who reads: a pipe has room for a hundred lines or two, and its reader needs a moment. */
const END_TIMEOUT_MS = 500;
const NEVER = new Int32Array(new SharedArrayBuffer(4));
/** For so long lines are gathered, to be written together: written at the end of each turn they cost 7 % more of a call's CPU. */
const GATHER_MS = 10;

/** A file or a terminal takes what it is given; the reader of a pipe may stop reading. */
export function createLogOutput(tellDropped: TellDropped): LogOutput {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? toPipe(tellDropped) : toFile(tellDropped);
}

/** Whole lines, as long together as a pipe takes whole. */
interface Piece {
  text: string;
  /** In bytes. */
  length: number;
  /** With those that were dropped before and of which it tells. */
  lines: number;
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
  let waiting: Piece[] = [];
  let waitingLength = 0;
  let rest: { bytes: Buffer; lines: number } | undefined;
  let dropped = 0;
  let isTimed = false;
  let retryAfter = RETRY_MS;

  /** @returns what it found at its end: nothing more to write, no room to write to, or neither */
  const flush = (): "done" | "full" | "more" => {
    socket._handle?.setBlocking?.(false); // again: a Node process that shares the pipe sets it back when it ends
    for (let pieces = 0; pieces < PIECES_PER_TURN; pieces += 1) {
      rest ??= nextPiece();
      if (rest === undefined) return "done";
      const { bytes, lines } = rest;
      try {
        const written = writeSync(STDOUT, bytes);
        rest = written < bytes.length ? { bytes: bytes.subarray(written), lines } : undefined;
        retryAfter = RETRY_MS;
      } catch (error) {
        if (!GONE.has((error as NodeJS.ErrnoException).code)) return "full";
        // There is nowhere to write to, unless another reader comes.
        dropped += waiting.reduce((sum, piece) => sum + piece.lines, lines);
        [waiting, waitingLength, rest] = [[], 0, undefined];
      }
    }
    return "more";
  };
  const nextPiece = () => {
    const piece = waiting.shift();
    if (piece === undefined) return undefined;
    waitingLength -= piece.length;
    return { bytes: Buffer.from(piece.text), lines: piece.lines };
  };
  const inTime = (ms: number) => {
    isTimed = true;
    setTimeout(() => {
      isTimed = false;
      const state = flush();
      if (state === "more") inTime(0);
      else if (state === "full") {
        inTime(retryAfter);
        retryAfter = Math.min(2 * retryAfter, MAX_RETRY_MS);
      }
    }, ms).unref();
  };
  let patience = END_TIMEOUT_MS;
  process.once("exit", () => {
    const until = performance.now() + patience;
    for (let state = flush(); state !== "done" && performance.now() < until; state = flush()) {
      if (state === "full") Atomics.wait(NEVER, 0, 0, 1);
    }
  });
  return {
    write(given) {
      const line = dropped === 0 ? given : tellDropped(dropped) + given;
      const length = Buffer.byteLength(line);
      if (waitingLength + length > MAX_WAITING_BYTES) {
        dropped += 1;
        return;
      }
      const lines = dropped + 1;
      dropped = 0;
      const last = waiting.at(-1);
      if (last !== undefined && last.length + length <= ATOMIC_BYTES) {
        last.text += line;
        last.length += length;
        last.lines += lines;
      } else waiting.push({ text: line, length, lines });
      waitingLength += length;
      if (!isTimed) inTime(GATHER_MS);
    },
    async close() {
      const until = performance.now() + END_TIMEOUT_MS;
      for (let state = flush(); state !== "done" && performance.now() < until; state = flush()) {
        if (state === "full") await passing(RETRY_MS);
      }
      patience = 0;
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
    const timer = setTimeout(resolve, END_TIMEOUT_MS);
    end(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
