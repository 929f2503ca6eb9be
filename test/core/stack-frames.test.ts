// Where an error happened can be told, and nothing of its message goes with it.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { framesOf } from "../../src/core/stack-frames.ts";
import { TransportError } from "../../src/core/transport.ts";

const HERE = /^at .*stack-frames\.test\.ts:\d+:\d+\)?$/;

class Renamed extends Error {
  override readonly name = "Another";
}

describe("the frames of an error", () => {
  it.each<[string, Error]>([
    ["a plain error", new Error("text")],
    ["one of the language", new TypeError("text of\nsome lines")],
    ["one that is named after it was made", new Renamed("text")],
    ["our own", new TokenProxyError("internal", "text")],
    ["our transport's", new TransportError("timeout")],
    ["one with a message like a frame", new RangeError("text\n    at text (text.ts:1:1)")],
  ])("are told of %s", (_what, error) => {
    expect(framesOf(error)[0]).toMatch(HERE);
    expect(framesOf(error).join()).not.toContain("text");
  });

  const withStack = (message: string, stack: unknown) => Object.assign(new Error(message), { stack }) as Error;
  const FRAMES = "\n    at a (a.ts:1:1)\n    at async b (b.ts:2:2)";

  // Written out, since Node makes them so and the test runner does not.
  it.each([
    ["Node's own, whose code is in the stack and not in the name", "is no text", "TypeError [ERR_A_B]: is no text"],
    ["one without a message", "", "Error"],
  ])("are told of %s", (_what, message, head) => {
    expect(framesOf(withStack(message, head + FRAMES))).toEqual(["at a (a.ts:1:1)", "at async b (b.ts:2:2)"]);
  });

  it.each<[string, Error]>([
    ["the message is another one", withStack("other", "Error: secret\n    at secret (a.ts:1:1)")],
    ["the message was taken away", withStack("", "Error: secret\n    at secret (a.ts:1:1)")],
    ["the message goes on", withStack("sec", "Error: secret\n    at secret (a.ts:1:1)")],
    ["a line of the source comes first", withStack("m", "a.ts:1\n    at secret\nSyntaxError: m\n    at b (b.ts:1:1)")],
    ["there is no name", withStack("", "\n    at secret (a.ts:1:1)")],
    ["there is no stack", withStack("m", undefined)],
    ["the stack is no text", withStack("m", { toString: () => "Error: m\n    at secret" })],
  ])("are not guessed where %s", (_what, error) => {
    expect(framesOf(error)).toEqual([]);
  });
});
