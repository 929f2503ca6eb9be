// Where a variant's time goes: V8's CPU profile under load, as a table of functions by self time.

import { once } from "node:events";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";
import { buildWorker } from "./build.ts";
import { freePort } from "./child.ts";
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

/** What `Profiler.stop` returns. Times are microseconds. */
interface CpuProfile {
  nodes: { id: number; callFrame: CallFrame }[];
  samples: number[];
  timeDeltas: number[];
}

/** @returns the functions that take the most time, as a table */
export async function profile(session: Session, name: VariantName): Promise<string> {
  const { options, folder, pinning, load, progress } = session;
  const variant = session.variants.get(name);
  if (variant === undefined) throw new UsageError(`"${name}" needs --before`);
  // A minified bundle has no names of functions.
  if (variant.build !== undefined) buildWorker(variant.build, "--minify=false");
  const inspector = await freePort();
  const provider = await startProvider({ folder, cores: pinning.others });
  try {
    return await withVariant(session, variant, { provider, inspector }, async ({ call, expected }) => {
      const order = { ...call, expected, connections: options.connections };
      progress(`profile: warming up ${name}`);
      await load.run({ ...order, seconds: 1 }, name);
      progress(`profile: ${name} under load`);
      const stop = await startProfiler(inspector);
      await load.run({ ...order, seconds: options.seconds }, name);
      return topFunctions(await stop());
    });
  } finally {
    await provider.stop();
  }
}

/** Node and workerd have the same inspector. */
async function startProfiler(port: number): Promise<() => Promise<CpuProfile>> {
  const list = await fetch(`http://127.0.0.1:${port}/json`).catch(() => {
    throw new UsageError("it has no profile, because it runs in neither Node nor workerd: choose another variant");
  });
  const [target] = (await list.json()) as [{ webSocketDebuggerUrl: string }];
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, "open");
  let sent = 0;
  const ask = async (method: string): Promise<unknown> => {
    const id = ++sent;
    socket.send(JSON.stringify({ id, method }));
    for (;;) {
      const [{ data }] = (await once(socket, "message")) as [{ data: string }];
      const message = JSON.parse(data) as { id?: number; result: unknown };
      if (message.id === id) return message.result;
    }
  };
  await ask("Profiler.enable");
  await ask("Profiler.start");
  return async () => {
    const { profile } = (await ask("Profiler.stop")) as { profile: CpuProfile };
    socket.close();
    return profile;
  };
}

function topFunctions({ nodes, samples, timeDeltas }: CpuProfile): string {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const times = new Map<string, number>();
  let total = 0;
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0;
    const name = names.get(id) ?? "";
    total += delta;
    if (name === IDLE) continue;
    busy += delta;
    times.set(name, (times.get(name) ?? 0) + delta);
  }
  const top = [...times].sort(([, a], [, b]) => b - a).slice(0, TOP);
  const lines = top.map(([name, time]) => `${((time / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
  const idle = 1 - busy / total;
  return `${lines.join("\n")}\nself time, of ${(busy / 1e6).toFixed(1)} s; idle ${(idle * 100).toFixed(0)} %\n`;
}

function nameOf({ functionName, url, lineNumber }: CallFrame): string {
  if (url === "") return functionName || "(unnamed)";
  const file = url.startsWith("file:") ? relative(ROOT, fileURLToPath(url)) : url;
  return `${functionName || "(anonymous)"}  ${file}:${lineNumber + 1}`;
}
