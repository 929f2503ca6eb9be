// Markdown pages: links and anchors resolve, every page is linked, and the files they name exist.

import { existsSync, globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";

const pages = globSync("**/*.md", { exclude: ["**/node_modules", "dist", "build"] }).map((file) => ({
  file,
  text: readFileSync(file, "utf8"),
}));

/** A page without its code, in which nothing is a link or a heading. */
const proseOf = (text: string) =>
  text.replaceAll(/^( *)(`{3,}).*\n[\s\S]*?^\1\2$/gm, "").replaceAll(/`[^`\n]*`/g, "`code`");

const links = pages.flatMap(({ file, text }) =>
  [...proseOf(text).matchAll(/\]\(([^()\s]+)\)/g)].map(([, target = ""]) => ({ file, target })),
);
const isRelative = (target: string) => !/^[a-z]+:/.test(target);

/** GitHub's anchors for headings: lower case, no punctuation, hyphens for spaces. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  const withoutFences = text.replaceAll(/^( *)(`{3,}).*\n[\s\S]*?^\1\2$/gm, "");
  for (const [, heading = ""] of withoutFences.matchAll(/^#{1,6} +(.+?) *$/gm)) {
    const plain = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, "$1").toLowerCase();
    const anchor = plain.replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
    let unique = anchor;
    for (let count = 1; anchors.has(unique); count += 1) unique = `${anchor}-${count}`;
    anchors.add(unique);
  }
  return anchors;
}

const resolveTarget = (file: string, target: string) =>
  normalize(join(dirname(file), decodeURI(target.split("#")[0] ?? "")));

describe("the Markdown pages", () => {
  it("are found, with their links", () => {
    expect(pages.length).toBeGreaterThan(12);
    expect(links.filter(({ target }) => isRelative(target)).length).toBeGreaterThan(50);
  });

  it("link only to files that exist", () => {
    const broken = links
      .filter(({ target }) => isRelative(target) && !target.startsWith("#"))
      .filter(({ file, target }) => !existsSync(resolveTarget(file, target)))
      .map(({ file, target }) => `${file}: ${target}`);
    expect(broken.join("\n")).toBe("");
  });

  it("link only to headings that exist", () => {
    const broken = links
      .filter(({ target }) => isRelative(target) && target.includes("#"))
      .filter(({ file, target }) => {
        const page = target.startsWith("#") ? file : resolveTarget(file, target);
        // The test above reports a missing file.
        if (!page.endsWith(".md") || !existsSync(page)) return false;
        return !anchorsOf(readFileSync(page, "utf8")).has(target.slice(target.indexOf("#") + 1));
      })
      .map(({ file, target }) => `${file}: ${target}`);
    expect(broken.join("\n")).toBe("");
  });

  it("link to every page and image of docs/", () => {
    const linked = new Set(
      links.filter(({ target }) => isRelative(target)).map(({ file, target }) => resolveTarget(file, target)),
    );
    const files = globSync("docs/**/*.{md,svg,yaml}");
    expect(files.length).toBeGreaterThan(5);
    expect(files.filter((file) => !linked.has(normalize(file)))).toEqual([]);
  });

  it("name only sources and tests that exist", () => {
    const missing = pages.flatMap(({ file, text }) =>
      [...text.matchAll(/`((?:src|test)\/[\w./-]*\w)\/?`/g)]
        .map(([, path = ""]) => path)
        .filter((path) => !existsSync(path))
        .map((path) => `${file}: ${path}`),
    );
    expect(missing.join("\n")).toBe("");
  });
});
