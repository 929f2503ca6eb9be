// `npm run bench`: how the proxy compares with what would be built or taken instead, in one run on this machine.

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compare } from "./comparison.ts";
import { measureGrowth } from "./growth.ts";
import { hasNginx } from "./nginx.ts";
import { HELP, type Options, readOptions, UsageError } from "./options.ts";
import { BENCH, KEPT_RESULT, RESULTS, ROOT } from "./place.ts";
import { writePlot } from "./plot.ts";
import { profile } from "./profile.ts";
import { report } from "./report.ts";
import type { Result } from "./result.ts";
import { openSession, type Session } from "./session.ts";
import { measureStart } from "./start.ts";
import { describeMachine } from "./system.ts";
import { measureWaiting } from "./waiting.ts";

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;
const PLOT = join(ROOT, "docs/bench.svg");

const MODES = ["compare", "start", "waiting", "growth"] as const;
const MEASURES: Record<(typeof MODES)[number], (session: Session) => Promise<Partial<Result>>> = {
  compare: async (session) => ({ comparison: await compare(session) }),
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
      const top = await profile(session, options.profile);
      session.clearProgress();
      process.stdout.write(top);
    }
    if (MODES.some((mode) => options[mode])) {
      const result = await measureAll(session);
      session.clearProgress();
      process.stdout.write(report(result));
      keep(result, options.json);
      if (result.failures.length > 0) process.exitCode = EXIT_FAILED;
    }
  } finally {
    session.clearProgress();
    await session.load.stop();
  }
}

/** They are no dependencies of the project: whoever measures nothing need not have them. */
function installPeers(): void {
  const changedAt = (file: string) => statSync(join(BENCH, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  if (changedAt("node_modules/.package-lock.json") >= changedAt("package-lock.json")) return;
  console.error("installs what the proxy is measured against");
  execFileSync("npm", ["ci", "--prefix", BENCH], { stdio: ["ignore", "inherit", "inherit"] });
}

/** What fails is told at the end, beside what could be measured. */
async function measureAll(session: Session): Promise<Result> {
  const { options, pinning, progress } = session;
  const { rounds, seconds, connections } = options;
  const result: Result = {
    date: new Date().toISOString(),
    version: readVersion(),
    machine: describeMachine(),
    pinning: pinning.said,
    provider: hasNginx() ? "nginx" : "node",
    load: "autocannon",
    rounds,
    seconds,
    connections,
    failures: [],
  };
  for (const mode of MODES) {
    if (!options[mode]) continue;
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
  if (!existsSync(file)) throw new UsageError(`there is no ${file}: measure with --json ${file} first`);
  return JSON.parse(readFileSync(file, "utf8"));
}

function readVersion(): string {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return `${name} ${version}`;
}

function keep(result: Result, json: string | undefined): void {
  mkdirSync(RESULTS, { recursive: true });
  const files = [join(RESULTS, `${result.date.replaceAll(":", "-")}.json`), ...(json === undefined ? [] : [json])];
  for (const file of files) writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  console.error(`kept in ${files.join(", ")}`);
}
