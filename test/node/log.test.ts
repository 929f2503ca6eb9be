// The log with a slow, stuck or lost reader: calls and the exit go on, and no last line is lost.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterEach, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { freePort } from "../support/port.ts";
import { CLI } from "../support/process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const POLL = { timeout: 20_000 };
const folder = temporaryFolder();
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

/** A program can `say` lines in the log, `tell` the test something, and wait for its `order`. */
const PRELUDE = `
  import { createInterface } from "node:readline";
  import { setTimeout as wait } from "node:timers/promises";
  import { createNodeLog } from ${JSON.stringify(pathToFileURL(resolve("src/node/log.ts")))};
  const listeners = process.listenerCount("exit");
  const { log, close } = await createNodeLog({ level: "info", format: "json" });
  const say = (text) => log("info", text);
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const order = () => input.next();
  const tell = (text) => process.stderr.write(text + "\\n");
`;
/** Stops the clock of the exit's deadline, so that a slow machine loses no lines. */
const PATIENT = "performance.now = () => 0;";
/** More than any pipe or socket holds. */
const FILL = 'for (let i = 0; i < 1_000; i++) say(i + "a".repeat(3_000));';
const FILLED = Array.from({ length: 1_000 }, (_, i) => i + "a".repeat(3_000));

function start(command: string, args: string[], stdout: "pipe" | number, env = process.env): ChildProcess {
  const child = spawn(command, args, { stdio: ["pipe", stdout, "pipe"], env });
  children.push(child);
  return child;
}
const run = (program: string, stdout: "pipe" | number = "pipe") =>
  start(process.execPath, ["--input-type=module", "-e", PRELUDE + program], stdout);

async function exitOf(child: ChildProcess): Promise<number | null> {
  return child.exitCode ?? (await once(child, "exit"))[0];
}

/** Waits until the program tells something. */
async function heard(child: ChildProcess): Promise<string> {
  return String((await once(child.stderr as Readable, "data"))[0]).trim();
}

const giveOrder = (child: ChildProcess) => child.stdin?.write("go\n");

/** A pipe that is read only when the test asks for it. */
function openFifo(name: string) {
  const path = join(folder, name);
  spawnSync("mkfifo", [path]);
  const openReader = () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  return { reader: openReader(), writer: openSync(path, constants.O_WRONLY), openReader };
}

/** @returns what is in the pipe now */
function readSome(fd: number): string {
  const bytes = Buffer.alloc(1_048_576);
  try {
    return bytes.toString("utf8", 0, readSync(fd, bytes));
  } catch {
    return ""; // nothing yet
  }
}

