// The status page's style: the policy lets exactly it in, and who sees little can read it, by light and by dark.

import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { STATUS_PAGE_HEADERS, statusPage } from "../../../src/node/admin/page.ts";
import { STYLE, STYLE_SHA256 } from "../../../src/node/admin/page-style.ts";
import { busySnapshot, NOW } from "../../support/status-snapshot.ts";

const TEXT = 4.5; // WCAG 2.2, 1.4.3 AA
const GRAPHIC = 3; // 1.4.11

/** What stands on what in the style sheet. */
const PAIRS: readonly [string, string, number][] = [
  ...["ground", "surface"].flatMap((ground): [string, string, number][] => [
    ["text", ground, TEXT],
    ["muted", ground, TEXT],
    ["link", ground, TEXT],
    ["bad", ground, TEXT],
    ["warning", ground, TEXT],
  ]),
  ["good", "good-ground", TEXT],
  ["warning", "warning-ground", TEXT],
  ["bad", "bad-ground", TEXT],
  ["surface", "link", TEXT], // of a button
  ["edge", "surface", GRAPHIC],
  ["tokens", "surface", GRAPHIC],
  ["refused", "surface", GRAPHIC],
  ["errors", "surface", GRAPHIC],
];

function coloursOf(block: string): Record<string, string> {
  return Object.fromEntries(
    [...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6});/g)].map(([, name, value]) => [name, value]),
  );
}

const [light, dark] = [...STYLE.text.matchAll(/:root \{([^}]*)\}/g)].map(([, block]) => coloursOf(block as string));

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)) as [number, number, number];
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

describe("the style of the status page", () => {
  it("is measured rightly: black on white is 21, and a grey that is known to fail does", () => {
    expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2);
  });

  it.each([
    ["light", light],
    ["dark", dark],
  ])("has enough contrast everywhere, by %s", (_, colours) => {
    const low = PAIRS.map(([front, back, least]) => ({
      pair: `${front} on ${back}`,
      ratio: contrast(colours?.[front] ?? "", colours?.[back] ?? ""),
      least,
    })).filter(({ ratio, least }) => !(ratio >= least));
    expect(low).toEqual([]);
  });

  it("names the same colours by light and by dark, and no colour elsewhere", () => {
    expect(Object.keys(dark ?? {})).toEqual(Object.keys(light ?? {}));
    expect(Object.keys(light ?? {}).length).toBeGreaterThan(10);
    const rest = STYLE.text.replaceAll(/:root \{[^}]*\}/g, "");
    expect(rest.match(/#[0-9a-f]{3,8}\b|rgb|hsl/gi)).toBe(null);
  });

  it("is what the policy's hash is of, letter for letter as it stands in the page", () => {
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(statusPage(busySnapshot(), { now: NOW })) as RegExpExecArray;
    expect(STYLE_SHA256).toBe(
      createHash("sha256")
        .update(style as string)
        .digest("base64"),
    );
    expect(STATUS_PAGE_HEADERS["Content-Security-Policy"]).toContain(`style-src 'sha256-${STYLE_SHA256}'`);
  });

  it("is not moved: nothing is animated", () => {
    expect(STYLE.text).not.toMatch(/animation|transition|@keyframes|scroll-behavior/);
  });
});
