// The first fault of invalid YAML, and what to do about it.

import { type Document, isCollection, isNode, isScalar, visit } from "yaml";

/** Texts of our own, because the library's messages quote the file, which may contain a secret. */
const MESSAGES: Readonly<Record<string, string>> & Record<"BAD_INDENT" | "MISSING_CHAR" | "TAB_AS_INDENT", string> = {
  BAD_ALIAS: "a text that starts with this character needs quotes",
  BAD_DQ_ESCAPE: "in double quotes, write \\\\ for a backslash",
  BAD_INDENT: "the indentation is wrong; keys of one mapping start in the same column",
  BAD_SCALAR_START: "a text that starts with this character needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "a text with a colon and a space needs quotes, and a mapping its own line or braces",
  DUPLICATE_KEY:
    'this key occurs twice in the same mapping; remove one of the two (in a list, start each entry with "- ")',
  MISSING_CHAR: "something is missing here, such as a closing bracket, a quote, a comma or a space",
  MULTILINE_IMPLICIT_KEY: 'this line needs a key and a colon, like "key: value"',
  MULTIPLE_DOCS: 'a second document starts here ("---"); only one is allowed',
  TAB_AS_INDENT: "a tab or another blank is used for indentation; use spaces",
  TAG_RESOLVE_FAILED: 'tags ("!…") are not supported; quote a text that starts with "!"',
  UNEXPECTED_TOKEN: "this does not belong here; check the quotes, brackets and commas before it",
};

export interface SyntaxFault {
  offset: number;
  message: string;
}

/** Only the first, because it often causes others further down. */
export function firstSyntaxFault(text: string, document: Document.Parsed): SyntaxFault | undefined {
  const problems = [...document.errors, ...document.warnings].sort((a, b) => a.pos[0] - b.pos[0]);
  // In brackets, a missing comma also looks like a missing colon, at the same place.
  const problem =
    problems.find(({ code, pos }) => code === "BLOCK_IN_FLOW" && pos[0] === problems[0]?.pos[0]) ?? problems[0];
  const found = problem === undefined ? [] : [diagnose(text, document, problem.code, problem.pos[0])];
  const add = (node: unknown, message: string) => found.push({ offset: startOf(node), message });
  visit(document, {
    Pair(_, { key }) {
      if (!isScalar(key) || typeof key.value !== "string") {
        add(key, 'a key must be text; quote it, and quote a template: "{{…}}"');
      }
      // zod would drop it silently.
      else if (key.value === "__proto__") add(key, 'the key "__proto__" is not allowed');
    },
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      add(alias, 'this alias (*) has no anchor (&) before it; quote a text that starts with "*"');
    },
    Scalar(_, scalar) {
      if (scalar.type !== "PLAIN" || !/^[“”„‘’]|^[^"']+["']$/.test(scalar.source ?? "")) return;
      add(scalar, 'the quotes around this text are incomplete or curly; use "…"');
    },
  });
  return found.sort((a, b) => a.offset - b.offset)[0];
}

/** The library reports where it cannot go on; the mistake is often before that. */
function diagnose(text: string, document: Document, code: string, offset: number): SyntaxFault {
  const unclosed = findUnclosed(text, document, offset);
  if (unclosed !== undefined) return unclosed;
  const fault = { offset, message: MESSAGES[code] ?? MESSAGES.MISSING_CHAR };
  if (!/INDENT|IMPLICIT_KEY/.test(code)) return fault;
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const above = text.lastIndexOf("\n", start - 2) + 1;
  /** @returns where the match ends in the line that starts there */
  const endOf = (pattern: RegExp, from: number) => {
    const match = pattern.exec(/.*/.exec(text.slice(from))?.[0] ?? "");
    return match === null ? undefined : from + match[0].length;
  };
  const blank = endOf(/^ *(?=[^\S ])/, start);
  if (blank !== undefined) return { offset: blank, message: MESSAGES.TAB_AS_INDENT };
  const glued = endOf(/^ *(?:- +)?[\w.-]+:(?!\/\/)(?=\S|\u00a0)/, start) ?? endOf(DASH, start) ?? endOf(DASH, above);
  if (glued !== undefined) return { offset: glued, message: "a space is missing before this character" };
  const first = endOf(/^ */, start) as number;
  if (code === "BAD_INDENT" || (code === "BLOCK_AS_IMPLICIT_KEY" && offset <= first)) {
    const message = 'an entry of a list starts with "- ", in the same column as those above it';
    return { offset: first, message: /[{[]/.test(text[first] ?? "") ? message : MESSAGES.BAD_INDENT };
  }
  // Without a colon of its own, the text goes on in the next line, because that is indented more.
  const next = code === "BLOCK_AS_IMPLICIT_KEY" ? endOf(/^(?!.*:(?:\s|$)).*/, offset) : undefined;
  if (next === undefined) return fault;
  return { offset: next + (/\S/.exec(text.slice(next))?.index ?? 0), message: MESSAGES.BAD_INDENT };
}

const DASH = /^ *-(?=[^\s-])/;

/** The last quote or bracket before the fault that is never closed, or only on its line. */
function findUnclosed(text: string, document: Document, offset: number): SyntaxFault | undefined {
  let found: SyntaxFault | undefined;
  visit(document, {
    Node(_, node) {
      const [start, end] = node.range ?? [0, 0];
      const source = text.slice(start, end);
      if (start > offset) return;
      if (isCollection(node) && node.flow && !/[\]}]/.test(text[end - 1] ?? "")) {
        found = { offset: start, message: "this bracket is not closed" };
      }
      const isQuoted = isScalar(node) && /^["']/.test(source);
      if (isQuoted && (!/^(.).*\1$/s.test(source) || /\n/.test(source)) && !text.slice(end, offset).includes("\n")) {
        found = { offset: start, message: "this quote is not closed" };
      }
    },
  });
  return found;
}

export function startOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}
