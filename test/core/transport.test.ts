// A request is repeated only if it had no effect; a stream is read up to a limit, and not further.

import { expect, it } from "vitest";
import {
  type Delivery,
  readUpTo,
  TransportError,
  type TransportFailure,
  withOneRetry,
} from "../../src/core/transport.ts";
import { thrownBy } from "../support/fakes.ts";

/** Fails as often as there are failures, then answers. */
async function run(failures: unknown[], isHarmless: (delivery: Delivery) => boolean = () => true) {
  let sent = 0;
  const send = async () => {
    sent += 1;
    if (sent <= failures.length) throw failures[sent - 1];
    return "answer";
  };
  const result = await withOneRetry(send, isHarmless).catch((error: unknown) => error);
  return { sent, result };
}

const unreachable = (delivery: Delivery) => new TransportError("unreachable", undefined, delivery);

it("sends once if there is an answer", async () => {
  expect(await run([])).toEqual({ sent: 1, result: "answer" });
});

it("sends again only if that is harmless after this delivery", async () => {
  const isHarmless = (seen: Delivery) => seen === "stale";
  expect(await run([unreachable("stale")], isHarmless)).toEqual({ sent: 2, result: "answer" });
  expect((await run([unreachable("none")], isHarmless)).sent).toBe(1);
});

it("never sends a third time", async () => {
  const second = unreachable("none");
  expect(await run([unreachable("none"), second])).toEqual({ sent: 2, result: second });
});

it.each<TransportFailure>(["connect_timeout", "timeout", "truncated", "too_large", "malformed"])(
  "does not send again after %s",
  async (failure) => {
    expect((await run([new TransportError(failure, undefined, "none")])).sent).toBe(1);
  },
);

it("does not send again after a bug", async () => {
  const bug = new TypeError("bug");
  expect(await run([bug])).toEqual({ sent: 1, result: bug });
});

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
