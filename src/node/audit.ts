// The audit file of `log.audit`: lines are appended together, and a call waits until its is
// written.

import { constants, createReadStream } from "node:fs";
import { appendFile, stat } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { inTime } from "../core/deadline.ts";
import { TokenProxyError } from "../core/errors.ts";
import { INVISIBLE } from "../core/invisible.ts";
import type { Audit, AuditLine, Log } from "../core/ports.ts";
import { nodeClock, nodeSha256 } from "./host.ts";

/** Lines that wait for a slow disk; further ones fail. */
const MAX_WAITING_CHARS = 8_388_608;
const WRITE_TIMEOUT_MS = 2_000;
const OPTIONS = {
  // Opening a pipe without a reader would block a thread for ever, and with it the exit.
  flag: constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NONBLOCK,
  mode: 0o600, // the lines say who got which token
};
/** A provider's text could move the cursor of the terminal that shows the file, or hide. */
const UNPRINTABLE = new RegExp(INVISIBLE, "gu");

export interface AuditFile extends Audit {
  close(): Promise<void>;
}

/**
 * The file is opened for each write, so it can be moved away at any time.
 * @param required whether a call fails if its intent cannot be written
 * @throws {NodeJS.ErrnoException} if the file cannot be written now
 */
export async function openAuditFile(path: string, required: boolean, log: Log): Promise<AuditFile> {
  await withDeadline(appendFile(path, "", OPTIONS));
  let gathered = "";
  let written: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  /** A crash or a full disk may have left half a line, to which nothing must be joined. */
  let mayBeTorn = true;
  let isFailing = false;
  let lost = 0;

  async function flush(): Promise<void> {
    next = undefined;
    const lines = gathered;
    gathered = "";
    try {
      const isTorn = mayBeTorn && (await endsInHalfALine(path).catch(() => false));
      mayBeTorn = true;
      await appendFile(path, isTorn ? `\n${lines}` : lines, OPTIONS);
    } catch (error) {
      lost += lines.split("\n").length - 1;
      throw error;
    }
    mayBeTorn = false;
    if (isFailing) log("warn", "audit lines are written again", { file: path, lost });
    isFailing = false;
    lost = 0;
  }

  function append(line: AuditLine): Promise<void> {
    if (gathered.length > MAX_WAITING_CHARS) return Promise.reject(new Error("too many lines wait"));
    gathered += `${JSON.stringify(line).replaceAll(UNPRINTABLE, escaped)}\n`;
    if (next === undefined) {
      next = written.then(flush, flush);
      written = next;
    }
    return withDeadline(next);
  }

  function report(error: NodeJS.ErrnoException): void {
    if (!isFailing) log("error", "audit lines are not written", { file: path, cause: error.code ?? error.message });
    isFailing = true;
  }

  return {
    sha256: nodeSha256,
    async intent(line) {
      try {
        await append(line);
      } catch (cause) {
        report(cause as Error);
        if (!required) return;
        const message = 'the line in "log.audit.file" cannot be written, so no token is requested';
        throw new TokenProxyError("audit_failed", message, { cause, retryAfter: 5 });
      }
    },
    result: (line) => void append(line).catch(report),
    close: () => withDeadline(written).catch(report),
  };
}

/** As JSON writes it: two escapes for a character beyond U+FFFF. */
const escaped = (character: string) =>
  character.replaceAll(/[\s\S]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** A pipe has size 0. */
async function endsInHalfALine(path: string): Promise<boolean> {
  const { size } = await stat(path);
  return size > 0 && (await text(createReadStream(path, { start: size - 1 }))) !== "\n";
}

const withDeadline = <T>(writing: Promise<T>): Promise<T> =>
  inTime(writing, WRITE_TIMEOUT_MS, nodeClock.elapsed, () => new Error("the disk did not answer in 2 s"));
