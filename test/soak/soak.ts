// `npm run soak`: many users, both entry points, faulty providers and nextAuth Servers, a reload
// every minute. Ends at the first response with a wrong byte or for another user.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { randomFrom } from "../support/soak-provider.ts";
import { describe, type Findings, MixUp, startLoad } from "./load.ts";
import { startPeers } from "./peers.ts";
import { startProxy } from "./proxy.ts";

const USAGE = `npm run soak -- [options]

  --calls N      calls in all (10000)
  --users N      users at once, each with one call at a time (200)
  --reload MS    milliseconds between two reloads (60000)
  --seed N       of delays and faults (1)
  --shift        the providers shift their responses on connections that are kept, so that the soak must fail
  --json FILE    writes the result to FILE
  --help         prints this

SIGINT and SIGTERM end it early, with the result so far.
Exit status: 0 if every response was right, 1 at the first wrong one, 2 for wrong options.
`;

const number = (name: string, text: string): number => {
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  console.error(`--${name} must be a whole number from 1, but it is "${text}"`);
  process.exit(2);
};

function readOptions() {
  const text = (initial: string) => ({ type: "string", default: initial }) as const;
  const flag = { type: "boolean", default: false } as const;
  const options = { calls: text("10000"), users: text("200"), reload: text("60000"), seed: text("1") };
  try {
    return parseArgs({ options: { ...options, json: { type: "string" }, shift: flag, help: flag } }).values;
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const options = readOptions();
if (options.help) {
  console.log(USAGE);
  process.exit(0);
}
const calls = number("calls", options.calls);
const users = number("users", options.users);
const seed = number("seed", options.seed);
const reloadEvery = number("reload", options.reload);

const folder = await mkdtemp(join(tmpdir(), "token-proxy-soak-"));
const peers = await startPeers(users, randomFrom(seed), { shifts: options.shift, seed });
const proxy = await startProxy(folder, peers);
const load = startLoad(proxy.url, peers, { calls, users, random: randomFrom(seed + 1) });

const started = Date.now();
const memory: number[] = [];
const isTerminal = process.stdout.isTTY === true;
const findings = (): Findings => ({
  ...load.counts(),
  seconds: Math.round((Date.now() - started) / 1_000),
  reloads: proxy.reloads(),
  duplicates: peers.duplicates(),
  memory_mib_per_minute: memory,
});
const remember = async () => void memory.push(await proxy.memory());
const everyMinute = setInterval(() => {
  void remember().then(() => {
    if (!isTerminal) console.log(describe(findings()));
  });
}, 60_000);
const progress = setInterval(() => isTerminal && process.stdout.write(`\r\x1b[K${describe(findings())}`), 1_000);
const reload = setInterval(proxy.reload, reloadEvery);

for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, load.stop);

let problem: string | undefined;
try {
  await remember();
  await load.done;
  await remember();
} catch (error) {
  problem = error instanceof MixUp ? error.message : String(error);
}
for (const timer of [everyMinute, progress, reload]) clearInterval(timer);
const result = { ...findings(), calls_wanted: calls, users, seed, node: process.version, problem };
if (isTerminal) process.stdout.write("\r\x1b[K");
console.log(describe(result));
console.log(`outcomes: ${JSON.stringify(result.outcomes)}`);
console.log(`memory of the proxy in MiB, at the start, each minute and the end: ${memory.join(", ")}`);
if (problem !== undefined) console.error(`WRONG: ${problem}`);
if (options.json !== undefined) await writeFile(options.json, `${JSON.stringify(result, null, 2)}\n`);
await proxy.close();
await peers.close();
await rm(folder, { recursive: true });
process.exitCode = problem === undefined ? 0 : 1;
