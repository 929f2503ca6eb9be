// The shape of a result, as it is written to JSON and read by the tables, the targets and the plot.

export interface Result {
  date: string;
  version: string;
  machine: { cpu: string; cores: number; system: string; node: string };
  pinning: string;
  provider: string;
  load: string;
  rounds: number;
  seconds: number;
  connections: number;
  comparison?: Comparison;
  start?: Start;
  waiting?: Waiting;
  growth?: GrowthPoint[];
  /** What could not be measured, and why. */
  failures: string[];
}

/** One variant in one round. */
export interface Sample {
  calls: number;
  /** CPU seconds of its processes for 1,000 calls. */
  cpuPerThousand: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU seconds per second: 1 is a core that is used up. */
  cores: number;
}

export interface Measured {
  label: string;
  samples: Sample[];
  peakBytes: number;
}

export interface Comparison {
  variants: Record<string, Measured>;
  missing: Record<string, string>;
  /** The built Worker after gzip, where it was built. */
  bundleBytes?: number;
}

/** Seconds to the first answered call, by variant, one for each start. */
export type Start = Record<string, number[]>;

export interface Waiting {
  calls: number;
  milliseconds: number;
  /** By variant, one for each fresh process. */
  peakBytes: Record<string, number[]>;
}

export interface GrowthPoint {
  by: string;
  value: string;
  floor: Sample[];
  proxy: Sample[];
  /** Why it could not be measured; then there are no samples. */
  failed?: string;
}
