// One measurement: warm up, then so many seconds of load, and what the operating system counted meanwhile.

import type { Load } from "./load.ts";
import type { Sample } from "./result.ts";
import type { Running } from "./running.ts";

export interface Intensity {
  connections: number;
  seconds: number;
}

/** A variant has waited while others ran, or has just started; the compiler and the connections need a moment. */
const WARM_UP_SHARE = 0.2;
const FIRST_WARM_UP_FACTOR = 2;

/** @param isFirst whether it has not run before */
export async function measure(
  load: Load,
  { name, call, expected, usage }: Running,
  { connections, seconds }: Intensity,
  isFirst: boolean,
): Promise<Sample> {
  const order = { ...call, expected, connections };
  const warmUp = Math.ceil(seconds * WARM_UP_SHARE) * (isFirst ? FIRST_WARM_UP_FACTOR : 1);
  await load.run({ ...order, seconds: warmUp }, name);
  const before = usage().cpuSeconds;
  const result = await load.run({ ...order, seconds }, name);
  const cpuSeconds = usage().cpuSeconds - before;
  return {
    calls: result.calls,
    cpuPerThousand: (cpuSeconds / result.calls) * 1_000,
    perSecond: result.calls / result.seconds,
    p50: result.p50,
    p99: result.p99,
    cores: cpuSeconds / result.seconds,
  };
}
