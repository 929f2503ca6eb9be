// Numbers and times as text for the status page.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
export const DAY_MS = 24 * HOUR_MS;

/** "7", "1,200", and with a decimal below ten: "0.2". Not Intl, which takes 8 ms and 3 MB. */
export function count(number: number): string {
  if (number < 9.95) return number.toFixed(1).replace(".0", "");
  return number.toFixed(0).replaceAll(/\B(?=(?:\d{3})+$)/g, ",");
}

/** "1 call", "1,200 calls". */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** Never 0 % if there is something. */
export function percent(part: number, whole: number): string {
  const share = (part / whole) * 100;
  return part > 0 && share < 0.1 ? "< 0.1 %" : `${count(share)} %`;
}

/** In its largest whole unit: "42 s", "12 min", "1 h", "9 days". */
export function duration(ms: number): string {
  if (ms < MINUTE_MS) return `${Math.max(0, Math.floor(ms / SECOND_MS))} s`;
  if (ms < HOUR_MS) return `${Math.floor(ms / MINUTE_MS)} min`;
  return ms < DAY_MS ? `${Math.floor(ms / HOUR_MS)} h` : counted(Math.floor(ms / DAY_MS), "day");
}

/** "14:03:27", in UTC. */
export function timeOfDay(at: number): string {
  return new Date(at).toISOString().slice(11, 19);
}
