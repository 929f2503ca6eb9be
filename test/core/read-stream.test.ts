// A stream is read whole up to its bound, and let go as soon as it has more.

import { describe, expect, it } from "vitest";
import { readUpTo } from "../../src/core/read-stream.ts";
import { thrownBy } from "../support/fakes.ts";

function streamOf(...chunks: (number[] | Error)[]): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        const chunk = chunks.shift();
        if (chunk === undefined) controller.close();
        else if (chunk instanceof Error) controller.error(chunk);
        else controller.enqueue(Uint8Array.from(chunk));
      },
    },
    { highWaterMark: 0 },
  );
}

describe("a stream", () => {
  it.each<[string, number[][], number[] | undefined]>([
    ["none", [], []],
    ["one chunk", [[1, 2, 3]], [1, 2, 3]],
    ["chunks, empty ones among them", [[1], [], [2, 3]], [1, 2, 3]],
    ["one byte too many in one chunk", [[1, 2, 3, 4]], undefined],
    ["one byte too many in its last chunk", [[1, 2], [3], [4]], undefined],
  ])("of %s, with room for three bytes", async (_, chunks, bytes) => {
    expect(await readUpTo(streamOf(...chunks), 3)).toEqual(bytes && Uint8Array.from(bytes));
  });

  it("that is absent has no bytes", async () => {
    expect(await readUpTo(null, 0)).toEqual(new Uint8Array());
  });

  it("that has more can be read on by whoever wants the rest", async () => {
    const stream = streamOf([1, 2], [3], [4]);
    expect(await readUpTo(stream, 1)).toBeUndefined();
    expect(await readUpTo(stream, 2)).toEqual(Uint8Array.of(3, 4));
  });

  it("that breaks off throws what broke it", async () => {
    const cause = new Error("reset");
    expect(await thrownBy(() => readUpTo(streamOf([1], cause), 3))).toBe(cause);
  });
});
