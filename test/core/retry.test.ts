// A request goes out once more where the first one cannot have had an effect, and never otherwise.

import { describe, expect, it } from "vitest";
import { withOneRetry } from "../../src/core/retry.ts";
import { type Delivery, TransportError, type TransportFailure } from "../../src/core/transport.ts";
import { thrownBy } from "../support/fakes.ts";

/** Fails as it is told, one failure for each time, and then gives an answer. */
function failing(...failures: unknown[]) {
  let sent = 0;
  return {
    sent: () => sent,
    async send() {
      sent += 1;
      if (failures.length > 0) throw failures.shift();
      return "answer";
    },
  };
}

const unreachable = (delivery: Delivery) => new TransportError("unreachable", undefined, delivery);

describe("a request", () => {
  it("that is answered goes out once", async () => {
    const { send, sent } = failing();
    expect(await withOneRetry(send, () => true)).toBe("answer");
    expect(sent()).toBe(1);
  });

  it.each<Delivery>(["none", "stale"])("of which the other side saw %s goes out twice", async (delivery) => {
    const { send, sent } = failing(unreachable(delivery));
    expect(await withOneRetry(send, (seen) => seen === delivery)).toBe("answer");
    expect(sent()).toBe(2);
  });

  it("does not go out a third time", async () => {
    const second = unreachable("none");
    const { send, sent } = failing(unreachable("none"), second);
    expect(await thrownBy(() => withOneRetry(send, () => true))).toBe(second);
    expect(sent()).toBe(2);
  });

  it("does not go out again where that may do harm", async () => {
    const first = unreachable("stale");
    const { send, sent } = failing(first);
    expect(await thrownBy(() => withOneRetry(send, (seen) => seen === "none"))).toBe(first);
    expect(sent()).toBe(1);
  });

  it.each<TransportFailure>(["timeout", "truncated", "too_large", "malformed"])(
    "that failed by %s does not go out again",
    async (failure) => {
      const { send, sent } = failing(new TransportError(failure, undefined, "none"));
      await thrownBy(() => withOneRetry(send, () => true));
      expect(sent()).toBe(1);
    },
  );

  it("does not go out again after a bug", async () => {
    const bug = new TypeError("bug");
    const { send, sent } = failing(bug);
    expect(await thrownBy(() => withOneRetry(send, () => true))).toBe(bug);
    expect(sent()).toBe(1);
  });
});
