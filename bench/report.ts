// The tables of a result, as text.

import type { Comparison, GrowthPoint, Result, Sample, Start, Waiting } from "./result.ts";
import { median, ratios, spread } from "./statistics.ts";
import { isMet, TARGETS } from "./targets.ts";

const FLOOR = "floor";
const MIB = 1_048_576;

export function report(result: Result): string {
  const { machine, comparison, start, waiting, growth } = result;
  const head = [
    `${result.version} on ${machine.cpu}, ${machine.cores} cores, ${machine.system}, Node ${machine.node}`,
    `provider: ${result.provider}; load: ${result.load}; ${result.pinning}`,
  ].join("\n");
  const parts = [
    head,
    ...(comparison === undefined ? [] : [comparisonText(comparison, result)]),
    ...(start === undefined ? [] : [startText(start)]),
    ...(waiting === undefined ? [] : [waitingText(waiting)]),
    ...(growth === undefined ? [] : [growthText(growth)]),
    targetsText(result),
    ...(result.failures.length === 0 ? [] : [`Failed\n${result.failures.join("\n")}`]),
  ];
  return `${parts.join("\n\n")}\n`;
}

function comparisonText({ variants, missing }: Comparison, { rounds, seconds, connections }: Result): string {
  const floor = variants[FLOOR]?.samples.map((sample) => sample.cpuPerThousand);
  const rows = Object.values(variants).map(({ label, samples, peakBytes }) => {
    const of = (key: keyof Sample) => median(samples.map((sample) => sample[key]));
    const against =
      floor &&
      ratios(
        samples.map((sample) => sample.cpuPerThousand),
        floor,
      );
    return [
      label,
      of("cpuPerThousand").toFixed(4),
      against === undefined ? "-" : median(against).toFixed(2),
      against === undefined ? "-" : `${Math.min(...against).toFixed(2)}-${Math.max(...against).toFixed(2)}`,
      of("perSecond").toFixed(0),
      of("p50").toFixed(2),
      of("p99").toFixed(2),
      (peakBytes / MIB).toFixed(0),
      `${(of("cores") * 100).toFixed(0)} %`,
    ];
  });
  const titles = ["", "CPU s/1000", "x floor", "of rounds", "calls/s", "p50 ms", "p99 ms", "peak MiB", "of a core"];
  const noise =
    floor === undefined
      ? []
      : [
          `noise of this machine: the floor's CPU per call differs by ${(spread(floor) * 100).toFixed(1)} % between rounds`,
        ];
  return [
    `Under load: ${connections} connections, medians of ${rounds} ${rounds === 1 ? "round" : "rounds"} of ${seconds} s, variants in turns`,
    table([titles, ...rows]),
    ...noise,
    ...Object.entries(missing).map(([name, why]) => `not measured: ${name} (${why})`),
  ].join("\n");
}

function startText(start: Start): string {
  const bare = start["bare-http"] ?? [];
  const rows = Object.entries(start).map(([name, seconds]) => [
    name,
    (median(seconds) * 1_000).toFixed(0),
    median(ratios(seconds, bare)).toFixed(2),
  ]);
  return `From spawn to the first answered call: medians of ${bare.length} starts\n${table([["", "ms", "x bare-http"], ...rows])}`;
}

function waitingText({ calls, milliseconds, peakBytes }: Waiting): string {
  const rows = Object.entries(peakBytes).map(([name, bytes]) => [
    name,
    (median(bytes) / MIB).toFixed(0),
    median(ratios(bytes, peakBytes[FLOOR] ?? [])).toFixed(2),
  ]);
  const title = `${calls} calls at a time on a provider that takes ${milliseconds} ms: no error`;
  return `${title}\n${table([["", "peak MiB", "x floor"], ...rows])}`;
}

function growthText(points: readonly GrowthPoint[]): string {
  const titles = ["", "", "CPU s/1000", "floor", "x floor", "calls/s", "floor", "p99 ms", "floor"];
  const rows = points.map(({ by, value, floor, proxy, failed }) => {
    if (failed !== undefined) return [by, value, "failed"];
    const of = (samples: readonly Sample[], key: keyof Sample) => samples.map((sample) => sample[key]);
    const both = (key: keyof Sample, digits: number) =>
      [proxy, floor].map((samples) => median(of(samples, key)).toFixed(digits));
    const ratio = median(ratios(of(proxy, "cpuPerThousand"), of(floor, "cpuPerThousand"))).toFixed(2);
    return [by, value, ...both("cpuPerThousand", 4), ratio, ...both("perSecond", 0), ...both("p99", 2)];
  });
  return ["Growth of the proxy, beside the floor", table([titles, ...rows])].join("\n");
}

function targetsText(result: Result): string {
  const rows = TARGETS.map((target) => {
    const figure = target.figure(result);
    const limit = `${target.atLeast ? ">=" : "<="} ${target.limit} ${target.unit}`;
    if (figure === undefined) return [target.what, limit, "-", "not measured"];
    return [target.what, limit, `${figure.toFixed(2)} ${target.unit}`, isMet(target, figure) ? "met" : "missed"];
  });
  return `Targets\n${table([["", "limit", "figure", ""], ...rows])}`;
}

/** The first column is text and stands left, all others right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows)
    for (const [index, cell] of row.entries()) widths[index] = Math.max(widths[index] ?? 0, cell.length);
  return rows
    .map((row) =>
      row
        .map((cell, index) => (index === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[index] ?? 0)))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
