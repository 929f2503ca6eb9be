// Limits what is in flight and what waits, first come, first served.

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createNodeBulkhead } from "../../../src/node/outbound/bulkhead.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const WAIT_MS = 1_000;

function setUp(limit: number, queue: number) {
  const bulkhead = createNodeBulkhead(limit, queue);
  /** Whether each was admitted; undefined while it waits. */
  const places: Record<string, boolean> = {};
  return {
    ...bulkhead,
    places,
    enter(name: string) {
      const place = bulkhead.enter(WAIT_MS);
      if (typeof place === "boolean") places[name] = place;
      else void place.then((isAdmitted) => (places[name] = isAdmitted));
    },
    passed: (ms: number) => vi.advanceTimersByTimeAsync(ms),
  };
}

it("admits up to its limit, queues others in order, and refuses the rest at once", async () => {
  const { state, places, enter, leave, passed } = setUp(2, 2);
  for (const name of ["a", "b", "c", "d", "e"]) enter(name);
  expect(places).toEqual({ a: true, b: true, e: false });
  expect(state()).toEqual({ inFlight: 2, queued: 2 });
  leave();
  enter("f"); // takes a place in the queue, not the free one
  await passed(0);
  expect(places).toEqual({ a: true, b: true, c: true, e: false });
  leave();
  leave();
  await passed(0);
  expect(places).toEqual({ a: true, b: true, c: true, d: true, e: false, f: true });
  leave();
  leave();
  expect(state()).toEqual({ inFlight: 0, queued: 0 });
});

it("refuses after the wait, and keeps no place", async () => {
  const { state, places, enter, leave, passed } = setUp(1, 2);
  enter("a");
  enter("late");
  await passed(WAIT_MS - 1);
  expect(places).toEqual({ a: true });
  await passed(1);
  expect(places).toEqual({ a: true, late: false });
  expect(state()).toEqual({ inFlight: 1, queued: 0 });
  leave();
  enter("b");
  await passed(WAIT_MS); // the timer of an admitted call does nothing
  expect(places.b).toBe(true);
  expect(state()).toEqual({ inFlight: 1, queued: 0 });
});

it("refuses at once without a queue", () => {
  const { places, enter, leave } = setUp(1, 0);
  enter("a");
  enter("b");
  leave();
  enter("c");
  expect(places).toEqual({ a: true, b: false, c: true });
});
