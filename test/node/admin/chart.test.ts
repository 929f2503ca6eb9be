// The chart of a provider's last half hour.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chart } from "../../../src/node/admin/chart.ts";
import { minute, NOW } from "../../support/status-snapshot.ts";

const svg = (...minutes: Parameters<typeof chart>[1]) => String(chart("retail", minutes, NOW));

/** The parts of the bars: minutes from the left, each from the bottom. */
function rects(text: string) {
  return [...text.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="(-?[\d.]+)" width="8" height="([\d.]+)"\/>/g)].map(
    ([, series, ...numbers]) => {
      const [x, y, height] = numbers.map(Number) as [number, number, number];
      return { series, x, y, height };
    },
  );
}

describe("the chart", () => {
  it("has a text for screen readers and a tooltip per minute", () => {
    const text = svg(minute(2, { token: 1_200, refused: 3 }), minute(1, { token: 4, error: 1 }));
    expect(text).toContain(
      'role="img" aria-label="Calls to retail in the last 30 minutes: 1,204 tokens, 3 refused, 1 error.\nThe busiest minute was 14:01 UTC with 1,203 calls."',
    );
    expect(text).toContain("<title>14:02 UTC: 4 tokens, 0 refused, 1 error</title>");
    expect(text).toContain("top line: 1,203 calls a minute");
  });

  it("stacks tokens, refusals and errors, and scales to the busiest minute", () => {
    expect(rects(svg(minute(1, { token: 8, refused: 4, error: 4 }), minute(0, { token: 4 })))).toEqual([
      { series: "token", x: 281, y: 32, height: 32 },
      { series: "refused", x: 281, y: 16, height: 16 },
      { series: "error", x: 281, y: 0, height: 16 },
      { series: "token", x: 291, y: 48, height: 16 },
    ]);
  });

  it("leaves out minutes older than half an hour or later than now", () => {
    const minutes = [minute(30, { token: 1 }), minute(29, { token: 1 }), minute(-1, { token: 1 })];
    expect(rects(svg(...minutes))).toEqual([{ series: "token", x: 1, y: 0, height: 64 }]);
  });

  it("says that there were no calls instead of showing an empty chart", () => {
    expect(svg()).toContain("No calls in the last 30 minutes");
    expect(svg(minute(31, { error: 5 }))).toContain("No calls in the last 30 minutes");
  });

  it("shows one error among a hundred thousand tokens", () => {
    expect(rects(svg(minute(0, { token: 100_000, error: 1 })))[1]).toMatchObject({ series: "error", height: 2 });
  });

  it("keeps every bar inside the picture", () => {
    expect(svg(minute(0, { token: 1 }))).toContain('viewBox="0 -4 300 68"');
    const number = fc.oneof(fc.nat(3), fc.nat(9_000));
    const calls = fc.record({ token: fc.integer({ min: 1, max: 9_000 }), refused: number, error: number });
    fc.assert(
      fc.property(fc.array(calls, { maxLength: 30 }), (all) => {
        for (const { x, y, height } of rects(svg(...all.map((one, back) => minute(back, one))))) {
          expect(x >= 0 && x + 8 <= 300).toBe(true);
          expect(y >= -4.02 && y + height <= 64.02).toBe(true);
        }
      }),
    );
  });
});
