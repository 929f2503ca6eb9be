// At most so many tasks at once, and so many that wait, in the order in which they came.

import { describe, expect, it } from "vitest";
import { createNodeBulkhead } from "../../../../src/platform/node/bulkhead.ts";
import { BulkheadFullError } from "../../../../src/ports.ts";

/** Tasks that end when they are told to. */
function setUp(limit: number, queue: number) {
  const bulkhead = createNodeBulkhead(limit, queue, 60_000);
  const begun: string[] = [];
  const ends = new Map<string, { resolve(): void; reject(error: Error): void }>();
  const run = (name: string) =>
    bulkhead.run(
      () =>
        new Promise<string>((resolve, reject) => {
          begun.push(name);
          ends.set(name, { resolve: () => resolve(name), reject });
        }),
    );
  const end = async (name: string) => {
    ends.get(name)?.resolve();
    await new Promise(setImmediate);
  };
  return { bulkhead, begun, ends, run, end };
}

describe("a bulkhead", () => {
  it("runs what there is room for, has others wait in order, and refuses the rest at once", async () => {
    const { bulkhead, begun, run, end } = setUp(2, 2);
    const tasks = ["a", "b", "c", "d"].map(run);
    expect(begun).toEqual(["a", "b"]);
    expect(bulkhead.state()).toEqual({ inFlight: 2, queued: 2 });
    await expect(run("e")).rejects.toBeInstanceOf(BulkheadFullError);
    await end("b");
    expect(begun).toEqual(["a", "b", "c"]);
    await end("a");
    expect(begun).toEqual(["a", "b", "c", "d"]);
    await end("c");
    await end("d");
    expect(await Promise.all(tasks)).toEqual(["a", "b", "c", "d"]);
    expect(bulkhead.state()).toEqual({ inFlight: 0, queued: 0 });
  });

  it("lets nobody in before one that waits", async () => {
    const { begun, run, end } = setUp(1, 2);
    void run("a");
    void run("b");
    const ended = end("a");
    void run("c");
    await ended;
    expect(begun).toEqual(["a", "b"]);
  });

  it("has room again after a task that fails, at once or later", async () => {
    const { bulkhead, begun, ends, run } = setUp(1, 1);
    const first = run("a");
    const second = run("b");
    ends.get("a")?.reject(new Error("a"));
    await expect(first).rejects.toThrow("a");
    await new Promise(setImmediate);
    expect(begun).toEqual(["a", "b"]);
    ends.get("b")?.resolve();
    expect(await second).toBe("b");
    await expect(
      bulkhead.run(() => {
        throw new Error("at once");
      }),
    ).rejects.toThrow("at once");
    expect(bulkhead.state()).toEqual({ inFlight: 0, queued: 0 });
  });

  it("lets nobody wait longer than it says, and tells who has waited", async () => {
    const bulkhead = createNodeBulkhead(1, 2, 50);
    let release = () => {};
    const first = bulkhead.run((hasWaited) => new Promise<boolean>((resolve) => (release = () => resolve(hasWaited))));
    const began = performance.now();
    await expect(bulkhead.run(async () => "late")).rejects.toBeInstanceOf(BulkheadFullError);
    expect(performance.now() - began).toBeGreaterThan(45);
    expect(performance.now() - began).toBeLessThan(1_000);
    expect(bulkhead.state()).toEqual({ inFlight: 1, queued: 0 });
    const second = bulkhead.run(async (hasWaited) => hasWaited);
    release();
    expect(await Promise.all([first, second])).toEqual([false, true]);
    expect(bulkhead.state()).toEqual({ inFlight: 0, queued: 0 });
  });

  it("without a queue refuses what there is no room for", async () => {
    const { run, end } = setUp(1, 0);
    const first = run("a");
    await expect(run("b")).rejects.toBeInstanceOf(BulkheadFullError);
    await end("a");
    expect(await first).toBe("a");
  });
});
