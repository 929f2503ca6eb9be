// What a call costs when something grows: the answer, the connections, the configuration, the number of processes.

import { measure } from "./measure.ts";
import { type Provider, startProvider, TOKEN_BYTES } from "./provider.ts";
import type { ProxyOptions } from "./proxy-config.ts";
import type { GrowthPoint, Sample } from "./result.ts";
import { type Running, startVariant } from "./running.ts";
import type { Session } from "./session.ts";
import { findVariant } from "./variants.ts";

const BODY_BYTES = [512, 1_024, 4_096, 16_384, 65_536];
const CONNECTIONS = [1, 8, 64, 512, 2_048];
const COUNTS = [1, 10, 100, 1_000];
const PROCESSES = [1, 2];
const MOST_ROUNDS = 3;

interface Point {
  by: string;
  value: string;
  bytes?: number;
  connections?: number;
  proxy?: Pick<ProxyOptions, "count" | "processes">;
  /** Several processes need more than the one core. */
  isUnpinned?: boolean;
}

const POINTS: readonly Point[] = [
  ...BODY_BYTES.map((bytes) => ({ by: "bytes of the answer", value: String(bytes), bytes })),
  ...CONNECTIONS.map((connections) => ({ by: "connections", value: String(connections), connections })),
  ...COUNTS.map((count) => ({ by: "providers, routes, callers", value: String(count), proxy: { count } })),
  ...PROCESSES.map((processes) => ({
    by: "processes (not pinned)",
    value: String(processes),
    proxy: { processes },
    isUnpinned: true,
  })),
];

export async function measureGrowth(session: Session): Promise<GrowthPoint[]> {
  const { folder, pinning, progress } = session;
  const provider = await startProvider({ folder, cores: pinning.others, sizes: BODY_BYTES });
  const points: GrowthPoint[] = [];
  try {
    for (const point of POINTS) {
      progress(`growth: ${point.by} ${point.value}`);
      points.push(await measurePoint(session, provider, point));
    }
    return points;
  } finally {
    await provider.stop();
  }
}

/** A point that fails is told in the table: which size it is that no longer works is what growth is about. */
async function measurePoint(
  { options, folder, pinning, load }: Session,
  provider: Provider,
  point: Point,
): Promise<GrowthPoint> {
  const { by, value, bytes = TOKEN_BYTES, connections = options.connections, proxy = {}, isUnpinned = false } = point;
  const running: Running[] = [];
  const samples: Record<string, Sample[]> = { floor: [], proxy: [] };
  try {
    for (const name of ["floor", "proxy"]) {
      const cores = isUnpinned ? undefined : pinning.variant;
      const { tokenEndpoint } = provider;
      running.push(
        await startVariant(findVariant(name), { folder, cores, tokenEndpoint, bytes, proxy, cli: options.cli }),
      );
    }
    for (let round = 0; round < Math.min(options.rounds, MOST_ROUNDS); round++) {
      for (const each of running) {
        samples[each.name]?.push(await measure(load, each, { connections, seconds: options.seconds }, round === 0));
      }
    }
    return { by, value, floor: samples.floor ?? [], proxy: samples.proxy ?? [] };
  } catch (error) {
    return { by, value, floor: [], proxy: [], failed: (error as Error).message };
  } finally {
    await Promise.all(running.map((each) => each.stop()));
  }
}
