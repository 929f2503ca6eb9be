// Reads the YAML of the configuration file, and finds the line and column of a path in it.

import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument, visit } from "yaml";
import { ConfigError } from "../core/errors.ts";
import type { Path, PathFault } from "./faults.ts";

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

/**
 * @returns the value, and a function that finds the line and column of each fault in it
 * @throws {ConfigError} if the YAML is invalid
 */
export function readYaml(text: string, fileName: string) {
  const document = parseDocument(text, { prettyErrors: false });
  // After some syntax errors, the library's own counter misses line breaks.
  const positionOf = (offset: number) => {
    const lines = text.slice(0, offset).split("\n");
    return { line: lines.length, column: (lines.at(-1) as string).length + 1 };
  };
  const invalid = (found: SyntaxFault[]) =>
    new ConfigError(
      fileName,
      found.map(([offset, message]) => ({ ...positionOf(offset), path: "", message: `invalid YAML: ${message}` })),
    );
  const faults = syntaxFaults(document);
  if (faults.length > 0) throw invalid(faults);

  const error = (found: readonly PathFault[]): ConfigError => {
    const located = found.map(({ path, at, message }) => {
      const { offset, written } = locate(document, path, at);
      return { ...positionOf(offset), path: formatPath(written), message };
    });
    return new ConfigError(
      fileName,
      located.sort((a, b) => a.line - b.line || a.column - b.column),
    );
  };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    JSON.stringify(value); // throws for an alias inside its anchor
    return { value, error };
  } catch {
    throw invalid([[0, `aliases (*) repeat themselves or more than ${MAX_ALIASES} parts; write the parts out`]]);
  }
}

type SyntaxFault = [offset: number, message: string];

function syntaxFaults(document: Document.Parsed): SyntaxFault[] {
  const found = [...document.errors, ...document.warnings].map(
    ({ pos, code }): SyntaxFault => [pos[0], SYNTAX_MESSAGES[code] ?? `syntax error (${code})`],
  );
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== "string") found.push([startOf(key), "a key must be text; quote it"]);
      // zod would drop it silently.
      else if (key.value === "__proto__") found.push([startOf(key), 'the key "__proto__" is not allowed']);
    },
    Alias(_, alias) {
      if (alias.resolve(document)) return;
      found.push([startOf(alias), "this alias (*) has no anchor (&) before it"]);
    },
  });
  return found.sort(([a], [b]) => a - b);
}

function startOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}

/**
 * Finds the deepest part of the path that exists in the text. The path is returned as written:
 * without the index of an entry that is not in a list, such as a single `client_secret`.
 */
function locate(document: Document, path: Path, at: PathFault["at"]): { offset: number; written: Path } {
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
