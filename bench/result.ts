// The shape of a result, as it is written to JSON and read by tables, targets and plot.

export interface Result {
  date: string;
  version: string;
  /** The commit that `--before` names. */
  before?: string;
  machine: { cpu: string; cores: number; system: string; node: string };
  pinning: string;
  provider: string;
  load: string;
  rounds: number;
  seconds: number;
  connections: number;
  comparison?: Comparison;
  rate?: RatePoint[];
  idle?: Idle;
  start?: Start;
  waiting?: Waiting;
  growth?: GrowthPoint[];
  /** What could not be measured, and why. */
  failures: string[];
}

/** One variant in one round, with a fresh process. */
export interface Sample {
  calls: number;
  /** CPU seconds for 1,000 calls, or milliseconds for one. */
  cpuPerThousand: number;
  perSecond: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
  /** CPU seconds per second: 1 is one full core. */
  cores: number;
  /** The highest RSS since the process was started. */
  peakBytes: number;
}

/** By the variant's name. */
export type Variants = Record<string, Measured>;

export interface Measured {
  label: string;
  samples: Sample[];
}

export interface Comparison {
  variants: Variants;
  /** Why variants could not be measured, by name. */
  missing: Record<string, string>;
  /** The built Workers after gzip, by variant. */
  bundleBytes: Record<string, number>;
}

export interface RatePoint {
  /** Calls per second. */
  rate: number;
  variants: Variants;
}

export type Idle = Record<string, { label: string; samples: IdleSample[] }>;

export interface IdleSample {
  /** CPU seconds per second. */
  cores: number;
  rssBytes: number;
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
