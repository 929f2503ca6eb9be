// On Workers, rate limiting bindings count. The wait is the window of the file.

import { expect, it } from "vitest";
import { createWorkerRateLimiters, isRateLimitBinding } from "../../src/worker/rate-limiter.ts";
import { thrownBy } from "../support/fakes.ts";

/** Lets some requests pass. It uses `this`, like Cloudflare's bindings. */
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

it("asks the binding that the limit names, only with the key", async () => {
  const LIMIT = new FakeBinding(2);
  const limiter = createWorkerRateLimiters({ LIMIT, OTHER: new FakeBinding(0) })(SETTINGS);
  expect([await limiter("a"), await limiter("b"), await limiter("a")]).toEqual([undefined, undefined, 60]);
  expect(LIMIT.asked).toEqual([{ key: "a" }, { key: "b" }, { key: "a" }]);
});

it.each([
  [500, 1],
  [1_500, 2],
  [10_000, 10],
])("rounds a window of %i ms up to %i s", async (window, seconds) => {
  const limiter = createWorkerRateLimiters({ LIMIT: new FakeBinding(0) })({ ...SETTINGS, window });
  expect(await limiter("k")).toBe(seconds);
});

it("passes on the error of a binding", async () => {
  const error = new Error("broken");
  const limiter = createWorkerRateLimiters({ LIMIT: { limit: () => Promise.reject(error) } })(SETTINGS);
  expect(await thrownBy(() => limiter("k"))).toBe(error);
});

it("recognizes a rate limiting binding by its limit function", () => {
  expect(isRateLimitBinding(new FakeBinding(1))).toBe(true);
  for (const binding of [undefined, null, "text", {}, { limit: 10 }]) expect(isRateLimitBinding(binding)).toBe(false);
});
