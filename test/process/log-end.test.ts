// The last lines of the log: none is lost with a process that ends in the turn that wrote it, and none that comes too late ends the
// process another way.

import { spawnSync } from "node:child_process";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, describe, expect, it } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "token-proxy-log-end-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const MODULE = pathToFileURL(resolve("src/platform/node/log-output.ts"));

/** The program has the output at hand as `out`. */
const sourceOf = (program: string) =>
  `import { createLogOutput } from "${MODULE}"; const out = createLogOutput((n) => n + " dropped\\n"); ${program}`;

/** @param stdout as spawn takes it */
const runOn = (stdout: "pipe" | number, program: string) =>
  spawnSync(process.execPath, ["--input-type=module", "-e", sourceOf(program)], {
    stdio: ["ignore", stdout, "pipe"],
    encoding: "utf8",
  });

/** @returns the program's exit status, and what a file then holds that was its output */
function run(program: string) {
  const path = join(folder, "log");
  const file = openSync(path, "w");
  const { status } = runOn(file, program);
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

describe("a pipe that is the log", () => {
  it("has the lines that were gathered when the process exits", () => {
    const long = '"a".repeat(5_000) + "\\n"';
    const { status, stdout } = runOn(
      "pipe",
      `out.write("one\\n"); out.write(${long}); out.write("two\\n"); process.exit(3);`,
    );
    expect({ status, stdout }).toEqual({ status: 3, stdout: `one\n${"a".repeat(5_000)}\ntwo\n` });
  });

  it("has them once where it was closed before", () => {
    const { stdout } = runOn("pipe", 'out.write("one\\n"); await out.close(); process.exit(0);');
    expect(stdout).toBe("one\n");
  });

  it("keeps no process that exits waiting where it is full", () => {
    const program = 'for (let i = 0; i < 100; i++) out.write("a".repeat(5_000) + "\\n"); process.exit(0);';
    const script = `${JSON.stringify(process.execPath)} --input-type=module -e ${quoted(sourceOf(program))} | (sleep 2; wc -c)`;
    const { stdout } = spawnSync("sh", ["-c", script], { encoding: "utf8", timeout: 10_000 });
    expect(Number(stdout)).toBeGreaterThan(40_000);
  });
});

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
