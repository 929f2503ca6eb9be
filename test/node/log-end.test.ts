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

const MAX_OUTPUT_BYTES = 16_777_216;
const MODULE = pathToFileURL(resolve("src/node/log-output.ts"));

/** The program has the output at hand as `out`. */
const sourceOf = (program: string) =>
  `import { createLogOutput } from "${MODULE}"; const out = createLogOutput((n) => n + " dropped\\n"); ${program}`;

/** @param stdout as spawn takes it */
const runOn = (stdout: "pipe" | number, program: string) =>
  spawnSync(process.execPath, ["--input-type=module", "-e", sourceOf(program)], {
    stdio: ["ignore", stdout, "pipe"],
    encoding: "utf8",
    maxBuffer: MAX_OUTPUT_BYTES,
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

  it("has more of them than fit into it, since its reader goes on reading", () => {
    const program = 'for (let i = 0; i < 5_000; i++) out.write("a".repeat(300) + "\\n"); process.exit(0);';
    expect(
      runOn("pipe", program)
        .stdout.split("\n")
        .filter((line) => line === "a".repeat(300)).length,
    ).toBe(5_000);
  });

  it("has all of them where nothing is left to do", () => {
    const program = 'for (let i = 0; i < 1_800; i++) out.write("a".repeat(2_500) + "\\n");';
    expect(runOn("pipe", program).stdout.length).toBe(1_800 * 2_501);
  });

  it("is told how many lines its reader missed that was not there", () => {
    const fifo = join(folder, "fifo");
    const program = `const say = (i) => out.write(i + "\\n"); say(1);
      setTimeout(() => { say(2); say(3); }, 500); setTimeout(() => say(4), 1_000); setTimeout(() => say(5), 1_500);
      setTimeout(() => process.exit(0), 2_000);`;
    // The first reader goes after the first line; the second one comes between the third and the last.
    const { stdout } = inShell(`mkfifo ${quoted(fifo)}; ${command(program)} > ${quoted(fifo)} &
      head -n 1 ${quoted(fifo)}; sleep 1.25; timeout 3 cat ${quoted(fifo)}; wait`);
    expect(stdout).toBe("1\n3 dropped\n5\n");
  });

  it.each([
    ["reads on", "cat", 500],
    ["takes a part now and then", "(for i in 1 2 3 4; do sleep 0.01; dd bs=30000 count=1 status=none; done; cat)", 500],
    ["comes late", "(sleep 1; cat)", 20],
  ])("has each line whole and in its place, all but the last, for a reader that %s", (_, reader, least) => {
    const lineOf = (i: number) => (i % 5 === 0 ? "a".repeat(9_000) : "b");
    const program = `for (let i = 0; i < 500; i++) out.write((${lineOf})(i) + "\\n"); process.exit(0);`;
    const lines = inShell(`${command(program)} | ${reader}`)
      .stdout.split("\n")
      .slice(0, -1);
    expect(lines.length).toBeGreaterThanOrEqual(least);
    for (const [i, line] of lines.entries()) expect(line).toBe(lineOf(i));
  });

  it.each(["await out.close();", ""])("has all lines of two processes, each whole (%o and exit)", (end) => {
    const begin = Date.now() + 700;
    const program = (name: string) =>
      command(`setTimeout(async () => { for (let i = 0; i < 1_000; i++) out.write("${name}".repeat(200 + 3 * i) + "\\n");
        ${end} process.exit(0); }, ${begin} - Date.now());`);
    const { stdout } = inShell(`(${program("a")} & ${program("b")}; wait) | cat`);
    const wanted = (name: string) => Array.from({ length: 1_000 }, (_, i) => name.repeat(200 + 3 * i));
    const lines = stdout.split("\n").slice(0, -1);
    expect(lines.filter((line) => line.startsWith("a"))).toEqual(wanted("a"));
    expect(lines.filter((line) => !line.startsWith("a"))).toEqual(wanted("b"));
  });

  it("has what it had no room for once it is read, though nothing more is written", () => {
    const program = `for (let i = 0; i < 100; i++) out.write("a".repeat(3_000) + "\\n");
      setTimeout(() => process.kill(process.pid, "SIGKILL"), 1_500);`;
    expect(inShell(`${command(program)} | (sleep 0.7; wc -c)`).stdout.trim()).toBe("300100");
  });

  it("has all lines before its end where its reader comes a moment later", () => {
    const program = `for (let i = 0; i < 100; i++) out.write("a".repeat(3_000) + "\\n"); await out.close(); process.exit(0);`;
    expect(inShell(`${command(program)} | (sleep 0.4; wc -c)`).stdout.trim()).toBe("300100");
  });

  it.each(["0", "200"])("keeps no process that exits after %s ms waiting where it is full", (ms) => {
    const program = `for (let i = 0; i < 100; i++) out.write("a".repeat(3_000) + "\\n"); setTimeout(() => process.exit(0), ${ms});`;
    const { stdout, stderr } = inShell(`(${command(program)}; echo ended >&2) | (sleep 3; echo read >&2; wc -c)`);
    expect(stderr).toBe("ended\nread\n");
    expect(Number(stdout)).toBeGreaterThan(40_000);
  });

  it("keeps nobody waiting for a second time, at the exit after its end", () => {
    const program = `for (let i = 0; i < 100; i++) out.write("a".repeat(3_000) + "\\n"); await out.close();
      const closed = performance.now();
      process.on("exit", () => process.stderr.write(performance.now() - closed < 250 ? "at once" : "late"));
      process.exit(0);`;
    expect(inShell(`${command(program)} | sleep 3`).stderr).toBe("at once");
  });

  it("holds up nobody where another Node process had it block again", () => {
    const first = `setTimeout(() => { out.write("first\\n"); setTimeout(() => process.exit(0), 50) }, 500);`;
    const second = `setTimeout(() => { for (let i = 0; i < 100; i++) out.write("a".repeat(3_000) + "\\n"); }, 1_000);
      setTimeout(() => process.exit(0), 1_300);`;
    // Only who comes first finds it blocking, and has it block again at its end.
    const both = `(${command(first)} & sleep 0.3; ${command(second)}; echo ended >&2)`;
    const { stderr } = inShell(`${both} | (sleep 4; echo read >&2; wc -c)`);
    expect(stderr).toBe("ended\nread\n");
  });
});

const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
const command = (program: string) => `${quoted(process.execPath)} --input-type=module -e ${quoted(sourceOf(program))}`;
const inShell = (script: string) =>
  spawnSync("sh", ["-c", script], { encoding: "utf8", timeout: 15_000, maxBuffer: MAX_OUTPUT_BYTES });
