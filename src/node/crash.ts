// What is told of a bug that ends the process.

import { framesOf } from "../core/stack-frames.ts";

/**
 * Its name and where it happened. Node would print its message and a line of the source; a message quotes what it failed on, and that
 * may be a secret or a token.
 * @param thrown anything
 */
export function describeCrash(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `ended by a bug: thrown ${typeof thrown}`;
  return [`ended by a bug: ${thrown.name}`, ...framesOf(thrown).map((frame) => `    ${frame}`)].join("\n");
}
