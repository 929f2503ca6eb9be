// Checks the options of the middlewares when they are created, so that a mistake stops the start.

/** @param fault a phrase that follows the name and never repeats the value; undefined if none */
export function checkOption(name: string, fault: string | undefined): void {
  if (fault !== undefined) throw new TypeError(`"${name}" ${fault}`);
}

/** @param faultOf a further check, for text that is not empty */
export function checkText(name: string, value: unknown, faultOf?: (text: string) => string | undefined): void {
  const isText = typeof value === "string" && value !== "";
  checkOption(name, isText ? faultOf?.(value) : "must be a non-empty string");
}
