// The style sheet has enough contrast in both schemes and does not move.

import { describe, expect, it } from "vitest";
import { STYLE } from "../../../src/node/admin/style.ts";

const TEXT = 4.5; // WCAG 2.2, 1.4.3 AA
const GRAPHIC = 3; // 1.4.11

/** Foreground, background, least contrast. */
const PAIRS: readonly [string, string, number][] = [
  ...["text", "muted", "link", "good", "bad", "warning"].flatMap((colour): [string, string, number][] => [
    [colour, "ground", TEXT],
    [colour, "surface", TEXT],
  ]),
  ["surface", "link", TEXT], // of a button
  ["muted", "surface", GRAPHIC], // of a field
];

const colours = [...STYLE.matchAll(/--([a-z]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);/g)];
const [light, dark] = [2, 3].map((at) => Object.fromEntries(colours.map((match) => [match[1], match[at]])));

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

describe("the style sheet", () => {
  it.each([
    ["light", light],
    ["dark", dark],
  ])("has enough contrast in the %s scheme", (_, colours) => {
    expect(contrast("#777777", "#ffffff")).toBeCloseTo(4.48, 2); // a grey known to fail
    const tooLow = PAIRS.filter(([front, back, least]) => {
      const ratio = contrast(colours?.[front] ?? "", colours?.[back] ?? "");
      return !(ratio >= least);
    });
    expect(tooLow).toEqual([]);
  });

  it("defines every colour for both schemes", () => {
    const others = STYLE.replaceAll(/light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\)/g, "");
    expect(others).not.toMatch(/#[0-9a-f]{3,8}\b|rgb|hsl/i);
  });

  it("animates nothing", () => {
    expect(STYLE).not.toMatch(/animation|transition|@keyframes|scroll-behavior/);
  });
});
