// Plain English: no words that make a sentence hard to read, and no comments that are too wide.

import { globSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

/** Each with a plain way to say it. The list finds habits, and review finds the rest. */
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
  [/\b(?:takes?|taken|taking) up\b/i, "picks up, resumes, needs"],
  [/\ba fault of the file\b/i, "a configuration error"],
  [/\bLook: /, "Verify:"],
  [/\b(?:certificate|assertion)s? ends?\b/i, "expires"],
];

const MAX_COMMENT_COLUMNS = 100;

const files = globSync([
  "{src,test}/**/*.{ts,js}",
  "docs/**/*.md",
  "{README,CONTRIBUTING,CHANGELOG,SECURITY}.md",
  "test/**/*.md",
  "examples/**/*.*",
  "deploy/**/*.*",
  "deploy/docker/Dockerfile",
  "worker/**/*",
  "wrangler.toml",
  "bench/*.ts",
]).filter((file) => file !== "test/house/english.test.ts"); // it quotes the words

const lines = files.flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .map((text, index) => ({ file, at: `${file}:${index + 1}`, text })),
);

/** Where the comment of a line ends, or 0. A `//` in a text follows a colon or a quote. */
function commentEnd(text: string): number {
  return /^\s*(?:\*|\/\*)|(?:^|\s)\/\/ /.test(text) ? text.trimEnd().length : 0;
}

describe("English", () => {
  it("has files to look at", () => {
    for (const folder of ["src/", "test/", "docs/", "examples/", "deploy/", "worker/", "bench/"]) {
      expect(
        files.some((file) => file.startsWith(folder)),
        folder,
      ).toBe(true);
    }
  });

  it("avoids words that make sentences hard to read", () => {
    const found = lines.flatMap(({ at, text }) =>
      AVOID.filter(([words]) => words.test(text)).map(
        ([words, instead]) => `${at} "${words.exec(text)?.[0]}" (say: ${instead})`,
      ),
    );
    expect(found.join("\n")).toBe("");
  });

  it(`has no comment in src and test wider than ${MAX_COMMENT_COLUMNS} columns`, () => {
    const wide = lines
      .filter(({ file, text }) => /^(?:src|test)\//.test(file) && commentEnd(text) > MAX_COMMENT_COLUMNS)
      .map(({ at }) => at);
    expect(wide.join("\n")).toBe("");
  });
});
