// One measurement: what the load and the operating system counted during some seconds of load.

import type { Load, Pace } from "./load.ts";
import type { Sample } from "./result.ts";
import type { Running } from "./running.ts";

/** A fresh process compiles its code and opens its connections first. */
const WARM_UP_SHARE = 0.4;

/** Loads a fresh process, for a while without counting. */
export async function warmUp(load: Load, running: Running, pace: Pace, seconds: number): Promise<void> {
  await runLoad(load, running, pace, Math.ceil(seconds * WARM_UP_SHARE));
}

export async function measure(load: Load, running: Running, pace: Pace, seconds: number): Promise<Sample> {
  const before = running.usage().cpuSeconds;
  const result = await runLoad(load, running, pace, seconds);
  const { cpuSeconds, peakBytes } = running.usage();
  const used = cpuSeconds - before;
  return {
    calls: result.calls,
    cpuPerThousand: (used / result.calls) * 1_000,
    perSecond: result.calls / result.seconds,
    p50: result.p50,
    p99: result.p99,
    cores: used / result.seconds,
    peakBytes,
  };
}

function runLoad(load: Load, { name, call, expected }: Running, pace: Pace, seconds: number) {
  return load.run({ ...call, ...pace, expected, seconds }, name);
}
