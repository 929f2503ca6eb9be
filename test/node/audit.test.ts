// The audit file on real disks: one that works, one that is full, one that is torn.

import { execFileSync } from "node:child_process";
import { constants } from "node:fs";
import { mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openAuditFile } from "../../src/node/audit.ts";
import { fakeLog, thrownBy } from "../support/fakes.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Every write to it fails with ENOSPC. */
const FULL_DISK = "/dev/full";

const folder = temporaryFolder();

const lines = async (path: string) =>
  (await readFile(path, "utf8"))
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line));

describe("the audit file", () => {
  it("has every line once it is written, also of calls at the same time", async () => {
    const path = join(folder, "many");
    const audit = await openAuditFile(path, true, fakeLog().log);
    const numbers = Array.from({ length: 500 }, (_, number) => number);
    await Promise.all(numbers.map((number) => audit.intent({ number })));
    audit.result({ number: 500 });
    await audit.close();
    expect((await lines(path)).map(({ number }) => number)).toEqual([...numbers, 500]);
  });

  it("may be read only by the user that runs the proxy", async () => {
    const path = join(folder, "private");
    await openAuditFile(path, true, fakeLog().log);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it("can be moved away, and is made again", async () => {
    const path = join(folder, "moved");
    const audit = await openAuditFile(path, true, fakeLog().log);
    await audit.intent({ number: 1 });
    await rm(path);
    await audit.intent({ number: 2 });
    expect(await lines(path)).toEqual([{ number: 2 }]);
  });

  it("with half a line at its end, after a crash, loses no further line", async () => {
    const path = join(folder, "torn");
    await writeFile(path, '{"number":1}\n{"num');
    const audit = await openAuditFile(path, true, fakeLog().log);
    await audit.intent({ number: 2 });
    const [first, torn, second] = (await readFile(path, "utf8")).split("\n");
    expect([first, torn, second]).toEqual(['{"number":1}', '{"num', '{"number":2}']);
  });

  it("shows no character that moves or hides text on a terminal, and keeps every value", async () => {
    const path = join(folder, "terminal");
    const audit = await openAuditFile(path, true, fakeLog().log);
    const hostile = "a\x9b2J\x7f\u0085b\u202ec\u2028d\u200be\u{e0041}f\u2029\ufeff";
    await audit.intent({ jti: hostile });
    expect(await readFile(path, "utf8")).toMatch(/^[\x20-\x7e]+\n$/);
    expect(await lines(path)).toEqual([{ jti: hostile }]);
  });

  it("that cannot be written at the start is an error", async () => {
    const error = await thrownBy(() => openAuditFile(join(folder, "missing", "file"), true, fakeLog().log));
    expect(error).toMatchObject({ code: "ENOENT" });
  });

  it("that is a pipe without a reader is an error at once, and holds up no thread and no exit", async () => {
    const path = join(folder, "unread");
    execFileSync("mkfifo", [path]);
    const error = await thrownBy(() => openAuditFile(path, true, fakeLog().log));
    expect(error).toMatchObject({ code: "ENXIO" });
  });
});

it("says how many lines were lost once it can be written again, and begins a new file without an empty line", async () => {
  const { log, lines: logged } = fakeLog();
  const path = join(folder, "lost");
  const audit = await openAuditFile(path, false, log);
  await rm(path);
  await mkdir(path);
  for (const number of [1, 2]) await audit.intent({ number });
  await rm(path, { recursive: true });
  await audit.intent({ number: 3 });
  expect(await readFile(path, "utf8")).toBe('{"number":3}\n');
  expect(logged.map(({ event, fields }) => [event, fields.lost])).toEqual([
    ["audit lines are not written", undefined],
    ["audit lines are written again", 2],
  ]);
});

describe.skipIf(process.platform === "win32")("a pipe in the place of the file", () => {
  it("gets the lines if somebody reads them", async () => {
    const path = join(folder, "read");
    execFileSync("mkfifo", [path]);
    const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const audit = await openAuditFile(path, true, fakeLog().log);
    await audit.intent({ number: 1 });
    const { buffer, bytesRead } = await reader.read();
    await reader.close();
    expect(buffer.toString("utf8", 0, bytesRead)).toBe('{"number":1}\n');
  });

  it("fails calls at once, and does not outlast the pipe", async () => {
    const path = join(folder, "pipe");
    const audit = await openAuditFile(path, true, fakeLog().log);
    await rm(path);
    execFileSync("mkfifo", [path]);
    const error = await thrownBy(() => audit.intent({ number: 1 }));
    expect(error).toMatchObject({ code: "audit_failed", cause: { code: "ENXIO" } });
    await rm(path);
    await audit.intent({ number: 2 });
    expect(await lines(path)).toEqual([{ number: 2 }]);
  });
});

describe.skipIf(process.platform !== "linux")("a full disk", () => {
  it("fails the call if the line is required, and is logged once", async () => {
    const { log, lines: logged } = fakeLog();
    const audit = await openAuditFile(FULL_DISK, true, log);
    for (const number of [1, 2]) {
      expect(await thrownBy(() => audit.intent({ number }))).toMatchObject({
        code: "audit_failed",
        message: 'the line in "log.audit.file" cannot be written, so no token is requested',
      });
    }
    expect(logged).toEqual([
      { level: "error", event: "audit lines are not written", fields: { file: FULL_DISK, cause: "ENOSPC" } },
    ]);
  });

  it("fails no call if the line is not required", async () => {
    const { log, lines: logged } = fakeLog();
    const audit = await openAuditFile(FULL_DISK, false, log);
    await audit.intent({ number: 1 });
    audit.result({ number: 1 });
    await audit.close();
    expect(logged).toHaveLength(1);
  });
});
