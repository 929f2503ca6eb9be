// Plain English: words that make a sentence hard to read, and comments that are too wide to read next to code.

import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Each with a plain way to say it. The list is short on purpose: it finds habits, and review finds the rest. */
const AVOID: readonly (readonly [RegExp, string])[] = [
  [/\bwho(?:m)?ever\b/i, "anyone who, the caller, callers that"],
  [/\balone\b/i, "only"],
  [/\bstands\b/i, "is, means"],
  [/\b(?:is|are|was|were|be) told\b/i, "receives, is reported, the log says"],
  [/\b(?:that|which) is none\b/i, "not a, invalid"],
  [/\bthat is what\b/i, "this"],
  [/\bwhat stands\b/i, "the"],
  [/\bhad better\b/i, "should"],
  [/\bnobody else than\b/i, "only"],
  [/\bletter (?:for|by) letter\b/i, "exactly"],
  [/\bas it is worth\b/i, "as"],
  [/\ba time that is\b/i, "when"],
  [/\btakes? [^.;,]{0,30} for what it is\b/i, "treats as"],
];

const MAX_COMMENT_COLUMNS = 100;

/** Quotes of what the list forbids, and words of another language or a standard: the file, and a part of the line. */
const ALLOWED: readonly (readonly [file: string, part: string])[] = [];

const files = globSync([
  "src/**/*.{ts,js}",
  "docs/**/*.md",
  "{README,CONTRIBUTING,SECURITY}.md",
  "examples/**/*",
  "deploy/**/*.*",
  "deploy/docker/Dockerfile",
  "worker/**/*",
  "wrangler.toml",
  "bench/*.ts",
]);

const lines = files.flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .map((text, index) => ({ file, at: `${file}:${index + 1}`, text })),
);

const isAllowed = (file: string, text: string) =>
  ALLOWED.some(([allowedFile, part]) => allowedFile === file && text.includes(part));

/** Where the comment of a line ends; 0 for a line without one. A `//` in a text is behind a colon, as in a URL, or a quote. */
function commentEnd(text: string): number {
  return /^\s*(?:\*|\/\*)|(?:^|\s)\/\/ /.test(text) ? text.trimEnd().length : 0;
}

describe("English", () => {
  it("has files to look at", () => {
    for (const folder of ["src/", "docs/", "examples/", "deploy/", "worker/", "bench/"]) {
      expect(
        files.some((file) => file.startsWith(folder)),
        folder,
      ).toBe(true);
    }
  });

  it("avoids words that make sentences hard to read", () => {
    const found = lines.flatMap(({ file, at, text }) =>
      AVOID.filter(([words]) => words.test(text) && !isAllowed(file, text)).map(
        ([words, instead]) => `${at} "${words.exec(text)?.[0]}" (say: ${instead})`,
      ),
    );
    expect(found.join("\n")).toBe("");
  });

  it(`has no comment in src wider than ${MAX_COMMENT_COLUMNS} columns`, () => {
    const wide = lines
      .filter(({ file, text }) => file.startsWith("src/") && commentEnd(text) > MAX_COMMENT_COLUMNS)
      .map(({ at }) => at);
    expect(wide.join("\n")).toBe("");
  });
});
