// The first fault of invalid YAML, and what to do about it.

import { type Document, isAlias, isCollection, isNode, isPair, isScalar, type Node, visit } from "yaml";

const QUOTES = "a text that starts with this character needs quotes";
const TAB = "a tab or another blank is used for indentation; use spaces";

/** Texts of our own, because the library's messages quote the file, which may contain a secret. */
const MESSAGES: Readonly<Record<string, string> & Record<"BAD_INDENT", string>> = {
  BAD_ALIAS: QUOTES,
  BAD_DQ_ESCAPE: "in double quotes, write \\\\ for a backslash",
  BAD_INDENT:
    'the indentation is wrong here or above; keys of one mapping start in the same column, and so do the "- " of a list',
  BAD_SCALAR_START: QUOTES,
  BLOCK_AS_IMPLICIT_KEY: "a text with a colon and a space needs quotes, and a mapping its own line or braces",
  DUPLICATE_KEY:
    'this key occurs twice in the same mapping; remove one of the two (in a list, start each entry with "- ")',
  MULTILINE_IMPLICIT_KEY: 'this line needs a key and a colon, like "key: value"',
  MULTIPLE_DOCS: 'a second document starts here ("---"); only one is allowed',
  TAB_AS_INDENT: TAB,
  TAG_RESOLVE_FAILED: 'tags ("!…") are not supported; quote a text that starts with "!"',
};

export interface SyntaxFault {
  offset: number;
  message: string;
}

/** Only the first, because it often causes others further down. */
export function firstSyntaxFault(text: string, document: Document.Parsed): SyntaxFault | undefined {
  // In brackets, a missing comma also looks like a missing colon, at the same place.
  const [problem] = [...document.errors, ...document.warnings].sort(
    (a, b) => a.pos[0] - b.pos[0] || Number(b.code === "BLOCK_IN_FLOW") - Number(a.code === "BLOCK_IN_FLOW"),
  );
  const found: SyntaxFault[] = [];
  let unclosed: SyntaxFault | undefined;
  visit(document, (_, node) => {
    const message = problemOf(node, document);
    if (message !== undefined) found.push({ offset: startOf(isPair(node) ? node.key : node), message });
    if (problem !== undefined && isNode(node)) unclosed = unclosedAt(node, text, problem.pos[0]) ?? unclosed;
  });
  if (problem !== undefined) found.unshift(unclosed ?? diagnose(text, problem.code, problem.pos[0]));
  return found.sort((a, b) => a.offset - b.offset)[0];
}

/** What the library allows, but this file does not. */
function problemOf(node: unknown, document: Document): string | undefined {
  if (isPair(node)) {
    const name = isScalar(node.key) ? node.key.value : undefined;
    if (typeof name !== "string") return 'a key must be text; quote it, and quote a template: "{{…}}"';
    // zod would drop it silently.
    return name === "__proto__" ? 'the key "__proto__" is not allowed' : undefined;
  }
  if (isAlias(node) && node.resolve(document) === undefined) {
    return 'this alias (*) has no anchor (&) before it; quote a text that starts with "*"';
  }
  const isQuotedBadly = isScalar(node) && node.type === "PLAIN" && /^[“”„‘’]|^[^"']+["']$/.test(node.source ?? "");
  return isQuotedBadly ? 'the quotes around this text are incomplete or curly; use "…"' : undefined;
}

/** @returns whether this quote or bracket, before a fault, is not closed, or not on its line */
function unclosedAt(node: Node, text: string, fault: number): SyntaxFault | undefined {
  const [offset, end] = node.range ?? [0, 0];
  const source = text.slice(offset, end);
  if (offset > fault) return undefined;
  if (isCollection(node) && node.flow && !/[\]}]$/.test(source))
    return { offset, message: "this bracket is not closed" };
  const isClosed = !/^["']/.test(source) || /^(.).*\1$/.test(source) || text.slice(end, fault).includes("\n");
  return isScalar(node) && !isClosed ? { offset, message: "this quote is not closed" } : undefined;
}

/** The library reports where it cannot go on; the mistake is often before that. */
function diagnose(text: string, code: string, offset: number): SyntaxFault {
  const message =
    MESSAGES[code] ?? "this does not belong here; check the quotes, brackets, commas and spaces before it";
  if (!/INDENT|IMPLICIT_KEY/.test(code)) return { offset, message };
  const start = text.lastIndexOf("\n", offset - 1) + 1;
  const [line = ""] = text.slice(start).split("\n", 1);
  const first = start + line.search(/[^ ]|$/);
  if (/^ *[^\S ]/.test(line)) return { offset: first, message: TAB };
  const [glued] = /^ *(?:-(?=[^\s-])|(?:- +)?[\w.-]+:(?!\/\/)(?=\S|\u00a0))/.exec(line) ?? [];
  if (glued !== undefined) return { offset: start + glued.length, message: "a space is missing before this character" };
  const [value = ""] = /.*\s*/.exec(text.slice(offset)) ?? [];
  if (code !== "BLOCK_AS_IMPLICIT_KEY" || (offset > first && /:\s/.test(value))) {
    return { offset: Math.max(offset, first), message };
  }
  // Without a colon of its own, a value goes on in the next line, because that is indented more.
  return { offset: offset > first ? offset + value.length : first, message: MESSAGES.BAD_INDENT };
}

export function startOf(node: unknown): number {
  return (isNode(node) ? node.range?.[0] : undefined) ?? 0;
}
