// Where the lines of the log go on Node: standard output, without ever holding up a call or the end of the process.

import { fstatSync } from "node:fs";
import { Socket } from "node:net";
import pino from "pino";

export interface LogOutput {
  write(line: string): void;
  /** Writes out what waits, as far as its reader takes it in a moment. Nothing can be written after it. */
  close(): Promise<void>;
}

const STDOUT = 1;
/** What may wait for a slow reader. Beyond, lines are dropped: a log that nobody reads must not fill the memory. */
const MAX_WAITING_BYTES = 8_388_608;
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
  let waiting = "";
  const take = () => {
    const lines = waiting;
    waiting = "";
    return lines;
  };
  const flush = () => {
    if (waiting !== "") socket.write(take());
  };
  return {
    write(line) {
      if (socket.writableLength + waiting.length > MAX_WAITING_BYTES) return;
      if (waiting === "") setImmediate(flush); // one write for the lines of one turn
      waiting += line;
    },
    close: () => withinTimeout((done) => socket.end(take(), done)),
  };
}

function toFile(): LogOutput {
  const file = pino.destination({ dest: STDOUT, sync: false });
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
