// The log and its reader: slow, stuck or gone, it delays neither calls nor the exit, and the last lines are not lost.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, constants, existsSync, openSync, readFileSync, readSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { callGetToken } from "../support/call.ts";
import { fileConfig, SECRETS, SERVER } from "../support/config.ts";
import { freePort } from "../support/port.ts";

const LONG = { timeout: 20_000 };
let folder: string;
const children: ChildProcess[] = [];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "token-proxy-log-"));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The program can `say` lines, wait for a line `told` on its input, and `tell` the test something. */
const PRELUDE = `
  import { createInterface } from "node:readline";
  import { setTimeout as wait } from "node:timers/promises";
  import { createNodeLog } from ${JSON.stringify(pathToFileURL(resolve("src/node/log.ts")))};
  const listeners = process.listenerCount("exit");
  const { log, close } = await createNodeLog({ level: "info", format: "json" });
  const say = (text) => log("info", text);
  const input = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  const told = () => input.next();
  const tell = (text) => process.stderr.write(text + "\\n");
`;
/** Stops the clock of the exit's deadline, so that a slow machine loses no lines. */
const PATIENT = "performance.now = () => 0;";
/** More than any pipe or socket holds. */
const FILL = 'for (let i = 0; i < 1_000; i++) say(i + "a".repeat(3_000));';
const FILLED = Array.from({ length: 1_000 }, (_, i) => i + "a".repeat(3_000));

/** @param stdout as spawn takes it */
function run(program: string, stdout: "pipe" | number = "pipe"): ChildProcess {
  const child = spawn(process.execPath, ["--input-type=module", "-e", PRELUDE + program], {
    stdio: ["pipe", stdout, "pipe"],
  });
  children.push(child);
  return child;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  return child.exitCode ?? (await once(child, "exit"))[0];
}

/** Waits until the program tells something. */
async function heard(child: ChildProcess): Promise<string> {
  return String((await once(child.stderr as Readable, "data"))[0]).trim();
}

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

const order = (child: ChildProcess) => child.stdin?.write("go\n");

async function read(stream: Readable): Promise<string> {
  let text = "";
  for await (const chunk of stream.setEncoding("utf8")) text += chunk;
  return text;
}

interface Line {
  event: string;
  lines?: number;
}

/** @throws unless every line is whole */
const linesOf = (text: string): Line[] =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line));

const events = (text: string) => linesOf(text).map(({ event }) => event);

/** Without toEqual, whose report of a failure would have megabytes. */
const expectFilled = (text: string) => expect(events(text).join() === FILLED.join()).toBe(true);

describe("a log file", () => {
  async function runOnFile(program: string) {
    const path = join(folder, "file");
    const file = openSync(path, "w");
    const child = run(program, file);
    closeSync(file);
    const status = await exitOf(child);
    return { status, lines: events(readFileSync(path, "utf8")) };
  }

  it("has the lines of the turn in which the process exits", async () => {
    expect(await runOnFile('say("one"); say("two"); process.exit(3);')).toEqual({ status: 3, lines: ["one", "two"] });
  });

  it("has each line once and whole when the thread pool is busy at the exit", async () => {
    const program = `const { pbkdf2 } = await import("node:crypto");
      for (let i = 0; i < 4; i += 1) pbkdf2("", "", 200_000, 32, "sha256", () => {});
      say("a".repeat(1e6)); await wait(50); say("b"); process.exit(0);`;
    const { lines } = await runOnFile(program);
    expect(lines.sort()).toEqual(["a".repeat(1e6), "b"]); // the time in each line tells their order
  });

  it("has the lines before close(), and not the later ones", async () => {
    const program = 'say("one"); const end = close(); await end; say("late"); await wait(50); process.exit(0);';
    expect(await runOnFile(program)).toEqual({ status: 0, lines: ["one"] });
  });
});

