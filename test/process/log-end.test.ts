// The last lines of the log where it goes to a file: none is lost with a process that ends in the turn that wrote it, and none that
// comes too late ends the process another way.

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "token-proxy-log-end-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MODULE = pathToFileURL(resolve("src/platform/node/log-output.ts"));

/** Runs a program that has the output at hand as `out`. @returns its exit status, and what the file then holds */
function run(program: string) {
  const path = join(folder, "log");
  const file = openSync(path, "w");
  const source = `import { createLogOutput } from "${MODULE}"; const out = createLogOutput((n) => n + " dropped\\n"); ${program}`;
  const { status } = spawnSync(process.execPath, ["--input-type=module", "-e", source], {
    stdio: ["ignore", file, "pipe"],
  });
  closeSync(file);
  return { status, text: readFileSync(path, "utf8") };
}

describe("the log's file", () => {
  it("has the lines of the turn in which the process exits", () => {
    expect(run('out.write("one\\n"); out.write("two\\n"); process.exit(3);')).toEqual({
      status: 3,
      text: "one\ntwo\n",
    });
  });

  it("has each once and whole where the thread pool has not come to those before, which then follow", () => {
    const program = `import { pbkdf2 } from "node:crypto";
      for (let i = 0; i < 4; i += 1) pbkdf2("", "", 200_000, 32, "sha256", () => {});
      out.write("a".repeat(1e6) + "\\n"); setImmediate(() => { out.write("b\\n"); process.exit(0); });`;
    const { status, text } = run(program);
    expect(status).toBe(0);
    expect(text.split("\n").sort()).toEqual(["", "a".repeat(1e6), "b"]); // the time in each line tells their order
  });

  it("has all lines before its end, and passes over those that come later", () => {
    const program =
      'out.write("one\\n"); const end = out.close(); out.write("late\\n"); await end; out.write("later\\n"); setTimeout(() => process.exit(0), 50);';
    expect(run(program)).toEqual({ status: 0, text: "one\n" });
  });
});
