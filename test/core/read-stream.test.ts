// A stream is read completely up to a limit, and not further.

import { expect, it } from "vitest";
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

it.each<[string, number[][], number[] | undefined]>([
  ["no bytes", [], []],
  ["all chunks, also empty ones", [[1], [], [2, 3]], [1, 2, 3]],
  ["undefined for a chunk that is too long", [[1, 2, 3, 4]], undefined],
  ["undefined for one byte too many at the end", [[1, 2], [3], [4]], undefined],
])("returns %s, with a limit of three", async (_, chunks, bytes) => {
  expect(await readUpTo(streamOf(...chunks), 3)).toEqual(bytes && Uint8Array.from(bytes));
});

it("returns no bytes without a stream", async () => {
  expect(await readUpTo(null, 0)).toEqual(new Uint8Array());
});

it("leaves the rest readable if there are too many bytes", async () => {
  const stream = streamOf([1, 2], [3], [4]);
  expect(await readUpTo(stream, 1)).toBeUndefined();
  expect(await readUpTo(stream, 2)).toEqual(Uint8Array.of(3, 4));
});

it("throws the stream's error", async () => {
  const cause = new Error("reset");
  expect(await thrownBy(() => readUpTo(streamOf([1], cause), 3))).toBe(cause);
});
