// The cost of a call when something grows: the answer, the connections, the configuration.

import { measure, warmUp } from "./measure.ts";
import { type Provider, startProvider } from "./provider.ts";
import type { GrowthPoint, Sample } from "./result.ts";
import { selectVariants, withVariant } from "./running.ts";
import type { Session } from "./session.ts";

const BODY_BYTES = [512, 1_024, 4_096, 16_384, 65_536];
const CONNECTIONS = [1, 8, 64, 512, 2_048];
const COUNTS = [1, 10, 100, 1_000];
const MAX_ROUNDS = 3;

interface Point {
  by: string;
  value: string;
  bytes?: number;
  connections?: number;
  count?: number;
}

const POINTS: readonly Point[] = [
  ...BODY_BYTES.map((bytes) => ({ by: "bytes of the answer", value: String(bytes), bytes })),
  ...CONNECTIONS.map((connections) => ({ by: "connections", value: String(connections), connections })),
  ...COUNTS.map((count) => ({ by: "providers, routes, callers", value: String(count), count })),
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

/** A failure is part of the result: it shows the size from which on something no longer works. */
async function measurePoint(session: Session, provider: Provider, point: Point): Promise<GrowthPoint> {
  const { options, load } = session;
  const { by, value, connections = options.connections, ...grown } = point;
  const samples: Record<string, Sample[]> = { floor: [], proxy: [] };
  try {
    for (let round = 0; round < Math.min(options.rounds, MAX_ROUNDS); round++) {
      for (const variant of selectVariants(session, ["floor", "proxy"])) {
        const sample = await withVariant(session, variant, { provider, ...grown }, async (running) => {
          await warmUp(load, running, { connections }, options.seconds);
          return measure(load, running, { connections }, options.seconds);
        });
        samples[variant.name]?.push(sample);
      }
    }
    return { by, value, floor: samples.floor ?? [], proxy: samples.proxy ?? [] };
  } catch (error) {
    return { by, value, floor: [], proxy: [], failed: (error as Error).message };
  }
}
