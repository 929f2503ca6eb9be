// Nothing that a snapshot or an answer holds can become more of the status page than text.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { statusPage } from "../../../src/node/admin/page.ts";
import { html } from "../../../src/node/admin/page-html.ts";
import type { Snapshot } from "../../../src/node/admin/snapshot.ts";
import { tryItResult } from "../../../src/node/admin/try-it.ts";
import { busySnapshot, NOW } from "../../support/status-snapshot.ts";

const RUNS = 300;

/** Texts by which the page decides what to show. */
const MEANT = new Set([
  "open",
  "closed",
  "half_open",
  "sign",
  "verify",
  "token",
  "refused",
  "error",
  "answered",
  "",
  "2026-11-02",
  "2026-08-03",
]);

/** What breaks out of text, attributes, comments, and the elements that the page has. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom("<", ">", '"', "'", "&", "=", "`", "/", " ", "\n", "\r", "\0", "${", "&lt;", "&#", "--", "]]>"),
      fc.constantFrom(
        "<script>",
        "</pre>",
        "</title>",
        "</style>",
        "<!--",
        "<img src=x onerror=alert(1)>",
        '" onload="',
        "javascript:",
      ),
      fc.string({ unit: "binary", maxLength: 6 }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((parts) => parts.join(""))
  .filter((text) => !MEANT.has(text));

/** The same snapshot with each of its texts put through a function. */
function withTexts<T>(value: T, change: (text: string) => string): T {
  if (typeof value === "string") return (MEANT.has(value) ? value : change(value)) as T;
  if (Array.isArray(value)) return value.map((one) => withTexts(one, change)) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, withTexts(one, change)])) as T;
}

/** The tags of a page with the names of their attributes, and how often a quote or an angle bracket stands anywhere else: never. */
function skeleton(page: string): string[] {
  const style = page.replace(/<style>[\s\S]*?<\/style>/, "<style></style>");
  const tags = style.match(/<[^>]*>/g) ?? [];
  return [
    ...tags.map((tag) => tag.replaceAll(/"[^"]*"/g, '""')),
    style.replaceAll(/<[^>]*>/g, "").replaceAll(/[^<>"']/g, ""),
  ];
}

function pageOf(snapshot: Snapshot, answer: string, type: string): string {
  const token = (text: string) => JSON.stringify({ access_token: jwt(text), id_token: text });
  return [answer, token(answer)]
    .map((body) =>
      statusPage(snapshot, {
        now: NOW,
        tryIt: tryItResult(200, type, Buffer.from(body), { userid: answer, accountid: 7 }),
      }),
    )
    .join("");
}

function jwt(text: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "ES256", kid: text })}.${part({ sub: text, [text]: 1 })}.c2ln`;
}

describe("the html template", () => {
  it("escapes what ends text or an attribute, takes HTML as it is, and leaves out undefined", () => {
    const value = `<b title="x" class='y'>&amp;\r`;
    expect(html`<i>${value}</i>${undefined}${[html`<hr>`, 7]}`.text).toBe(
      "<i>&lt;b title=&quot;x&quot; class=&#39;y&#39;&gt;&amp;amp;&#13;</i><hr>7",
    );
  });
});

describe("the status page", () => {
  it("has the same tags and attributes whatever its values are", () => {
    // The benign page is made of letters; every tag that a value brought would be one that it does not have.
    const expected = skeleton(
      pageOf(
        withTexts(busySnapshot(), () => "x"),
        "x",
        "x",
      ),
    );
    expect(expected.length).toBeGreaterThan(500);
    fc.assert(
      fc.property(fc.infiniteStream(hostile), hostile, (texts, answer) => {
        const changed = withTexts(busySnapshot(), () => texts.next().value as string);
        expect(skeleton(pageOf(changed, answer, answer))).toEqual(expected);
      }),
      { numRuns: RUNS },
    );
  });

  it("shows hostile text as it is", () => {
    const page = statusPage(
      withTexts(busySnapshot(), () => "<script>alert('1')</script>"),
      { now: NOW },
    );
    expect(page).not.toContain("<script");
    expect(page).toContain("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;");
  });
});
