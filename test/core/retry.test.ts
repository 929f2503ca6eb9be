// A request is sent a second time if the first one cannot have had an effect, and only then.

import { expect, it } from "vitest";
import { withOneRetry } from "../../src/core/retry.ts";
import { type Delivery, TransportError, type TransportFailure } from "../../src/core/transport.ts";

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

it.each<Delivery>(["none", "stale"])("sends again after delivery %s if that is harmless", async (delivery) => {
  const expected = { sent: 2, result: "answer" };
  expect(await run([unreachable(delivery)], (seen) => seen === delivery)).toEqual(expected);
});

it("never sends a third time", async () => {
  const second = unreachable("none");
  const { sent, result } = await run([unreachable("none"), second]);
  expect([sent, result]).toEqual([2, second]);
});

it("does not send again if that may do harm", async () => {
  expect((await run([unreachable("stale")], (seen) => seen === "none")).sent).toBe(1);
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