/** @throws unless every line is complete */
const linesOf = (text: string): { event: string; lines?: number }[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const events = (text: string) => linesOf(text).map(({ event }) => event);

/** Without toEqual, whose report of a failure would have megabytes. */
const expectFilled = (text: string) => expect(events(text).join() === FILLED.join()).toBe(true);

/** Collects the standard output of a child. */
function collected(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  return () => text;
}

describe("a log file", () => {
  async function runOnFile(program: string) {
    const path = join(folder, "file");
    const file = openSync(path, "w");
    const child = run(program, file);
    closeSync(file);
    const status = await exitOf(child);
    return { status, lines: events(readFileSync(path, "utf8")) };
  }

  it("has the lines from just before the exit", async () => {
    expect(await runOnFile('say("one"); say("two"); process.exit(3);')).toEqual({ status: 3, lines: ["one", "two"] });
  });

  it("has each line once and complete if the thread pool is busy at the exit", async () => {
    const program = `const { pbkdf2 } = await import("node:crypto");
      for (let i = 0; i < 4; i += 1) pbkdf2("", "", 200_000, 32, "sha256", () => {});
      say("a".repeat(1e6)); await wait(50); say("b"); process.exit(0);`;
    const { lines } = await runOnFile(program);
    expect(lines.sort()).toEqual(["a".repeat(1e6), "b"]); // the time in each line shows their order
  });

  it("has the lines before close() and not the later ones, and the exit does nothing more", async () => {
    const program = `say("one"); const end = close(); await end; say("late"); await wait(50);
      process.exit(process.listenerCount("exit") - listeners);`;
    expect(await runOnFile(program)).toEqual({ status: 0, lines: ["one"] });
  });
});

describe("a log pipe", () => {
  it.each(["process.exit(0);", "", "await close(); process.exit(0);"])(
    "gets more lines than it holds, as long as its reader continues, when the program ends by %o",
    async (end) => {
      const child = run(`${PATIENT} ${FILL} process.stdin.destroy(); ${end}`);
      const text = collected(child);
      await once(child, "close");
      expectFilled(text());
    },
  );

  it("gets each line complete and in order for a reader that starts late and reads slowly", () => {
    const reader = "(sleep 0.3; for i in 1 2 3 4; do sleep 0.01; dd bs=30000 count=1 status=none; done; cat)";
    const command = `"$0" --input-type=module -e "$1" </dev/null | ${reader}`;
    const program = `${PRELUDE} ${PATIENT} ${FILL} process.exit(0);`;
    const options = { encoding: "utf8", maxBuffer: 16_777_216 } as const;
    expectFilled(spawnSync("sh", ["-c", command, process.execPath, program], options).stdout);
  });

  it("gets the waiting lines once it is read, without new ones", async () => {
    const child = run(`${FILL} await wait(100); tell("said"); await order();`);
    await heard(child);
    const text = collected(child);
    await expect.poll(() => text().split("\n").length, POLL).toBe(FILLED.length + 1);
    expectFilled(text());
  });

  it("gets a line that counts the dropped ones if more than 8 MiB were waiting", async () => {
    const child = run(
      `for (let i = 0; i < 6; i++) { ${FILL} await wait(50); } tell("said"); await order(); await close(); process.exit(0);`,
    );
    await heard(child);
    const text = collected(child);
    await expect.poll(() => text().includes('"lines":'), POLL).toBe(true);
    giveOrder(child);
    await once(child, "close");
    const lines = linesOf(text());
    const dropped = lines.find(({ lines }) => lines !== undefined)?.lines as number;
    expect(lines.length - 1 + dropped).toBe(6_000);
  });

  it("does not delay the exit if nobody reads", async () => {
    const { reader, writer } = openFifo("unread");
    const child = run(`${FILL} process.exit(0);`, writer);
    closeSync(writer);
    expect(await exitOf(child)).toBe(0);
    const text = readSome(reader);
    const written = events(text.slice(0, text.lastIndexOf("\n") + 1)); // the last one may be cut
    expect(written.length).toBeGreaterThan(10);
    expect(written.join() === FILLED.slice(0, written.length).join()).toBe(true);
    closeSync(reader);
  });

  it("does not delay the exit if another Node process has made it blocking again", async () => {
    const { reader, writer } = openFifo("shared");
    // The first process finds it blocking, and restores that when it exits.
    const first = run(`say("first"); tell("ready"); await order(); process.exit(0);`, writer);
    await heard(first);
    const second = run(`say("second"); tell("ready"); await order(); ${FILL} process.exit(0);`, writer);
    await heard(second);
    giveOrder(first);
    await exitOf(first);
    giveOrder(second);
    expect(await exitOf(second)).toBe(0);
    closeSync(reader);
    closeSync(writer);
  });

  it("keeps its lines for the next reader if the first one is gone", async () => {
    const { reader, writer, openReader } = openFifo("fifo");
    const child = run(
      `say("1"); await order(); say("2"); say("3"); await wait(100); tell("said"); await order(); say("4"); await order();`,
      writer,
    );
    closeSync(writer);
    await expect.poll(() => readSome(reader), POLL).toContain('"1"');
    closeSync(reader);
    giveOrder(child);
    await heard(child);
    const next = openReader();
    giveOrder(child);
    let text = "";
    await expect.poll(() => (text += readSome(next)), POLL).toContain('"4"');
    expect(events(text)).toEqual(["2", "3", "4"]);
    closeSync(next);
  });
});

describe("a service whose log", () => {
  async function serve(stdout: "pipe" | number) {
    const port = await freePort();
    const server = { ...SERVER, listen: `127.0.0.1:${port}` };
    const path = join(folder, "token-proxy.yaml");
    await writeFile(path, JSON.stringify(fileConfig("http://127.0.0.1:1/token", { file: { server } })));
    const child = start(process.execPath, [CLI, "--config", path], stdout, { PATH: process.env.PATH, ...SECRETS });
    const url = `http://127.0.0.1:${port}`;
    await expect.poll(async () => (await callGetToken(url)).status, POLL).toBe(502);
    return {
      child,
      /** Makes so many calls, and stops it. */
      async callAndStop(calls: number) {
        for (let i = 0; i < calls / 50; i++) await Promise.all(Array.from({ length: 50 }, () => callGetToken(url)));
        child.kill("SIGTERM");
        expect(await exitOf(child)).toBe(0);
      },
    };
  }

  it("is never read answers calls and stops", async () => {
    await (await serve("pipe")).callAndStop(1_000); // more than the pipe holds
  });

  it("has lost its reader answers calls and stops", async () => {
    const { child, callAndStop } = await serve("pipe");
    child.stdout?.destroy();
    await callAndStop(100);
  });

  it.skipIf(!existsSync("/dev/full"))("is on a full disk answers calls and stops", async () => {
    const full = openSync("/dev/full", "w");
    const { callAndStop } = await serve(full);
    closeSync(full);
    await callAndStop(1_000);
  });

  it("is a file has a line for every call until the shutdown", async () => {
    const path = join(folder, "calls");
    const file = openSync(path, "w");
    const { callAndStop } = await serve(file);
    closeSync(file);
    await callAndStop(100);
    const lines = linesOf(readFileSync(path, "utf8"));
    expect(lines.filter(({ event }) => event === "call").length).toBeGreaterThanOrEqual(101);
    expect(lines.at(-1)).toMatchObject({ event: "stopped", calls_cut_off: 0 });
  });
});
