// How the property tests run: always with the same seed, and with no unhandled rejection.

import fc from "fast-check";
import { afterAll, beforeAll, expect } from "vitest";
import { nodeIds } from "../../src/node/host.ts";
import { type AppChanges, buildApp } from "../support/app.ts";
import type { Answered } from "../support/call.ts";

import { expectError, type TableCode } from "../support/expect-error.ts";

/** FUZZ_SEED changes it; a failing test prints the seed and path of its counterexample. */
const SEED = Number(process.env.FUZZ_SEED ?? 20_261_124);
/** Cases of each property; SOAK=1 runs many more. */
export const RUNS = Number(process.env.FUZZ_RUNS ?? (process.env.SOAK === "1" ? 3_000 : 150));

let cases = 0;
const rejections: unknown[] = [];
const note = (reason: unknown) => void rejections.push(reason);

/** In every file of property tests. */
export function watchRejections(): void {
  beforeAll(() => void process.on("unhandledRejection", note));
  afterAll(async () => {
    await new Promise(setImmediate); // rejections are reported after the microtasks
    process.off("unhandledRejection", note);
    console.log(`fuzz: seed ${SEED}, ${cases} cases`);
    expect(rejections).toEqual([]);
  });
}

/** @param share of the usual number of cases, if one case does more or less than usual */
export async function forAll<T>(
  arbitrary: fc.Arbitrary<T>,
  property: (value: T) => Promise<void> | void,
  share = 1,
): Promise<void> {
  const counted = async (value: T) => {
    cases += 1;
    await property(value);
  };
  await fc.assert(fc.asyncProperty(arbitrary, counted), { seed: SEED, numRuns: Math.ceil(RUNS * share) });
}

/** The whole program, with real ids. */
export function buildFuzzedApp(changes: AppChanges = {}) {
  return buildApp({ ...changes, deps: { ids: nodeIds, ...changes.deps } });
}

/** @returns the error_code if the response is our own; undefined for a relayed one */
export function rowOf(answer: Answered): TableCode | undefined {
  // A random id, which no provider can have put into its answer.
  if (!answer.text.includes(String(answer.headers["x-request-id"]))) return undefined;
  const { error_code: code } = answer.json() as { error_code: TableCode };
  expectError(answer, code);
  return code;
}

export const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Text of any kind, also such that parsers and protocols fail on. */
export const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.constantFrom(
    "",
    "__proto__",
    "constructor",
    "toString",
    "..",
    "%2e%2e",
    "\u0000",
    "\r\nX-apikey: x",
    "\ud800",
    "\ufeff",
    "null",
    "1e400",
    "{{userid}}",
    "{{",
    "a".repeat(70_000),
    "ſ",
    "é",
    "😀",
  ),
);

/** Any JSON value, with these names of members among others. */
export function anyJson(...names: string[]): fc.Arbitrary<unknown> {
  const { value } = fc.letrec<{ value: unknown }>((tie) => ({
    value: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.constantFrom(null, true, false, 0, 7, -1, 1.5, 2 ** 53, 1e308, ""),
      anyText,
      fc.array(tie("value"), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.oneof(fc.constantFrom(...names, "__proto__"), anyText), tie("value")), { maxLength: 4 })
        .map((members) => Object.fromEntries(members)),
    ),
  }));
  return value;
}

/** A text with pieces removed, doubled, inserted or replaced. */
export function mutated(texts: fc.Arbitrary<string>, pieces: readonly string[]): fc.Arbitrary<string> {
  const change = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    length: fc.nat(30),
    put: fc.oneof(fc.constantFrom("", "", ...pieces), fc.string({ maxLength: 3, unit: "binary" })),
    twice: fc.boolean(),
  });
  return fc.tuple(texts, fc.array(change, { minLength: 1, maxLength: 4 })).map(([start, changes]) => {
    let text = start;
    for (const { at, length, put, twice } of changes) {
      const place = Math.floor(at * text.length);
      const piece = text.slice(place, place + length);
      text = text.slice(0, place) + (twice ? piece + piece : "") + put + text.slice(place + length);
    }
    return text;
  });
}
