// The lines that `check` prints.

import { TokenProxyError } from "../core/errors.ts";
import { escapeInvisible } from "../core/invisible.ts";
import { nodeClock } from "../node/host.ts";

/** Others may send megabytes. */
const MAX_LINE_CHARS = 4_096;

export function line(label: string, text: string): void {
  console.log(`${label.padEnd(18)}${escapeInvisible(text.slice(0, MAX_LINE_CHARS))}`);
}

/** @returns the text with its details in parentheses, like `text (status 401, ECONNREFUSED)` */
export function withDetails(text: string, details: object = {}, cause?: string): string {
  const all = [...Object.entries(details).map(([name, value]) => `${name} ${value}`), ...(cause ? [cause] : [])];
  return all.length === 0 ? text : `${text} (${all.join(", ")})`;
}

/**
 * Runs one request. Its line says how long that took, or why it failed.
 * @param describe what the line says of the result
 * @param explain prints what to do about a failure
 * @returns the result, or undefined if the request failed
 */
export async function attempt<T>(
  label: string,
  run: () => Promise<T>,
  describe: (result: T) => string,
  explain?: (error: TokenProxyError) => Promise<void>,
): Promise<T | undefined> {
  const started = nodeClock.elapsed();
  try {
    const result = await run();
    line(label, `${describe(result)} in ${Math.round(nodeClock.elapsed() - started)} ms`);
    return result;
  } catch (error) {
    if (!(error instanceof TokenProxyError)) throw error;
    const detail = explain && error.code.startsWith("provider_") ? {} : error.detail;
    line("  FAILED", withDetails(`${error.code}: ${error.message}`, detail, codeOf(error)));
    await explain?.(error);
    return undefined;
  }
}

/** The code, or else the name, of what went wrong inside. */
export function codeOf({ cause }: Error): string | undefined {
  const { code, name } = (cause ?? {}) as { code?: string; name?: string };
  return code ?? name;
}
