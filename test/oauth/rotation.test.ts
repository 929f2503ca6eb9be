// Another credential gets one try if the provider refuses the client, or perhaps does.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { Log } from "../../src/core/ports.ts";
import { createRotation } from "../../src/oauth/rotation.ts";
import { fakeClock } from "../support/fakes.ts";

const rejected = (credential?: "refused" | "doubtful") =>
  new TokenProxyError("provider_rejected_proxy", "m", { credential });
const REFUSED = rejected("refused");
const DOUBTFUL = rejected("doubtful");

/** What a credential leads to. */
type Result = Error | "token" | "refused";

function setUp(count: number, repeatable = true, sharesPromises = true) {
  const clock = fakeClock();
  const tried: (number | string)[] = [];
  const log: Log = (_level, _event, { refused, next } = {}) =>
    tried.push(`${Number(refused) - 1}->${Number(next) - 1}`);
  const rotate = createRotation(count, repeatable, "main", { clock, log, sharesPromises });
  const wait = (attempt: Promise<unknown>) => attempt;
  /** @returns which credentials one call tries, if each leads to its result */
  const run = async (...results: Result[]) => {
    tried.length = 0;
    const use = async (credential: number) => {
      tried.push(credential);
      const result = results[credential] as Result;
      if (result instanceof Error) throw result;
      return { outcome: result };
    };
    await rotate(use, wait).catch(() => {});
    return [...tried];
  };
  return {
    clock,
    run,
    tried,
    rotate: (use: (credential: number) => Promise<{ outcome: string }>) => rotate(use, wait),
  };
}

it("tries the next credential once if the client is refused, and keeps the one that brings a token", async () => {
  const { run } = setUp(3);
  expect(await run(REFUSED, "token", "token")).toEqual([0, "0->1", 1]);
  expect(await run(REFUSED, "token", "token")).toEqual([1]);
  expect(await run("token", REFUSED, "token")).toEqual([1, "1->2", 2]);
});

it("reaches every one of several credentials, one more with each call", async () => {
  const { run } = setUp(3);
  expect(await run(REFUSED, REFUSED, "token")).toEqual([0, "0->1", 1]);
  expect(await run(REFUSED, REFUSED, "token")).toEqual([0, "0->2", 2]);
  expect(await run(REFUSED, REFUSED, "token")).toEqual([2]);
  expect(await run("token", REFUSED, REFUSED)).toEqual([2, "2->0", 0]);
});

it.each<[string, Result]>([
  ["is refused too", REFUSED],
  ["brings another fault", rejected()],
  ["brings a refusal of the user", "refused"],
])("keeps the first credential if the next one %s", async (_, second) => {
  const { run } = setUp(2);
  expect(await run(REFUSED, second)).toEqual([0, "0->1", 1]);
  expect(await run("token", second)).toEqual([0]);
});

it("tries the next credential in doubt, at most once in 30 seconds", async () => {
  const { clock, run } = setUp(2);
  expect(await run(DOUBTFUL, DOUBTFUL)).toEqual([0, "0->1", 1]);
  clock.advance(29_999);
  expect(await run(DOUBTFUL, DOUBTFUL)).toEqual([0]);
  expect(await run(REFUSED, REFUSED)).toEqual([0, "0->1", 1]);
  clock.advance(1);
  expect(await run(DOUBTFUL, "token")).toEqual([0, "0->1", 1]);
  expect(await run(DOUBTFUL, "token")).toEqual([1]);
});

it("tries again at once after doubt that was right, because then no user is at risk", async () => {
  const { run } = setUp(2);
  expect(await run(DOUBTFUL, "token")).toEqual([0, "0->1", 1]);
  expect(await run("token", DOUBTFUL)).toEqual([1, "1->0", 0]);
});

describe("calls that are refused while one of them tries the next credential", () => {
  /** Three calls with a credential that is no longer valid; the test ends the attempt. */
  function setUpCalls(result: "token" | Error, sharesPromises = true) {
    const { rotate, tried } = setUp(2, true, sharesPromises);
    const { promise, resolve } = Promise.withResolvers<void>();
    const use = async (credential: number) => {
      tried.push(credential);
      if (credential === 0) throw DOUBTFUL;
      if (tried.filter((one) => one === 1).length === 1) await promise;
      if (result instanceof Error) throw result;
      return { outcome: result };
    };
    const calls = [rotate(use), rotate(use), rotate(use)];
    return { tried, end: resolve, outcomes: () => Promise.allSettled(calls) };
  }
  const statusesOf = (outcomes: PromiseSettledResult<unknown>[]) => outcomes.map(({ status }) => status);

  it("wait for it, and use the one that brought a token", async () => {
    const { tried, end, outcomes } = setUpCalls("token");
    setImmediate(end);
    expect(statusesOf(await outcomes())).toEqual(["fulfilled", "fulfilled", "fulfilled"]);
    expect(tried).toEqual([0, 0, 0, "0->1", 1, 1, 1]);
  });

  it("fail with their own error if it fails", async () => {
    const { tried, end, outcomes } = setUpCalls(DOUBTFUL);
    setImmediate(end);
    expect(await outcomes()).toEqual(Array(3).fill({ status: "rejected", reason: DOUBTFUL }));
    expect(tried).toEqual([0, 0, 0, "0->1", 1]);
  });

  it("do not wait where calls cannot share promises, as on Workers", async () => {
    const { end, outcomes } = setUpCalls("token", false);
    setImmediate(end);
    expect(statusesOf(await outcomes())).toEqual(["fulfilled", "rejected", "rejected"]);
  });
});

it("tries no other credential in doubt if the request cannot be repeated", async () => {
  const { run } = setUp(2, false);
  expect(await run(DOUBTFUL, "token")).toEqual([0]);
  expect(await run(REFUSED, "token")).toEqual([0, "0->1", 1]);
});

it.each<Result>([
  rejected(),
  "refused",
  new TokenProxyError("provider_timeout", "m"),
  new TokenProxyError("provider_error", "m", { credential: "refused" }),
  new TypeError("a bug"),
])("does not try the next credential after %s", async (result) => {
  expect(await setUp(2).run(result, "token")).toEqual([0]);
});

it("tries a single credential once", async () => {
  expect(await setUp(1).run(REFUSED)).toEqual([0]);
});
