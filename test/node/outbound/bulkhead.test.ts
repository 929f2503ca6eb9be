// Limits what is in flight and what waits, first come, first served.

import { describe, expect, it } from "vitest";
import { createNodeBulkhead } from "../../../src/node/outbound/bulkhead.ts";

/** Who asks for a place, and what came of it: undefined while it waits. */
function setUp(limit: number, queue: number, wait = 60_000) {
  const bulkhead = createNodeBulkhead(limit, queue, wait);
  const places: Record<string, boolean> = {};
  const enter = (name: string) => {
    const place = bulkhead.enter();
    if (typeof place === "boolean") places[name] = place;
    else void place.then((given) => (places[name] = given));
    return place;
  };
  const leave = async () => {
    bulkhead.leave();
    await new Promise(setImmediate);
  };
  return { state: bulkhead.state, places, enter, leave };
}

describe("a bulkhead", () => {
  it("admits up to its limit, queues others in order, and refuses the rest at once", async () => {
    const { state, places, enter, leave } = setUp(2, 2);
    for (const name of ["a", "b", "c", "d", "e"]) enter(name);
    expect(places).toEqual({ a: true, b: true, e: false });
    expect(state()).toEqual({ inFlight: 2, queued: 2 });
    await leave();
    expect(places).toEqual({ a: true, b: true, c: true, e: false });
    await leave();
    expect(places).toEqual({ a: true, b: true, c: true, d: true, e: false });
    await leave();
    await leave();
    expect(state()).toEqual({ inFlight: 0, queued: 0 });
  });

  it("admits waiting ones before new ones", async () => {
    const { places, enter, leave } = setUp(1, 2);
    enter("a");
    enter("b");
    const left = leave();
    enter("c");
    await left;
    expect(places).toEqual({ a: true, b: true });
  });

  it("refuses after the wait, and keeps no place", async () => {
    const { state, enter, leave } = setUp(1, 2, 50);
    enter("a");
    const began = performance.now();
    expect(await enter("late")).toBe(false);
    expect(performance.now() - began).toBeGreaterThan(45);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(state()).toEqual({ inFlight: 1, queued: 0 });
    await leave();
    expect(enter("b")).toBe(true);
    await leave();
    expect(state()).toEqual({ inFlight: 0, queued: 0 });
  });

  it("refuses at once without a queue", async () => {
    const { enter, leave } = setUp(1, 0);
    expect([enter("a"), enter("b")]).toEqual([true, false]);
    await leave();
    expect(enter("c")).toBe(true);
  });
});
