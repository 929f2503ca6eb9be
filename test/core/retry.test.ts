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
