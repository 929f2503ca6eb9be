// Where the lines of the log go on Node: standard output, without ever holding up a call or the end of the process.

import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import sonicBoom from "sonic-boom";

export interface LogOutput {
  write(line: string): void;
  /** Writes out what waits, as far as its reader takes it in a moment. Nothing can be written after it. */
  close(): Promise<void>;
}

export const STDOUT = 1;
/** What may wait for a slow reader. Beyond, lines are dropped: a log that nobody reads must not fill the memory. */
const MAX_WAITING_BYTES = 8_388_608;
/**
 * What a pipe takes whole (PIPE_BUF on Linux), so that the lines of several processes do not get into each other. Therefore one write
 * comes after the other: those that wait together would be sent together.
 */
const ATOMIC_BYTES = 4_096;
const CLOSE_TIMEOUT_MS = 500;

/** A file or a terminal takes what it is given; the reader of a pipe may stop reading. */
export function createLogOutput(): LogOutput {
  const kind = fstatSync(STDOUT);
  return kind.isFIFO() || kind.isSocket() ? toPipe() : toFile();
}

/** Writes of the thread pool to a full pipe never end, and Node waits for them when it exits: so a socket, which does not block. */
function toPipe(): LogOutput {
  const socket = new Socket({ fd: STDOUT, readable: false, writable: true });
  socket.unref();
  socket.on("error", () => {}); // its reader is gone: there is nowhere to write to
  /** Pieces of whole lines, each as long as a pipe takes whole. */
  let waiting: string[] = [];
  let waitingLength = 0;
  let busy = false;
  const flush = () => {
    const piece = waiting.shift();
    busy = piece !== undefined;
    if (piece === undefined) return;
    waitingLength -= piece.length;
    socket.write(piece, flush);
  };
  return {
    write(line) {
      if (socket.writableLength + waitingLength > MAX_WAITING_BYTES) return;
      const last = waiting.at(-1);
      if (last !== undefined && last.length + line.length <= ATOMIC_BYTES) waiting[waiting.length - 1] = last + line;
      else waiting.push(line);
      waitingLength += line.length;
      if (busy) return;
      busy = true;
      setImmediate(flush); // together with the other lines of this turn
    },
    close: () =>
      withinTimeout((done) => {
        // Not ended: where standard output is a socket, that would end it for other processes too.
        socket.write(waiting.join(""), () => done());
        waiting = [];
      }),
  };
}

function toFile(): LogOutput {
  const file = new sonicBoom.SonicBoom({ fd: STDOUT, sync: false, maxLength: MAX_WAITING_BYTES });
  file.on("error", () => {}); // a disk that is full, or a terminal that is gone: calls are answered all the same
  return {
    write: (line) => void file.write(line),
    close: () =>
      withinTimeout((done) => {
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
