// On Workers, rate limiting bindings count. The wait is the window of the file.

import { expect, it } from "vitest";
import { createWorkerRateLimiters, isRateLimitBinding } from "../../src/worker/host.ts";

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

it("rounds the window up to whole seconds", async () => {
  const limiter = createWorkerRateLimiters({ LIMIT: new FakeBinding(0) })({ ...SETTINGS, window: 1_500 });
  expect(await limiter("k")).toBe(2);
});

it("recognizes a rate limiting binding by its limit function", () => {
  expect(isRateLimitBinding(new FakeBinding(1))).toBe(true);
  for (const binding of [undefined, null, "text", {}, { limit: 10 }]) expect(isRateLimitBinding(binding)).toBe(false);
});
