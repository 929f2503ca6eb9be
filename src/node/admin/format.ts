// Numbers and times as text for the status page.

export const DAY_MS = 86_400_000;
const UNITS = [
  ["d", DAY_MS],
  ["h", 3_600_000],
  ["min", 60_000],
] as const;

/** "7", "1,200", and with a decimal below ten: "0.2". */
export function count(number: number): string {
  return number.toLocaleString("en", { maximumFractionDigits: number < 9.95 ? 1 : 0 });
}

/** "1 call", "1,200 calls". */
export function counted(number: number, noun: string): string {
  return `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
}

/** In its largest whole unit: "42 s", "12 min", "1 h", "9 d". */
export function duration(ms: number): string {
  const [unit, size] = UNITS.find(([, size]) => ms >= size) ?? ["s", 1_000];
  return `${count(Math.max(0, Math.floor(ms / size)))} ${unit}`;
}
