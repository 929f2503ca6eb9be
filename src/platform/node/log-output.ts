// Where the lines of the log go on Node: standard output, without ever holding up a call or the end of the process.

import { fstatSync, writeSync } from "node:fs";
import { Socket } from "node:net";
import sonicBoom from "sonic-boom";

export interface LogOutput {
  write(line: string): void;
  /** Writes out what waits, as far as its reader takes it in a moment. Nothing can be written after it. */
  close(): Promise<void>;
}

/** @returns the line that tells how many found no room before it */
export type TellDropped = (lines: number) => string;

export const STDOUT = 1;
/** What may wait for a slow reader. Beyond, lines are dropped: a log that nobody reads must not fill the memory. */
const MAX_WAITING_BYTES = 8_388_608;
/**
 * What a pipe takes whole (PIPE_BUF on Linux), so that the lines of several processes do not get into each other. Therefore one write
 * comes after the other: those that wait together would be sent together.
 */
const ATOMIC_BYTES = 4_096;
const CLOSE_TIMEOUT_MS = 500;
/** For so long lines are gathered, to be written together: written at the end of each turn they cost 7 % more of a call's CPU. */
const GATHER_MS = 10;

/** A file or a terminal takes what it is given; the reader of a pipe may stop reading. */
export function createLogOutput(tellDropped: TellDropped): LogOutput {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? toPipe(tellDropped) : toFile(tellDropped);
}

/** Writes of the thread pool to a full pipe never end, and Node waits for them when it exits: so a socket, which does not block. */
function toPipe(tellDropped: TellDropped): LogOutput {
  const socket = new Socket({ fd: STDOUT, readable: false, writable: true });
  socket.unref();
  socket.on("error", () => {}); // its reader is gone: there is nowhere to write to
  /** Pieces of whole lines, each as long as a pipe takes whole, with their length in bytes. */
  let waiting: { text: string; length: number }[] = [];
  let waitingLength = 0;
  let dropped = 0;
  let busy = false;
  const flush = () => {
    const piece = waiting.shift();
    busy = piece !== undefined;
    if (piece === undefined) return;
    waitingLength -= piece.length;
    socket.write(piece.text, flush);
  };
  /** A crash ends the process before what it gathered is written. A pipe that is full takes nothing. */
  const flushAtExit = () => {
    if (socket.writableLength > 0) return; // a part of a line may be on its way
    try {
      for (const { text } of waiting) writeSync(STDOUT, text);
    } catch {
      // full, or its reader is gone
    }
  };
  process.once("exit", flushAtExit);
  return {
    write(given) {
      const line = dropped === 0 ? given : tellDropped(dropped) + given;
      const length = Buffer.byteLength(line);
      if (socket.writableLength + waitingLength + length > MAX_WAITING_BYTES) {
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
      if (busy) return;
      busy = true;
      setTimeout(flush, GATHER_MS);
    },
    close: () =>
      withinTimeout((done) => {
        // Not ended: where standard output is a socket, that would end it for other processes too.
        socket.write(waiting.map(({ text }) => text).join(""), () => done());
        waiting = [];
        process.off("exit", flushAtExit);
      }),
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
