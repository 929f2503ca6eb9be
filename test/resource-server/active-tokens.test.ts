// The memory of active tokens: each by itself, bounded in time and number.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createActiveTokens } from "../../src/resource-server/active-tokens.ts";
import { NOW } from "../support/fakes.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

describe("the memory of active tokens", () => {
  it("knows a token until the moment that was said, and no other", async () => {
    const tokens = createActiveTokens();
    await tokens.add("a", NOW + 1_000);
    expect([await tokens.has("a"), await tokens.has("b"), await tokens.has("")]).toEqual([true, false, false]);
    vi.advanceTimersByTime(999);
    expect(await tokens.has("a")).toBe(true);
    vi.advanceTimersByTime(1);
    expect(await tokens.has("a")).toBe(false);
  });

  it("takes the later word on a token", async () => {
    const tokens = createActiveTokens();
    await tokens.add("a", NOW + 1_000);
    await tokens.add("a", NOW + 5_000);
    vi.advanceTimersByTime(3_000);
    expect(await tokens.has("a")).toBe(true);
  });

  it("holds 5000 tokens, and lets the oldest go first", async () => {
    const tokens = createActiveTokens();
    for (let count = 0; count < 5_000; count++) await tokens.add(`token-${count}`, NOW + 1_000);
    await tokens.add("token-0", NOW + 1_000); // so it is the youngest
    await tokens.add("token-5000", NOW + 1_000);
    const known = ["token-0", "token-1", "token-2", "token-5000"].map((token) => tokens.has(token));
    expect(await Promise.all(known)).toEqual([true, false, true, true]);
  });
});
