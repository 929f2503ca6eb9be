// The chart of a provider's last half hour.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { chart } from "../../../src/node/admin/chart.ts";
import { MINUTE_MS } from "../../../src/node/admin/window.ts";
import { minute, NOW } from "../../support/status-snapshot.ts";

const svg = (...minutes: Parameters<typeof chart>[1]) => chart("retail", minutes, NOW).text;

/** The bars' parts, from the left, each minute from the bottom. */
function rects(text: string) {
  return [...text.matchAll(/<rect class="(\w+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"\/>/g)].map(
    ([, series, ...numbers]) => {
      const [x, y, width, height] = numbers.map(Number) as [number, number, number, number];
      return { series, x, y, width, height };
    },
  );
}

describe("the chart", () => {
  it("says in words what the picture shows", () => {
    const text = svg(minute(2, { tokens: 1_200, refused: 3 }), minute(1, { tokens: 4, errors: 1 }));
    expect(text).toContain(
      'role="img" aria-label="Calls to retail in the last 30 minutes: 1,204 tokens, 3 refused, 1 error. The busiest minute was 14:01 UTC with 1,203 calls."',
    );
    expect(text).toContain("<title>14:02 UTC: 4 tokens, 1 error</title>");
    expect(text).toContain("top line: 1,203 calls a minute");
  });

  it("stacks tokens, refusals and errors, to the height of the busiest minute", () => {
    expect(rects(svg(minute(1, { tokens: 8, refused: 4, errors: 4 }), minute(0, { tokens: 4 })))).toEqual([
      { series: "tokens", x: 281, y: 32, width: 8, height: 32 },
      { series: "refused", x: 281, y: 16, width: 8, height: 16 },
      { series: "errors", x: 281, y: 0, width: 8, height: 16 },
      { series: "tokens", x: 291, y: 48, width: 8, height: 16 },
    ]);
  });

  it("leaves out what is older than half an hour, or later than now", () => {
    expect(rects(svg(minute(30, { tokens: 1 }), minute(29, { tokens: 1 }), minute(-1, { tokens: 1 })))).toEqual([
      { series: "tokens", x: 1, y: 0, width: 8, height: 64 },
    ]);
  });

  it("says so where there was no call, instead of an empty picture", () => {
    expect(svg()).toContain("No call in the last 30 minutes");
    expect(svg(minute(1, {}), minute(31, { errors: 5 }))).toContain("No call in the last 30 minutes");
  });

  it("lets one error among a hundred thousand tokens be seen", () => {
    const [, error] = rects(svg(minute(0, { tokens: 100_000, errors: 1 })));
    expect(error).toMatchObject({ series: "errors", height: 2, y: 0 });
  });

  it("keeps every bar inside the picture, whatever was counted", () => {
    const calls = fc.record({ tokens: fc.nat(9_000), refused: fc.nat(9_000), errors: fc.nat(9_000) });
    const counted = fc.oneof(calls, fc.record({ tokens: fc.nat(3), refused: fc.nat(3), errors: fc.nat(3) }));
    fc.assert(
      fc.property(fc.array(counted, { maxLength: 40 }), (all) => {
        const parts = rects(
          chart(
            "retail",
            all.map((one, back) => minute(back, one)),
            NOW + MINUTE_MS,
          ).text,
        );
        for (const { x, y, width, height } of parts) {
          expect(x).toBeGreaterThanOrEqual(0);
          expect(x + width).toBeLessThanOrEqual(300);
          expect(y).toBeGreaterThanOrEqual(-0.01);
          expect(y + height).toBeLessThanOrEqual(64.02);
          expect(height).toBeGreaterThan(1.9);
        }
      }),
    );
  });
});
