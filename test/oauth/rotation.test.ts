// Another credential gets one try if the provider refuses the client, or perhaps does.

import { expect, it } from "vitest";
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

function setUp(count: number, repeatable = true) {
  const clock = fakeClock();
  const tried: (number | string)[] = [];
  const log: Log = (_level, _event, { refused, next } = {}) =>
    tried.push(`${Number(refused) - 1}->${Number(next) - 1}`);
  const rotate = createRotation(count, repeatable, "main", { clock, log });
  /** @returns which credentials one call tries, if each leads to its result */
  const run = async (...results: Result[]) => {
    tried.length = 0;
    const use = async (credential: number) => {
      tried.push(credential);
      const result = results[credential] as Result;
      if (result instanceof Error) throw result;
      return { outcome: result };
    };
    await rotate(use).catch(() => {});
    return [...tried];
  };
  return { clock, run };
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
