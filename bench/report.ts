// The tables of a result, as text.

import type { Comparison, GrowthPoint, Idle, Measured, RatePoint, Result, Sample, Start, Waiting } from "./result.ts";
import { median, ratios, spread } from "./statistics.ts";
import { table } from "./table.ts";
import { isMet, TARGETS } from "./targets.ts";

const MIB = 1_048_576;

export function report(result: Result): string {
  const { machine, before, comparison, rate, idle, start, waiting, growth, failures } = result;
  const head = [
    `${result.version} on ${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`,
    `provider: ${result.provider}; load: ${result.load}; ${result.pinning}`,
    `rounds: ${result.rounds} of ${result.seconds} s; all figures are medians of the rounds`,
    ...(before === undefined ? [] : [`before: commit ${before}`]),
  ].join("\n");
  const parts = [
    head,
    ...(comparison === undefined ? [] : [reportComparison(comparison, result.connections)]),
    ...(rate === undefined ? [] : [reportRate(rate)]),
    ...(idle === undefined ? [] : [reportIdle(idle)]),
    ...(start === undefined ? [] : [reportStart(start)]),
    ...(waiting === undefined ? [] : [reportWaiting(waiting)]),
    ...(growth === undefined ? [] : [reportGrowth(growth)]),
    reportTargets(result),
    ...(failures.length === 0 ? [] : [`Failed\n${failures.join("\n")}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function reportComparison({ variants, missing }: Comparison, connections: number): string {
  const floor = column(variants.floor, "cpuPerThousand");
  const before = column(variants.before, "cpuPerThousand");
  const rows = Object.values(variants).map((variant) => {
    const cpu = column(variant, "cpuPerThousand");
    const against = ratios(cpu, floor);
    return [
      variant.label,
      median(cpu).toFixed(4),
      ratio(cpu, floor),
      floor.length === 0 ? "-" : `${Math.min(...against).toFixed(2)}-${Math.max(...against).toFixed(2)}`,
      ...(before.length === 0 ? [] : [ratio(cpu, before)]),
      median(column(variant, "perSecond")).toFixed(0),
      median(column(variant, "p50")).toFixed(2),
      median(column(variant, "p99")).toFixed(2),
      (median(column(variant, "peakBytes")) / MIB).toFixed(0),
      `${(median(column(variant, "cores")) * 100).toFixed(0)} %`,
    ];
  });
  const titles = ["", "CPU ms/call", "x floor", "(range)", ...(before.length === 0 ? [] : ["x before"])];
  return [
    `Under load: ${connections} connections`,
    table([[...titles, "calls/s", "p50 ms", "p99 ms", "peak MiB", "of a core"], ...rows]),
    ...(floor.length === 0
      ? []
      : [`noise: the floor's CPU per call differs by ${(spread(floor) * 100).toFixed(1)} % between rounds`]),
    ...Object.entries(missing).map(([name, why]) => `not measured: ${name} (${why})`),
  ].join("\n");
}

function reportRate(points: readonly RatePoint[]): string {
  const titles = ["", "CPU ms/call", "x bare", "p50 ms", "x bare", "p99 ms", "x bare", "of a core"];
  return points
    .map(({ rate, variants }) => {
      const rows = Object.values(variants).map((variant) => {
        const both = (key: keyof Sample, digits: number) => {
          const values = column(variant, key);
          return [median(values).toFixed(digits), ratio(values, column(variants["raw-es256"], key))];
        };
        const cores = `${(median(column(variant, "cores")) * 100).toFixed(1)} %`;
        return [variant.label, ...both("cpuPerThousand", 4), ...both("p50", 2), ...both("p99", 2), cores];
      });
      return `${rate} calls/s, Poisson arrivals\n${table([titles, ...rows])}`;
    })
    .join("\n\n");
}

function reportIdle(idle: Idle): string {
  const rows = Object.values(idle).map(({ label, samples }) => [
    label,
    `${(median(samples.map(({ cores }) => cores)) * 100).toFixed(3)} %`,
    (median(samples.map(({ rssBytes }) => rssBytes)) / MIB).toFixed(1),
  ]);
  return `Idle\n${table([["", "of a core", "RSS MiB"], ...rows])}`;
}

function reportStart(start: Start): string {
  const bare = start["bare-http"] ?? [];
  const rows = Object.entries(start).map(([name, seconds]) => [
    name,
    (median(seconds) * 1_000).toFixed(0),
    ratio(seconds, bare),
  ]);
  const title = `From spawn to the first answered call: ${bare.length} starts each`;
  return `${title}\n${table([["", "ms", "x bare-http"], ...rows])}`;
}

function reportWaiting({ calls, milliseconds, peakBytes }: Waiting): string {
  const rows = Object.entries(peakBytes).map(([name, bytes]) => [name, (median(bytes) / MIB).toFixed(0)]);
  const title = `${calls} calls waiting for a provider that takes ${milliseconds} ms: no error`;
  return `${title}\n${table([["", "peak MiB"], ...rows])}`;
}

function reportGrowth(points: readonly GrowthPoint[]): string {
  const titles = ["", "", "CPU ms/call", "floor", "x floor", "calls/s", "floor", "p99 ms", "floor"];
  const rows = points.map(({ by, value, floor, proxy, failed }) => {
    if (failed !== undefined) return [by, value, "failed"];
    const values = (samples: readonly Sample[], key: keyof Sample) => samples.map((sample) => sample[key]);
    const both = (key: keyof Sample, digits: number) =>
      [proxy, floor].map((samples) => median(values(samples, key)).toFixed(digits));
    const against = ratio(values(proxy, "cpuPerThousand"), values(floor, "cpuPerThousand"));
    return [by, value, ...both("cpuPerThousand", 4), against, ...both("perSecond", 0), ...both("p99", 2)];
  });
  return `Growth of the proxy, next to the floor\n${table([titles, ...rows])}`;
}

function reportTargets(result: Result): string {
  const rows = TARGETS.flatMap((target) => {
    const { what, limit, unit, atLeast } = target;
    const figure = target.figure(result);
    if (figure === undefined) return []; // not measured in this run
    const verdict = isMet(target, figure) ? "met" : "missed";
    return [[what, `${atLeast ? ">=" : "<="} ${limit} ${unit}`, `${figure.toFixed(2)} ${unit}`, verdict]];
  });
  return `Targets\n${table([["", "limit", "figure", ""], ...rows])}`;
}

function column(variant: Measured | undefined, key: keyof Sample): number[] {
  return variant?.samples.map((sample) => sample[key]) ?? [];
}

function ratio(values: readonly number[], base: readonly number[]): string {
  return base.length === 0 ? "-" : median(ratios(values, base)).toFixed(2);
}
