// The frames of an error say where it happened, without a word of its message.

import { expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { framesOf } from "../../src/core/stack-frames.ts";

class Renamed extends Error {
  override readonly name = "Another";
}

it.each<[string, Error]>([
  ["a message with several lines", new TypeError("text of\nsome lines")],
  ["a message that looks like a frame", new RangeError("text\n    at text (text.ts:1:1)")],
  ["a name that is set after the stack", new Renamed("text")],
  ["a code", new TokenProxyError("internal", "text")],
])("returns the frames of an error with %s", (_, error) => {
  expect(framesOf(error)[0]).toMatch(/^at .*stack-frames\.test\.ts:\d+:\d+\)?$/);
  expect(framesOf(error).join()).not.toContain("text");
});

const withStack = (message: string, stack: unknown) => Object.assign(new Error(message), { stack }) as Error;

// As Node writes them, outside of the test runner.
it.each([
  ["a code in its stack", "is no text", "TypeError [ERR_A_B]: is no text"],
  ["no message", "", "Error"],
])("returns the frames of an error with %s", (_, message, head) => {
  const error = withStack(message, `${head}\n    at a (a.ts:1:1)\n    at async b (b.ts:2:2)`);
  expect(framesOf(error)).toEqual(["at a (a.ts:1:1)", "at async b (b.ts:2:2)"]);
});

it.each<[string, Error]>([
  ["has another message", withStack("other", "Error: secret\n    at secret (a.ts:1:1)")],
  ["has a longer message", withStack("sec", "Error: secret\n    at secret (a.ts:1:1)")],
  ["starts with a source line", withStack("m", "a.ts:1\n    at secret\nSyntaxError: m\n    at b (b.ts:1:1)")],
  ["has no name", withStack("", "\n    at secret (a.ts:1:1)")],
  ["is missing", withStack("m", undefined)],
  ["is not text", withStack("m", { toString: () => "Error: m\n    at secret" })],
])("returns nothing if the stack %s", (_, error) => {
  expect(framesOf(error)).toEqual([]);
});
