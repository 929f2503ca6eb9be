// The line of a fault with a caret. Values are not shown, because they could be secrets.

import { configurationSchema } from "./schema.ts";

/** A word that is not the whole key of a line is only shown if it is a key of the schema. */
let known: ReadonlySet<string> | undefined;

/** @param line counted from 1, as `column` is. @returns two lines, or nothing for an empty line */
export function excerptOf(text: string, line: number, column: number): string {
  const written = (text.split("\n", line)[line - 1] ?? "").trimEnd();
  if (written === "") return "";
  const visible = visiblePart(written);
  const before = visible.slice(0, column - 1).replaceAll(/[^\t]/g, " ");
  const number = String(line).padStart(5);
  return `${number} | ${visible}${visible === written ? "" : "…"}\n${" ".repeat(number.length)} | ${before}^`;
}

/** The key, and what opens its value, because that may be the mistake. */
function visiblePart(line: string): string {
  const key = /^[-\t {[]*(["']?)[\w-]+\1[\t ]*:(?:[\t ]+["'[{]?|$)/.exec(line)?.[0];
  if (key !== undefined) return key;
  known ??= new Set(JSON.stringify(configurationSchema()).match(/(?<=")\w+(?=":\{)/g));
  const [start, word] = /^[-\t {[]*([\w-]*):?/.exec(line) as unknown as [string, string];
  return known.has(word) ? start : start.slice(0, start.lastIndexOf(word));
}
