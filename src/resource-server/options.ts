// Checks the options of the middlewares when they are created, so that a mistake stops the start.

/**
 * @param fault a phrase that follows the name and never repeats the value; undefined if none
 * @throws {TypeError}
 */
export function checkOption(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new TypeError(`"${name}" ${fault}`);
}

/** @param faultOf a further check, for text that is not empty */
export function checkText(name: string, value: unknown, faultOf?: (text: string) => string | undefined): void {
  const isText = typeof value === "string" && value !== "";
  checkOption(name, isText ? faultOf?.(value) : "must be a non-empty string");
}

/** One day. A timer of more than 24.8 days would fire at once. */
const MAX_DURATION_MS = 86_400_000;

export function checkMilliseconds(name: string, value: unknown, least: 0 | 1): void {
  checkOption(name, rangeFault(value, least, MAX_DURATION_MS, "milliseconds"));
}

export function rangeFault(value: unknown, least: number, most: number, unit: string): string | undefined {
  const fits = typeof value === "number" && value >= least && value <= most;
  return fits ? undefined : `must be a number of ${unit} from ${least} to ${most}`;
}
