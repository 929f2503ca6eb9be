// The line of a fault with a caret, without values that could be secrets.

import { INVISIBLE } from "../core/invisible.ts";
import { configurationSchema, type JsonSchema } from "./schema.ts";

/** Longer lines wrap on a terminal. */
const MAX_LINE_CHARS = 160;

/** @returns a function that shows a place in two lines; empty for an empty or a long line */
export function createExcerpts(text: string): (line: number, column: number) => string {
  const lines = text.split("\n");
  return (line, column) => {
    const written = (lines[line - 1] ?? "").trimEnd();
    if (written === "" || written.length > MAX_LINE_CHARS) return "";
    keysWithForm ??= collectKeys();
    const visible = visiblePart(written, keysWithForm);
    const shown = (visible === written ? written : `${visible}…`).replaceAll(NOT_PRINTABLE, "�");
    const before = shown.slice(0, Math.min(column - 1, visible.length)).replaceAll(/[^\t]/g, " ");
    const number = String(line).padStart(5);
    return `${number} | ${shown}\n${" ".repeat(number.length)} | ${before}^`;
  };
}

const NOT_PRINTABLE = new RegExp(`(?!\t)${INVISIBLE}`, "gu");

/** The keys of the schema: whether a value has a form of its own, like a duration or a choice. */
type Keys = ReadonlyMap<string, boolean>;

/** Made once, for the first fault: that takes some milliseconds. */
let keysWithForm: Keys | undefined;

function collectKeys(): Keys {
  const keys = new Map<string, boolean>();
  JSON.stringify(configurationSchema(), (name, value) => {
    if (name !== "properties") return value;
    for (const [key, { type, title, enum: choices }] of Object.entries<JsonSchema>(value)) {
      const hasForm =
        title === undefined ? choices !== undefined || /^(?:bool|int|num)/.test(String(type)) : title !== "secret";
      keys.set(key, hasForm && keys.get(key) !== false);
    }
    return value;
  });
  return keys;
}

/** The start of the line, up to the first value that could be a secret, or to a comment. */
function visiblePart(line: string, known: Keys): string {
  const code = line.replace(/\s+#.*/, "");
  const keys = [...code.matchAll(/(?:^[-\s{[]*|[{[,][{[\s]*)(["']?)([\w-]+)\1\s*:\s*/g)];
  // A secret can have a colon too: without a space after it, only our names are keys.
  const glued = /^[-\s{[]*([\w-]+):[^\s"'{[]/.exec(code)?.[1];
  if (keys[0]?.index !== 0 || (glued !== undefined && !known.has(glued))) {
    const [start, word] = /^[-\s{[]*([\w-]*)/.exec(code) as unknown as [string, string];
    return known.has(word) ? start : start.slice(0, start.length - word.length);
  }
  let end = 0;
  let isShown = true; // whether the value of the last key is
  for (const [index, key] of keys.entries()) {
    const name = key[2] as string;
    // Only the first can be a name of the user's choice; brackets may follow a key, but no value.
    if (index > 0 && (!known.has(name) || (!isShown && key.index !== end))) break;
    end = key.index + key[0].length;
    const written = code.slice(end, keys[index + 1]?.index);
    // A key without a comma or colon may follow.
    const value = /^[^\s,]*[\s,{}[\]]*/.exec(written)?.[0] ?? "";
    isShown = known.get(name) === true && !/[@?;]/.test(written);
    if (isShown) end += value.length;
    if (value !== written) break;
  }
  // What opens a value may be the mistake.
  return code.slice(0, end) + (/^["'[{]/.exec(code.slice(end))?.[0] ?? "");
}