describe("a log pipe", () => {
  it("has the gathered lines when the process exits, however long they are", async () => {
    const child = run(`say("one"); say("a".repeat(5_000)); say("two"); process.exit(3);`);
    expect(events(await read(child.stdout as Readable))).toEqual(["one", "a".repeat(5_000), "two"]);
    expect(await exitOf(child)).toBe(3);
  });

  it("has each line once after close() and exit, and the exit does nothing more", async () => {
    const child = run(`say("one"); await close(); tell(process.listenerCount("exit") - listeners); process.exit(0);`);
    const told = heard(child);
    expect(events(await read(child.stdout as Readable))).toEqual(["one"]);
    expect(await told).toBe("0");
  });

  it.each(["process.exit(0);", "", "await close(); process.exit(0);"])(
    "has more lines than it holds, as long as its reader continues (%o)",
    async (end) => {
      const child = run(`${PATIENT} ${FILL} process.stdin.destroy(); ${end}`);
      expectFilled(await read(child.stdout as Readable));
    },
    LONG.timeout,
  );

  it.each([
    ["reads at once", "cat"],
    ["reads a part now and then", "(for i in 1 2 3 4; do sleep 0.01; dd bs=30000 count=1 status=none; done; cat)"],
    ["is late", "(sleep 0.3; cat)"],
  ])("has each line whole and in its place for a reader that %s", (_, reader) => {
    const program = `${PRELUDE} ${PATIENT} ${FILL} process.exit(0);`;
    const { stdout } = spawnSync(
      "sh",
      ["-c", `"$0" --input-type=module -e "$1" </dev/null | ${reader}`, process.execPath, program],
      {
        encoding: "utf8",
        maxBuffer: 16_777_216,
      },
    );
    expectFilled(stdout);
  });

  it("gets the waiting lines once it is read, without new ones", LONG, async () => {
    const child = run(`${FILL} await wait(100); tell("said"); await told(); process.exit(0);`);
    expect(await heard(child)).toBe("said");
    let text = "";
    for await (const chunk of (child.stdout as Readable).setEncoding("utf8")) {
      text += chunk;
      if (text.endsWith("\n") && linesOf(text).length === FILLED.length) break;
    }
    expectFilled(text);
  });

  it("has a line that counts the dropped ones, if more were waiting than 8 MiB", LONG, async () => {
    const child = run(
      `for (let i = 0; i < 6; i++) { ${FILL} await wait(50); } tell("said"); await told(); await close(); process.exit(0);`,
    );
    expect(await heard(child)).toBe("said");
    let text = "";
    child.stdout?.setEncoding("utf8").on("data", (chunk) => {
      text += chunk;
    });
    await expect.poll(() => text.includes('"lines":'), { timeout: 15_000 }).toBe(true);
    order(child);
    await exitOf(child);
    const lines = linesOf(text);
    const dropped = lines.find(({ lines }) => lines !== undefined)?.lines as number;
    expect(lines.length - 1 + dropped).toBe(6_000);
  });

  it("does not delay the exit when nobody reads", LONG, async () => {
    const { reader, writer } = openFifo("unread");
    const child = run(`${FILL} process.exit(0);`, writer);
    closeSync(writer);
    expect(await exitOf(child)).toBe(0);
    const text = readSome(reader);
    const written = events(text.slice(0, text.lastIndexOf("\n") + 1)); // the last line may be cut off
    expect(written.length).toBeGreaterThan(10);
    expect(written.join() === FILLED.slice(0, written.length).join()).toBe(true);
    closeSync(reader);
  });

  it("does not delay the exit when another Node process has made it blocking again", LONG, async () => {
    const { reader, writer } = openFifo("shared");
    // The first one finds it blocking, and restores that when it exits.
    const first = run(`say("first"); tell("ready"); await told(); process.exit(0);`, writer);
    await heard(first);
    const second = run(`say("second"); tell("ready"); await told(); ${FILL} process.exit(0);`, writer);
    await heard(second);
    order(first);
    await exitOf(first);
    order(second);
    expect(await exitOf(second)).toBe(0);
    closeSync(reader);
    closeSync(writer);
  });

  it("keeps its lines for the next reader when the first one is gone", LONG, async () => {
    const { reader, writer, openReader } = openFifo("fifo");
    const child = run(
      `say("1"); await told(); say("2"); say("3"); await wait(100); tell("said"); await told(); say("4"); await told(); process.exit(0);`,
      writer,
    );
    closeSync(writer);
    await expect.poll(() => readSome(reader), { timeout: 10_000 }).toContain('"1"');
    closeSync(reader);
    order(child);
    await heard(child);
    const next = openReader();
    order(child);
    let text = "";
    await expect.poll(() => (text += readSome(next)), { timeout: 10_000 }).toContain('"4"');
    expect(events(text)).toEqual(["2", "3", "4"]);
    closeSync(next);
  });
});

describe("a service whose log", () => {
  /** @param stdout as spawn takes it */
  async function start(stdout: "pipe" | number) {
    const port = await freePort();
    const server = { ...SERVER, listen: `127.0.0.1:${port}` };
    const path = join(folder, "token-proxy.yaml");
    await writeFile(path, JSON.stringify(fileConfig("http://127.0.0.1:1/token", { file: { server } })));
    const child = spawn(process.execPath, [resolve("src/cli.ts"), "--config", path], {
      env: { PATH: process.env.PATH, ...SECRETS },
      stdio: ["ignore", stdout, "ignore"],
    });
    children.push(child);
    const url = `http://127.0.0.1:${port}`;
    const status = () =>
      callGetToken(url).then(
        (answer) => answer.status,
        () => 0,
      );
    await expect.poll(status, { timeout: 20_000 }).toBe(502);
    return { child, url };
  }

  async function callMany(url: string, calls: number): Promise<void> {
    for (let i = 0; i < calls / 50; i++) await Promise.all(Array.from({ length: 50 }, () => callGetToken(url)));
  }

  async function expectCleanStop(child: ChildProcess): Promise<void> {
    child.kill("SIGTERM");
    expect(await exitOf(child)).toBe(0);
  }

  it("nobody reads answers calls and stops", async () => {
    const { child, url } = await start("pipe"); // never read, so it fills up
    await callMany(url, 1_000);
    await expectCleanStop(child);
  });

  it("has lost its reader answers calls and stops", async () => {
    const { child, url } = await start("pipe");
    child.stdout?.destroy();
    await callMany(url, 100);
    await expectCleanStop(child);
  });

  it.skipIf(!existsSync("/dev/full"))("is on a full disk answers calls and stops", async () => {
    const full = openSync("/dev/full", "w");
    const { child, url } = await start(full);
    closeSync(full);
    await callMany(url, 1_000);
    await expectCleanStop(child);
  });

  it("is a file has a line for every call up to the shutdown", async () => {
    const path = join(folder, "calls");
    const file = openSync(path, "w");
    const { child, url } = await start(file);
    closeSync(file);
    await callMany(url, 100);
    await expectCleanStop(child);
    const lines = linesOf(readFileSync(path, "utf8"));
    expect(lines.filter(({ event }) => event === "call").length).toBeGreaterThanOrEqual(101);
    expect(lines.at(-1)).toMatchObject({ event: "stopped", calls_cut_off: 0 });
  });
});
