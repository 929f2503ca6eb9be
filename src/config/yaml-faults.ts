// What is wrong with the file as YAML, in words of our own: the library's messages quote the text, and that may be a secret.

import { type Document, type ErrorCode, isAlias, isScalar, visit } from "yaml";

export interface YamlFault {
  /** Characters from the start of the file. */
  offset: number;
  message: string;
}

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_INDENT: "is not proper YAML: the indentation does not fit",
  TAB_AS_INDENT: "is not proper YAML: a tab indents, where only spaces may",
  DUPLICATE_KEY: "is not proper YAML: this key stands twice in its mapping",
  MISSING_CHAR: "is not proper YAML: something is missing here, as a closing bracket, a quote or a comma",
  BAD_SCALAR_START: "is not proper YAML: a text that starts with this character needs quotes",
  MULTIPLE_DOCS: 'is not proper YAML: a second document starts here ("---"), but the file may hold one',
  TAG_RESOLVE_FAILED: 'is not proper YAML: tags ("!…") are not known here; quote a text that starts with "!"',
};

/** @returns every fault, in the order of the text */
export function yamlFaults(document: Document.Parsed): YamlFault[] {
  const faults: YamlFault[] = [...document.errors, ...document.warnings].map(({ code, pos }) => ({
    offset: pos[0],
    message: MESSAGES[code] ?? `is not proper YAML here (${code})`,
  }));
  const add = (node: unknown, message: string) => {
    faults.push({ offset: (node as { range?: [number] } | null)?.range?.[0] ?? 0, message });
  };
  visit(document, {
    Pair(_, { key }) {
      // "__proto__" would be dropped in silence by the schema.
      if (!isScalar(key) || typeof key.value !== "string") add(key, "has a key that is no text: put it in quotes");
      else if (key.value === "__proto__") add(key, 'has a key "__proto__", which cannot be one');
    },
    Alias(_, alias) {
      if (isAlias(alias) && alias.resolve(document) === undefined)
        add(alias, "is an alias (*) without an anchor (&) before it");
    },
  });
  return faults.sort((a, b) => a.offset - b.offset);
}
