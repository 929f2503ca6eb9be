// The line of a fault with a caret, without values that could be secrets.

import { INVISIBLE } from "../core/invisible.ts";
import { configurationSchema, type JsonSchema } from "./schema.ts";

/** Longer lines wrap on a terminal. */
const MAX_LINE_CHARS = 160;

/** @returns a function that shows the place of a fault in two lines; empty if that is not possible */
export function createExcerpts(text: string): (line: number, column: number) => string {
  const lines = text.split("\n");
  harmless ??= collectKeys();
  const isHarmless = harmless;
  return (line, column) => {
    const whole = (lines[line - 1] ?? "").trimEnd();
    if (whole === "" || whole.length > MAX_LINE_CHARS) return "";
    const safe = visiblePart(whole, isHarmless);
    const shown = (safe === whole ? whole : `${safe}…`).replaceAll(NOT_PRINTABLE, "�");
    const before = shown.slice(0, Math.min(column - 1, safe.length));
    const number = `${line}`.padStart(5);
    return `${number} | ${shown}\n${" ".repeat(number.length)} | ${before.replaceAll(/[^\t]/g, " ")}^`;
  };
}

/** Takes some milliseconds, which only faulty files need. */
let harmless: ReadonlyMap<string, boolean> | undefined;

const NOT_PRINTABLE = new RegExp(`(?!\t)${INVISIBLE}`, "gu");

/** Of the keys in the schema: whether a value has a form of its own, such as a duration or a choice. */
function collectKeys(): ReadonlyMap<string, boolean> {
  const keys = new Map<string, boolean>();
  JSON.stringify(configurationSchema(), (name, value) => {
    if (name !== "properties") return value;
    for (const [key, { type, title, enum: choices }] of Object.entries<JsonSchema>(value)) {
      const hasForm =
        title === "secret" ? false : Boolean(title ?? choices) || /^(?:boolean|integer|number)$/.test(String(type));
      keys.set(key, hasForm && keys.get(key) !== false);
    }
    return value;
  });
  return keys;
}

/** The start of the line, up to the first value that could be a secret, or to a comment. */
function visiblePart(line: string, isHarmless: ReadonlyMap<string, boolean>): string {
  const code = line.replace(/\s+#.*/, "");
  const keys = [...code.matchAll(/(?:^[-\s{[]*|[{[,][{[\s]*)(["']?)([\w-]+)\1\s*:\s*/g)];
  if (keys[0]?.index !== 0) {
    const [start, word] = /^[-\s{[]*([\w-]*)/.exec(code) as unknown as [string, string];
    return isHarmless.has(word) ? start : start.slice(0, start.length - word.length);
  }
  let end = 0;
  let isOpen = true; // whether the text since the last key may be shown
  for (const [
    index,
    {
      0: { length },
      2: name = "",
      index: at,
    },
  ] of keys.entries()) {
    // Only the first can be a name of the user's choice; brackets may follow a key, but no value.
    if (index > 0 && (!isHarmless.has(name) || (!isOpen && at !== end))) break;
    end = at + length;
    const value = code.slice(end, keys[index + 1]?.index);
    isOpen = isHarmless.get(name) === true && !/\/\/\S*[@?]/.test(value);
    if (isOpen) end += value.length;
  }
  // What opens a value may be the mistake.
  return code.slice(0, end) + (/^["'[{]/.exec(code.slice(end))?.[0] ?? "");
}
