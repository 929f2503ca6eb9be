// What the complete product is held to. A figure is met where it is not above its limit, or, with `atLeast`, not below it.

import type { Result, Sample } from "./result.ts";
import { median, ratios } from "./statistics.ts";

export interface Target {
  what: string;
  limit: number;
  unit: string;
  atLeast?: boolean;
  /** Undefined where this run has not measured it. */
  figure(result: Result): number | undefined;
}

const KIB = 1_024;

export const TARGETS: readonly Target[] = [
  {
    what: "CPU per call, against the bare floor",
    limit: 2.0,
    unit: "x",
    figure: (result) => ratioOf(result, "proxy", "floor", "cpuPerThousand"),
  },
  {
    what: "CPU per call, against Express + axios",
    limit: 0.26,
    unit: "x",
    figure: (result) => ratioOf(result, "proxy", "express-axios", "cpuPerThousand"),
  },
  {
    what: "throughput, against Express + axios",
    limit: 3.3,
    unit: "x",
    atLeast: true,
    figure: (result) => ratioOf(result, "proxy", "express-axios", "perSecond"),
  },
  {
    what: "p99, against Fastify + reply-from",
    limit: 1.0,
    unit: "x",
    figure: (result) => ratioOf(result, "proxy", "fastify", "p99"),
  },
  {
    what: "calls that wait: peak memory, against the bare floor",
    limit: 1.5,
    unit: "x",
    figure: ({ waiting }) => medianRatio(waiting?.peakBytes.proxy, waiting?.peakBytes.floor),
  },
  {
    what: "what a signed assertion adds, against the raw signature",
    limit: 1.2,
    unit: "x",
    figure: (result) =>
      medianRatio(difference(result, "proxy-es256", "proxy"), difference(result, "raw-es256", "floor")),
  },
  {
    what: "Worker: CPU per call, against a bare fetch relay in workerd",
    limit: 1.5,
    unit: "x",
    figure: (result) => ratioOf(result, "worker", "worker-relay", "cpuPerThousand"),
  },
  {
    what: "Worker: bundle after gzip",
    limit: 120,
    unit: "KiB",
    figure: ({ comparison }) => (comparison?.bundleBytes === undefined ? undefined : comparison.bundleBytes / KIB),
  },
  {
    what: "first answered call, against a bare node:http server",
    limit: 2.5,
    unit: "x",
    figure: ({ start }) => medianRatio(start?.proxy, start?.["bare-http"]),
  },
];

export function isMet({ limit, atLeast = false }: Target, figure: number): boolean {
  return atLeast ? figure >= limit : figure <= limit;
}

function ratioOf(result: Result, name: string, floor: string, key: keyof Sample): number | undefined {
  return medianRatio(column(result, name, key), column(result, floor, key));
}

function medianRatio(values: number[] | undefined, floor: number[] | undefined): number | undefined {
  return values === undefined || floor === undefined ? undefined : median(ratios(values, floor));
}

/** Of the same round each. */
function difference(result: Result, name: string, without: string): number[] | undefined {
  const values = column(result, name, "cpuPerThousand");
  const others = column(result, without, "cpuPerThousand");
  return others && values?.map((value, round) => value - (others[round] ?? Number.NaN));
}

function column({ comparison }: Result, name: string, key: keyof Sample): number[] | undefined {
  return comparison?.variants[name]?.samples.map((sample) => sample[key]);
}
