// On Workers a binding counts; it does not say how long to wait, so that is the window of the file.

import { describe, expect, it } from "vitest";
import { createWorkerRateLimiters, isRateLimitBinding } from "../../src/worker/rate-limiter.ts";
import { thrownBy } from "../support/fakes.ts";

/** A binding that lets so many requests through; it looks at `this`, as Cloudflare's do. */
class FakeBinding {
  readonly asked: unknown[] = [];
  readonly #most: number;
  constructor(most: number) {
    this.#most = most;
  }
  async limit(options: unknown) {
    this.asked.push(options);
    return { success: this.asked.length <= this.#most };
  }
}

const SETTINGS = { limit: 300, window: 60_000, binding: "LIMIT" };

it("a request is let through where the binding says so, asked by the key alone", async () => {
  const LIMIT = new FakeBinding(2);
  const limiter = createWorkerRateLimiters({ LIMIT, OTHER: new FakeBinding(0) })(SETTINGS);
  expect([await limiter("a"), await limiter("b"), await limiter("a")]).toEqual([undefined, undefined, 60]);
  expect(LIMIT.asked).toEqual([{ key: "a" }, { key: "b" }, { key: "a" }]);
});

it("each limit is counted by the binding that it names", async () => {
  const create = createWorkerRateLimiters({ ONE: new FakeBinding(1), NONE: new FakeBinding(0) });
  expect(await create({ ...SETTINGS, binding: "ONE" })("k")).toBeUndefined();
  expect(await create({ ...SETTINGS, binding: "NONE" })("k")).toBe(60);
});

it.each([
  [1, 1],
  [500, 1],
  [1_500, 2],
  [10_000, 10],
])("a window of %i ms is %i s to wait", async (window, seconds) => {
  const limiter = createWorkerRateLimiters({ LIMIT: new FakeBinding(0) })({ ...SETTINGS, window });
  expect(await limiter("k")).toBe(seconds);
});

it("a binding that fails lets nobody through", async () => {
  const bug = new Error("broken");
  const limiter = createWorkerRateLimiters({ LIMIT: { limit: () => Promise.reject(bug) } })(SETTINGS);
  expect(await thrownBy(() => limiter("k"))).toBe(bug);
});

describe("a rate limiting binding", () => {
  it("is what has a limit", () => {
    expect(isRateLimitBinding(new FakeBinding(1))).toBe(true);
  });

  it.each([undefined, null, "text", 1, {}, { limit: 10 }, { fetch() {} }])("is not %j", (binding) => {
    expect(isRateLimitBinding(binding)).toBe(false);
  });
});
