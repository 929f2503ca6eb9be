// Reads the YAML of the configuration file, and finds the line and column of a path in it.

import { type Document, isAlias, isMap, isNode, isScalar, isSeq, parseDocument } from "yaml";
import { ConfigError, type Fault } from "../core/errors.ts";
import { excerptOf } from "./excerpt.ts";
import type { Path, PathFault } from "./faults.ts";
import { firstSyntaxFault, type SyntaxFault, startOf } from "./syntax-fault.ts";

/** More would allow an exponentially growing file ("billion laughs"). */
const MAX_ALIASES = 100;

type LocatedFault = Omit<Fault, "line" | "column" | "excerpt"> & { offset: number };

/**
 * @returns the value, and a function that finds the line and column of each fault in it
 * @throws {ConfigError} if the YAML is invalid
 */
export function readYaml(written: string, fileName: string) {
  const text = written.replace(/^\ufeff/, "");
  const document = parseDocument(text, { prettyErrors: false });
  const errorOf = (faults: LocatedFault[]) => {
    const sorted = faults
      .sort((a, b) => a.offset - b.offset)
      .map(({ offset, path, message }) => {
        // After some syntax errors, the line counter of the library misses line breaks.
        const lines = text.slice(0, offset).split("\n");
        const [line, column] = [lines.length, (lines.at(-1) as string).length + 1];
        return { line, column, path, message, excerpt: excerptOf(text, line, column) };
      });
    return new ConfigError(fileName, sorted);
  };
  const invalid = ({ offset, message }: SyntaxFault) =>
    errorOf([{ offset, path: "", message: `invalid YAML: ${message}` }]);
  const fault = firstSyntaxFault(text, document);
  if (fault !== undefined) throw invalid(fault);

  const error = (found: readonly PathFault[]): ConfigError =>
    errorOf(found.map(({ path, at, message }) => ({ ...locate(document, path, at), message })));
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    JSON.stringify(value); // throws for an alias inside its anchor
    return { value, error };
  } catch {
    const problem = `aliases (*) repeat themselves or more than ${MAX_ALIASES} parts; write the parts out`;
    throw invalid({ offset: 0, message: problem });
  }
}

/**
 * Finds the deepest part of the path that exists in the text. The path is returned as written:
 * without the index of an entry that is not in a list, such as a single `client_secret`.
 */
function locate(document: Document, path: Path, at: PathFault["at"]): { offset: number; path: string } {
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
  return { offset, path: formatPath(written) };
}

/** @returns for example `providers.retail.params.audience[1]` */
function formatPath(path: Path): string {
  return path.map((part, index) => (typeof part === "number" ? `[${part}]` : index === 0 ? part : `.${part}`)).join("");
}
