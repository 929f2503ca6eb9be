// Describes a bug that ends the process.

import { framesOf } from "../core/stack-frames.ts";

/** @returns the error's name and stack without its message, which may quote a secret or token */
export function describeCrash(thrown: unknown): string {
  if (!(thrown instanceof Error)) return `ended by a bug: thrown ${typeof thrown}`;
  return [`ended by a bug: ${thrown.name}`, ...framesOf(thrown).map((frame) => `    ${frame}`)].join("\n");
}
