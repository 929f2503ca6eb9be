// `npm run bench`: compares the proxy with an earlier commit and with the alternatives, in one run.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compare } from "./comparison.ts";
import { measureGrowth } from "./growth.ts";
import { measureIdle } from "./idle.ts";
import { hasNginx } from "./nginx.ts";
import { HELP, type Mode, type Options, readOptions, UsageError } from "./options.ts";
import { BENCH, KEPT_RESULT, RESULTS, ROOT, readPackage } from "./place.ts";
import { writePlot } from "./plot.ts";
import { profile } from "./profile.ts";
import { measureRate } from "./rate.ts";
import { report } from "./report.ts";
import type { Result } from "./result.ts";
import { openSession, type Session } from "./session.ts";
import { measureStart } from "./start.ts";
import { describeMachine } from "./system.ts";
import { measureWaiting } from "./waiting.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const PLOT = join(ROOT, "docs/bench.svg");

const MEASURES: Record<Mode, (session: Session) => Promise<Partial<Result>>> = {
  compare: async (session) => ({ comparison: await compare(session) }),
  rate: async (session) => ({ rate: await measureRate(session) }),
  idle: async (session) => ({ idle: await measureIdle(session) }),
  start: async (session) => ({ start: await measureStart(session) }),
  waiting: async (session) => ({ waiting: await measureWaiting(session) }),
  growth: async (session) => ({ growth: await measureGrowth(session) }),
};

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(EXIT_FAILED));
try {
  await main(readOptions(process.argv.slice(2)));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

async function main(options: Options): Promise<void> {
  if (options.help) return void process.stdout.write(HELP);
  if (options.plot) return writePlot(readResult(options.json ?? KEPT_RESULT), PLOT);
  installPeers();
  const session = await openSession(options);
  try {
    if (options.profile !== undefined) {
      const table = await profile(session, options.profile);
      session.clearProgress();
      process.stdout.write(table);
    }
    if (options.modes.length > 0) {
      const result = await measureAll(session);
      session.clearProgress();
      process.stdout.write(report(result));
      saveResult(result, options.json);
      if (result.failures.length > 0) process.exitCode = EXIT_FAILED;
    }
  } finally {
    session.clearProgress();
    await session.load.stop();
  }
}

/** The peers are no dependencies of the project, so that only the benchmark needs them. */
function installPeers(): void {
  const changedAt = (file: string) => statSync(join(BENCH, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) return;
  console.error("installing the packages to compare with");
  execFileSync("npm", ["ci", "--prefix", BENCH], { stdio: ["ignore", "inherit", "inherit"] });
}

/** A failed mode does not stop the others. The report lists it at the end. */
async function measureAll(session: Session): Promise<Result> {
  const { options, pinning, progress, variants } = session;
  const { modes, rounds, seconds, connections } = options;
  const { name, version } = readPackage(ROOT);
  const before = variants.get("before")?.label;
  const result: Result = {
    date: new Date().toISOString(),
    version: `${name} ${version}`,
    ...(before === undefined ? {} : { before }),
    machine: describeMachine(),
    pinning: pinning.description,
    provider: hasNginx() ? "nginx" : "node",
    load: "autocannon",
    rounds,
    seconds,
    connections,
    failures: [],
  };
  for (const mode of modes) {
    try {
      Object.assign(result, await MEASURES[mode](session));
    } catch (error) {
      progress(`${mode} failed`);
      result.failures.push(`${mode}: ${(error as Error).message}`);
    }
  }
  for (const { by, value, failed } of result.growth ?? []) {
    if (failed !== undefined) result.failures.push(`growth, ${by} ${value}: ${failed}`);
  }
  return result;
}

/** @throws {UsageError} */
function readResult(file: string): Result {
  if (!existsSync(file)) throw new UsageError(`${file} does not exist: measure with --json ${file} first`);
  return JSON.parse(readFileSync(file, "utf8"));
}

function saveResult(result: Result, json: string | undefined): void {
  mkdirSync(RESULTS, { recursive: true });
  const files = [join(RESULTS, `${result.date.replaceAll(":", "-")}.json`), ...(json === undefined ? [] : [json])];
  for (const file of files) writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.error(`saved to ${files.join(", ")}`);
}
