// A process that ends again and again is replaced less and less often.

import { expect, it } from "vitest";
import { createBackOff } from "../../../src/node/processes/back-off.ts";
import { fakeClock } from "../../support/fakes.ts";

it("waits twice as long each time that one ends soon, half a minute at most, and anew after one that was well", () => {
  const clock = fakeClock();
  const backOff = createBackOff(clock.elapsed);
  const waits = Array.from({ length: 11 }, (_, id) => {
    backOff.started(id);
    clock.advance(1_000);
    return backOff.ended(id);
  });
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000]);
  backOff.started(99);
  clock.advance(60_000);
  expect(backOff.ended(99)).toBe(100);
  expect(backOff.ended(100)).toBe(200); // which never started
});
