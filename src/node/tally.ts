// Counts and measures of calls, kept so that a call costs one look-up, and given to prom-client when they are asked for. Its own
// counters sort, check and join the labels of every observation, five times for a call.

import type { Metric, Registry } from "prom-client";

type Labels = Readonly<Record<string, string>>;

/** How often something took how long. */
export class Distribution {
  readonly #bounds: readonly number[];
  /** One more than there are bounds: for what took longer than the last one. */
  readonly #counts: number[];
  #sum = 0;

  /** @param bounds of the buckets, in seconds, the least first */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = Array(bounds.length + 1).fill(0);
  }

  /** @param ms milliseconds; undefined counts for nothing */
  observe(ms: number | undefined): void {
    if (ms === undefined) return;
    const seconds = ms / 1000;
    let bucket = 0;
    while (bucket < this.#bounds.length && seconds > (this.#bounds[bucket] as number)) bucket += 1;
    (this.#counts[bucket] as number) += 1;
    this.#sum += seconds;
  }

  /** As Prometheus has a histogram: each bucket with all that are below it. Nothing where nothing was observed. */
  samples(name: string, labels: Labels): Samples {
    let count = 0;
    const buckets = this.#counts.map((own, index) => {
      count += own;
      const le = this.#bounds[index] ?? "+Inf";
      return { metricName: `${name}_bucket`, labels: { ...labels, le }, value: count };
    });
    if (count === 0) return [];
    const of = (suffix: string, value: number) => ({ metricName: `${name}_${suffix}`, labels, value });
    return [...buckets, of("sum", this.#sum), of("count", count)];
  }
}

export type Samples = readonly {
  metricName?: string;
  labels: Readonly<Record<string, string | number>>;
  value: number;
}[];

/** Has a registry tell what `samples` gives, whenever it is asked. */
export function registerSamples(
  register: Registry,
  { name, help, type }: { name: string; help: string; type: "counter" | "histogram" },
  samples: (name: string) => Samples,
): void {
  const metric = {
    name,
    help,
    type,
    get: async () => ({ name, help, type, values: samples(name), aggregator: "sum" }),
  };
  register.registerMetric(metric as unknown as Metric);
}
