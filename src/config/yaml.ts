// Reads the YAML of the configuration file, and finds the line and column of a path in it.

import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, visit } from "yaml";
import type { Fault } from "../core/errors.ts";

export type Path = readonly (string | number)[];

export interface YamlFile {
  value: unknown;
  /** Syntax errors; with any of them `value` is undefined. */
  faults: Fault[];
  /**
   * Finds the deepest part of the path that exists in the text. The path is returned as written:
   * without the index of an entry that is not in a list, such as a single `client_secret`.
   * @param at whether to point to the key or to its value
   */
  locate(path: Path, at: "key" | "value"): Omit<Fault, "message">;
}

/** More would allow an exponentially growing file ("billion laughs"). */
const MAX_ALIASES = 100;

/** Texts of our own, because the library's messages quote the file, which may contain a secret. */
const SYNTAX_MESSAGES: Readonly<Record<string, string>> = {
  BAD_INDENT: "the indentation is wrong",
  TAB_AS_INDENT: "a tab is used for indentation; use spaces",
  DUPLICATE_KEY: "this key occurs twice in the same mapping; remove one of the two",
  MISSING_CHAR: "something is missing here, such as a closing bracket, a quote or a comma",
  BAD_SCALAR_START: "a text that starts with this character needs quotes",
  MULTIPLE_DOCS: 'a second document starts here ("---"); only one is allowed',
  TAG_RESOLVE_FAILED: 'tags ("!…") are not supported; quote a text that starts with "!"',
};

export function readYaml(text: string): YamlFile {
  const document = parseDocument(text, { prettyErrors: false });
  const lines = lineCounter(text);
  const faultAt = (offset: number, message: string): Fault => {
    const { line, col } = lines.linePos(offset);
    return { line, column: col, path: "", message };
  };
  const faults = syntaxFaults(document, faultAt);
  const locate: YamlFile["locate"] = (path, at) => {
    const { offset, written } = place(document, path, at);
    const { line, column } = faultAt(offset, "");
    return { line, column, path: formatPath(written) };
  };
  if (faults.length > 0) return { value: undefined, faults, locate };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    JSON.stringify(value); // throws for an alias inside its anchor
    return { value, faults, locate };
  } catch {
    const message = `invalid YAML: aliases (*) repeat themselves or more than ${MAX_ALIASES} parts; write the parts out`;
    return { value: undefined, faults: [faultAt(0, message)], locate };
  }
}

/** Counts lines itself: after some syntax errors the parser's own counter misses line breaks. */
function lineCounter(text: string): LineCounter {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (const { index } of text.matchAll(/\n/g)) lines.addNewLine(index + 1);
  return lines;
}

function syntaxFaults(document: Document.Parsed, faultAt: (offset: number, message: string) => Fault): Fault[] {
  const found: [offset: number, message: string][] = [...document.errors, ...document.warnings].map((error) => [
    error.pos[0],
    SYNTAX_MESSAGES[error.code] ?? `syntax error (${error.code})`,
  ]);
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== "string") found.push([startOf(key), "a key must be text; quote it"]);
      // zod would drop it silently.
      else if (key.value === "__proto__") found.push([startOf(key), 'the key "__proto__" is not allowed']);
    },
    Alias(_, alias) {
      if (alias.resolve(document) === undefined)
        found.push([startOf(alias), "this alias (*) has no anchor (&) before it"]);
    },
  });
  return found.sort(([a], [b]) => a - b).map(([offset, message]) => faultAt(offset, `invalid YAML: ${message}`));
}

function startOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}

function place(document: Document, path: Path, at: "key" | "value"): { offset: number; written: Path } {
  const written: (string | number)[] = [];
  let node: unknown = document.contents;
  let offset = startOf(node);
  let exact = true; // false inside an alias, and below a part that does not exist
  for (const [depth, part] of path.entries()) {
    if (isAlias(node)) {
      exact = false;
      node = node.resolve(document);
    }
    if (isSeq(node) !== (typeof part === "number")) continue;
    written.push(part);
    const pair = isMap(node) ? node.items.find(({ key }) => isScalar(key) && key.value === part) : undefined;
    const value = isSeq(node) ? node.items[Number(part)] : pair?.value;
    const wantsKey = at === "key" && depth === path.length - 1;
    const found = wantsKey || !isNode(value) ? (pair?.key ?? value) : value;
    exact &&= isNode(found);
    if (exact) offset = startOf(found);
    node = value;
  }
  return { offset, written };
}

/** @returns for example `providers.retail.params.audience[1]` */
function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
