// Finds where in the file a value or a key stands, so that a fault names line and column.

import { type Document, isAlias, isCollection, isMap, isNode, isScalar, isSeq, type LineCounter } from "yaml";

export type Path = readonly (string | number)[];

/** Paths below one place. */
export type PathOf = (...rest: (string | number)[]) => Path;

export interface Position {
  line: number;
  column: number;
}

/** As `providers.retail.params.audience[1]`. */
export function formatPath(path: Path): string {
  let text = "";
  for (const part of path) text += typeof part === "number" ? `[${part}]` : text === "" ? part : `.${part}`;
  return text;
}

/**
 * The path without what the file does not write: the index of a list where there is one thing (`client_secret` may be one or
 * several), and the key of a mapping where its one list stands in short (a binding's `from`).
 */
export function writtenPath(document: Document, path: Path): Path {
  const resolved = (found: unknown) => (isAlias(found) ? found.resolve(document) : found);
  const written: (string | number)[] = [];
  let node = resolved(document.contents);
  for (const part of path) {
    if (typeof part === "number" ? !isSeq(node) : isSeq(node)) continue;
    written.push(part);
    node = isCollection(node) ? resolved(node.get(part, true)) : undefined;
  }
  return written;
}

/**
 * @param at `value` for where the value at the path starts, `key` for where its name does
 * @returns the position of the deepest part of the path that the file has: a missing key is told at the mapping that lacks it
 */
export function locate(document: Document, lines: LineCounter, path: Path, at: "key" | "value"): Position {
  let node: unknown = document.contents;
  let offset = isNode(node) ? node.range?.[0] : 0;
  for (const [depth, part] of path.entries()) {
    let key: unknown;
    let value: unknown;
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      key = pair?.key;
      value = pair?.value;
    } else if (isSeq(node)) {
      value = node.items[Number(part)];
    }
    const last = depth === path.length - 1;
    const found = last && at === "key" ? (key ?? value) : isNode(value) ? value : key;
    if (!isNode(found)) break;
    offset = found.range?.[0] ?? offset;
    node = value;
  }
  const { line, col } = lines.linePos(offset ?? 0);
  return { line, column: col };
}
