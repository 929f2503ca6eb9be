// Numbers and times as text for the status page.

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** "1,200", or "5,001.3" with one decimal. Not Intl: its first use takes 8 ms and 3 MB. */
export function count(number: number, decimals: 0 | 1 = 0): string {
  return number.toFixed(decimals).replaceAll(/\B(?=(?:\d{3})+(?!\d))/g, ",");
}

/** "1 call", "1,200 calls". */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** One decimal below ten, so that one call in five minutes is not shown as 0. */
export function short(number: number): string {
  return number < 9.95 ? count(number, 1).replace(".0", "") : count(number);
}

/** Never 0 % if there is something, never 100 % if something is missing. */
export function percent(part: number, whole: number): string {
  const share = (part / whole) * 100;
  if (part > 0 && share < 0.1) return "< 0.1 %";
  if (part < whole && share > 99) return "> 99 %";
  return `${short(share)} %`;
}

/** "14 ms", "5.6 s". */
export function shortTime(ms: number): string {
  return ms < 1_000 ? `${short(ms)} ms` : `${short(ms / 1_000)} s`;
}

/** The two largest units: "42 s", "12 min", "1 h 5 min", "9 days". */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / 1_000))} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  const [large, small] =
    ms < DAY_MS
      ? [`${Math.floor(ms / HOUR_MS)} h`, `${Math.floor((ms % HOUR_MS) / MINUTE_MS)} min`]
      : [counted(Math.floor(ms / DAY_MS), "day"), `${Math.floor((ms % DAY_MS) / HOUR_MS)} h`];
  return small.startsWith("0") ? large : `${large} ${small}`;
}

/** "14:03:27", in UTC. */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}
