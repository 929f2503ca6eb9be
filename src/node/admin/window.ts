// Counts the calls of the last minutes, minute by minute, for rates and percentiles.

/** One minute of calls. */
export interface Minute {
  /** Minutes since the epoch. */
  minute: number;
  tokens: number;
  refused: number;
  errors: number;
  /** How many calls took how long: by the bucket of bucketOf. */
  durations: Readonly<Record<number, number>>;
}

export const MINUTES_KEPT = 30;
export const MINUTE_MS = 60_000;

/** Each bucket reaches a fifth further than the one before: percentiles are told within that. The first one ends at 0.1 ms. */
const GROWTH = 1.2;
const LOG_GROWTH = Math.log(GROWTH);
const FIRST_MS = 0.1;

/** @param ms of one call */
export function bucketOf(ms: number): number {
  return ms <= FIRST_MS ? 0 : Math.ceil(Math.log(ms / FIRST_MS) / LOG_GROWTH);
}

/** @returns the milliseconds at which the bucket ends */
export function endOf(bucket: number): number {
  return FIRST_MS * GROWTH ** bucket;
}

export interface Counted {
  outcome: "token" | "refused" | "error";
  duration: number;
}

export interface CallWindow {
  /** @param now milliseconds since the epoch */
  count(call: Counted, now: number): void;
  /** The oldest first; minutes without calls are left out. */
  minutes(now: number): Minute[];
}

export function createWindow(): CallWindow {
  type Slot = Minute & { durations: Record<number, number> };
  let slots: Slot[] = [];
  const since = (now: number) => Math.floor(now / MINUTE_MS) - MINUTES_KEPT;

  return {
    count({ outcome, duration }, now) {
      const minute = Math.floor(now / MINUTE_MS);
      let slot = slots.at(-1);
      // A clock that is set back counts on in the minute that it had reached.
      if (slot === undefined || slot.minute < minute) {
        slot = { minute, tokens: 0, refused: 0, errors: 0, durations: {} };
        slots = [...slots.filter((old) => old.minute > since(now)), slot];
      }
      slot[outcome === "token" ? "tokens" : outcome === "refused" ? "refused" : "errors"] += 1;
      const bucket = bucketOf(duration);
      slot.durations[bucket] = (slot.durations[bucket] ?? 0) + 1;
    },
    minutes: (now) => slots.filter(({ minute }) => minute > since(now)),
  };
}

/** @param minutes one at least; the result stands under the first one's time */
export function sum(minutes: readonly Minute[]): Minute {
  const durations: Record<number, number> = {};
  const total = { minute: minutes[0]?.minute ?? 0, tokens: 0, refused: 0, errors: 0, durations };
  for (const one of minutes) {
    total.tokens += one.tokens;
    total.refused += one.refused;
    total.errors += one.errors;
    for (const [bucket, count] of Object.entries(one.durations)) {
      durations[Number(bucket)] = (durations[Number(bucket)] ?? 0) + count;
    }
  }
  return total;
}

/** @returns the milliseconds within which the share of the calls was answered, a bucket's width at most too many; undefined without calls */
export function percentile({ durations }: Pick<Minute, "durations">, share: number): number | undefined {
  const buckets = Object.entries(durations)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort((a, b) => a[0] - b[0]);
  const calls = buckets.reduce((total, [, count]) => total + count, 0);
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= calls * share) return endOf(bucket);
  }
  return undefined;
}
