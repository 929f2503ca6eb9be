// Durations of the configuration file: text with a unit, so that nobody has to guess whether 5 is seconds.

const UNIT_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;

export const DURATION_PATTERN = /^(\d{1,9})(ms|s|m|h)$/;

/** @returns milliseconds, or undefined where the text is no duration such as `500ms`, `5s`, `10m` */
export function parseDuration(text: string): number | undefined {
  const match = DURATION_PATTERN.exec(text);
  if (match === null) return undefined;
  return Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
}
