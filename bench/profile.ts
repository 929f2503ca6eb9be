// Where a variant's time goes: Node's CPU profile under load, as a table of functions by self time.

import { mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "./options.ts";
import { ROOT } from "./place.ts";
import { startProvider } from "./provider.ts";
import { withVariant } from "./running.ts";
import type { Session } from "./session.ts";
import type { VariantName } from "./variants.ts";

const TOP = Number(process.env.TOP ?? 10);
/** V8's name for the time without work. */
const IDLE = "(idle)";

interface CallFrame {
  functionName: string;
  url: string;
  lineNumber: number;
}

/** The file of `--cpu-prof`. Times are microseconds of process.hrtime's clock. */
interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[];
  startTime: number;
  samples: number[];
  timeDeltas: number[];
}

/** @returns the functions that take the most time, as a table */
export async function profile(session: Session, name: VariantName): Promise<string> {
  const { options, folder, pinning, load, progress } = session;
  const variant = session.variants.get(name);
  if (variant === undefined) throw new UsageError(`"${name}" needs --before`);
  const directory = join(folder, "profile");
  mkdirSync(directory);
  const nodeArgs = ["--cpu-prof", "--cpu-prof-dir", directory];
  const provider = await startProvider({ folder, cores: pinning.others });
  let from = 0;
  let to = 0;
  try {
    await withVariant(session, variant, { provider, nodeArgs }, async ({ call, expected }) => {
      const order = { ...call, expected, connections: options.connections };
      progress(`profile: warming up ${name}`);
      await load.run({ ...order, seconds: 1 }, name);
      progress(`profile: ${name} under load`);
      from = microseconds();
      await load.run({ ...order, seconds: options.seconds }, name);
      to = microseconds();
    });
  } finally {
    await provider.stop();
  }
  const [file] = readdirSync(directory);
  if (file === undefined)
    throw new UsageError(`"${name}" has no profile because it does not run in Node: choose another variant`);
  return topFunctions(JSON.parse(readFileSync(join(directory, file), "utf8")), from, to);
}

const microseconds = () => Number(process.hrtime.bigint() / 1_000n);

function topFunctions({ nodes, samples, timeDeltas, startTime }: CpuProfile, from: number, to: number): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let at = startTime;
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    at += delta;
    const name = names.get(id) ?? "";
    if (at < from || at > to || name === IDLE) continue;
    busy += delta;
    times.set(name, (times.get(name) ?? 0) + delta);
  }
  const top = [...times].sort(([, a], [, b]) => b - a).slice(0, TOP);
  const lines = top.map(([name, time]) => `${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
  const idle = 1 - busy / (to - from);
  return `${lines.join("\n")}\nself time, of ${(busy / 1e6).toFixed(1)} s; idle ${(idle * 100).toFixed(0)} %\n`;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  if (url === "") return functionName || "(unnamed)";
  const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : url;
  return `${functionName || "(anonymous)"}  ${file}:${lineNumber + 1}`;
}
