// The limits that the proxy must keep.

import type { Result, Sample, Variants } from "./result.ts";
import { differences, median, ratios } from "./statistics.ts";

export interface Target {
  what: string;
  limit: number;
  unit: string;
  /** The figure must be at least the limit; otherwise at most. */
  atLeast?: boolean;
  /** Undefined when this run has not measured it. */
  figure(result: Result): number | undefined;
}

const KIB = 1_024;
const MIB = 1_048_576;

const MAX_CPU_GROWTH = 1.25;
const MAX_OTHER_GROWTH = 1.15;

const AGAINST_BEFORE: readonly Target[] = [
  underLoad("CPU per call, against before", "proxy", "before", "cpuPerThousand", MAX_CPU_GROWTH),
  underLoad("signed: CPU per call, against before", "proxy-es256", "before-es256", "cpuPerThousand", MAX_CPU_GROWTH),
  underLoad("Worker: CPU per call, against before", "worker", "before-worker", "cpuPerThousand", MAX_CPU_GROWTH),
  underLoad("p99 under load, against before", "proxy", "before", "p99", MAX_OTHER_GROWTH),
  underLoad("signed: p99 under load, against before", "proxy-es256", "before-es256", "p99", MAX_OTHER_GROWTH),
  ...[600, 200].flatMap((rate) => [
    atRate(rate, "CPU per call", "cpuPerThousand", MAX_CPU_GROWTH),
    atRate(rate, "p99", "p99", MAX_OTHER_GROWTH),
  ]),
  underLoad("peak memory under load, against before", "proxy", "before", "peakBytes", MAX_OTHER_GROWTH),
  {
    what: "idle memory, against before",
    limit: MAX_OTHER_GROWTH,
    unit: "x",
    figure: ({ idle }) => {
      const rss = (name: string) => idle?.[name]?.samples.map(({ rssBytes }) => rssBytes);
      return medianRatio(rss("proxy"), rss("before"));
    },
  },
];

const AGAINST_OTHERS: readonly Target[] = [
  underLoad("CPU per call, against the floor", "proxy", "floor", "cpuPerThousand", 2.0),
  underLoad("CPU per call, against Express + axios", "proxy", "express-axios", "cpuPerThousand", 0.26),
  {
    ...underLoad("calls/s, against Express + axios", "proxy", "express-axios", "perSecond", 3.3),
    atLeast: true,
  },
  underLoad("p99, against Fastify + reply-from", "proxy", "fastify", "p99", 1.0),
  {
    what: "CPU that a signed assertion adds, against the bare signature",
    limit: 1.2,
    unit: "x",
    figure: ({ comparison }) => {
      const cpu = (name: string) => column(comparison?.variants, name, "cpuPerThousand");
      return medianRatio(difference(cpu("proxy-es256"), cpu("proxy")), difference(cpu("raw-es256"), cpu("floor")));
    },
  },
  underLoad("Worker: CPU per call, against a bare fetch relay", "worker", "worker-relay", "cpuPerThousand", 1.6),
  {
    what: "Worker: bundle after gzip",
    limit: 120,
    unit: "KiB",
    figure: ({ comparison }) => {
      const bytes = comparison?.bundleBytes.worker;
      return bytes && bytes / KIB;
    },
  },
  {
    what: "first answered call, against a bare node:http server",
    limit: 2.5,
    unit: "x",
    figure: ({ start }) => medianRatio(start?.proxy, start?.["bare-http"]),
  },
  {
    what: "peak memory with 512 waiting calls",
    limit: 300,
    unit: "MiB",
    figure: ({ waiting }) => waiting?.peakBytes.proxy && median(waiting.peakBytes.proxy) / MIB,
  },
  {
    what: "idle CPU above a bare node:http server",
    limit: 0.1,
    unit: "% of a core",
    figure: ({ idle }) => {
      const cores = (name: string) => idle?.[name]?.samples.map((sample) => sample.cores);
      const above = difference(cores("proxy"), cores("bare-http"));
      return above && 100 * median(above);
    },
  },
];

export const TARGETS: readonly Target[] = [...AGAINST_BEFORE, ...AGAINST_OTHERS];

export function isMet({ limit, atLeast = false }: Target, figure: number): boolean {
  return atLeast ? figure >= limit : figure <= limit;
}

function underLoad(what: string, name: string, base: string, key: keyof Sample, limit: number): Target {
  return {
    what,
    limit,
    unit: "x",
    figure: ({ comparison }) => ratioOf(comparison?.variants, name, base, key),
  };
}

function atRate(rate: number, title: string, key: keyof Sample, limit: number): Target {
  return {
    what: `signed: ${title} at ${rate} calls/s, against before`,
    limit,
    unit: "x",
    figure: (result) => {
      const point = result.rate?.find((each) => each.rate === rate);
      return ratioOf(point?.variants, "proxy-es256", "before-es256", key);
    },
  };
}

function ratioOf(variants: Variants | undefined, name: string, base: string, key: keyof Sample): number | undefined {
  return medianRatio(column(variants, name, key), column(variants, base, key));
}

function medianRatio(values: number[] | undefined, base: number[] | undefined): number | undefined {
  return values && base && median(ratios(values, base));
}

function difference(values: number[] | undefined, base: number[] | undefined): number[] | undefined {
  return values && base && differences(values, base);
}

function column(variants: Variants | undefined, name: string, key: keyof Sample): number[] | undefined {
  return variants?.[name]?.samples.map((sample) => sample[key]);
}
