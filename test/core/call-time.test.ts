// The time of a call: what its steps get, which error names the one that used it up, and its end
// when the caller hangs up.

import { EventEmitter } from "node:events";
import { describe, expect, it, vi } from "vitest";
import { startCallTime } from "../../src/core/call-time.ts";
import { TransportError, type TransportFailure, type TransportRequest } from "../../src/core/transport.ts";
import { fakeClock, response, thrownBy } from "../support/fakes.ts";

const REQUEST: TransportRequest = {
  method: "GET",
  url: "https://ns.example",
  headers: {},
  timeout: 1_500,
  maxResponseBytes: 1,
};

/** The response of a call. */
class Outgoing extends EventEmitter {
  destroyed = false;
  hangUp() {
    this.destroyed = true;
    this.emit("close");
  }
}

function setUp(ms = 8_000) {
  const clock = fakeClock();
  const recipient = new Outgoing();
  const time = startCallTime({ key: "get_token.timeout", ms }, recipient, clock);
  const failing = (failure: TransportFailure) => () => Promise.reject(new TransportError(failure));
  return { time, clock, recipient, failing };
}

const usedUpBy = (step: string) => ({
  code: "call_deadline",
  message: `the call's time (get_token.timeout, 8 s) was used up by ${step}`,
});

describe("a step", () => {
  it("gets what the steps before it have left", () => {
    const { time, clock } = setUp();
    clock.advance(1_000);
    expect(time.begin("one")).toBe(7_000);
    clock.advance(6_999);
    expect(time.begin("two")).toBe(1);
  });

  it("does not begin after the end of the time, which the step before it used up", async () => {
    const { time, clock } = setUp();
    time.begin("the wait");
    clock.advance(8_000);
    expect(await thrownBy(() => time.begin("the request"))).toMatchObject(usedUpBy("the wait"));
  });

  it("does not begin once the caller has hung up", async () => {
    const { time, recipient } = setUp();
    recipient.hangUp();
    const sent: unknown[] = [];
    const send = async (request: unknown) => response(200, sent.push(request));
    expect(await thrownBy(() => time.send("the request", send, REQUEST))).toMatchObject({ code: "caller_gone" });
    expect(sent).toEqual([]);
  });
});

describe("a step that may never end", () => {
  const never = () => new Promise<never>(() => {});

  it("ends with the call's time at the latest", async () => {
    expect(await thrownBy(() => setUp(1).time.within("signing", never))).toMatchObject({
      code: "call_deadline",
      message: "the call's time (get_token.timeout, 0.001 s) was used up by signing",
    });
  });

  it("gives what it came to in time, or why it failed, and leaves no timer", async () => {
    vi.useFakeTimers();
    const { time } = setUp();
    expect(await time.within("signing", async () => "signed")).toBe("signed");
    const failure = new Error("failed");
    expect(await thrownBy(() => time.within("signing", () => Promise.reject(failure)))).toBe(failure);
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("does not begin once the caller has hung up", async () => {
    const { time, recipient } = setUp();
    recipient.hangUp();
    expect(await thrownBy(() => time.within("signing", never))).toMatchObject({ code: "caller_gone" });
  });
});

describe("a request", () => {
  it.each([
    [0, 1_500],
    [7_000, 1_000],
  ])("has its own timeout or what is left, after %i ms: %i", async (passed, timeout) => {
    const { time, clock, recipient } = setUp();
    clock.advance(passed);
    const sent: TransportRequest[] = [];
    await time.send("the request", async (request) => response(200, sent.push(request)), REQUEST);
    expect(sent).toEqual([{ ...REQUEST, timeout, recipient }]);
  });

  it.each<[TransportFailure, object]>([
    ["timeout", { ...usedUpBy("the session check"), detail: {} }],
    ["late", { ...usedUpBy("the session check"), detail: { late: "process paused" } }],
    ["unreachable", { failure: "unreachable" }],
    ["connect_timeout", { failure: "connect_timeout" }],
  ])("that had less than its own timeout, and failed: %s", async (failure, error) => {
    const { time, clock, failing } = setUp();
    clock.advance(6_501);
    const thrown = await thrownBy(() => time.send("the session check", failing(failure), REQUEST));
    expect(thrown).toMatchObject(error);
  });

  it("that had its own timeout keeps its own failure", async () => {
    const { time, clock, failing } = setUp();
    clock.advance(6_500);
    expect(await thrownBy(() => time.send("x", failing("timeout"), REQUEST))).toMatchObject({ failure: "timeout" });
  });

  it("that fails after the caller has hung up is caller_gone, but a bug stays a bug", async () => {
    const { time, recipient } = setUp();
    const hangUpAnd = (error: Error) => () => {
      recipient.destroyed = true;
      return Promise.reject(error);
    };
    const aborted = hangUpAnd(new TransportError("unreachable"));
    expect(await thrownBy(() => time.send("x", aborted, REQUEST))).toMatchObject({ code: "caller_gone" });
    recipient.destroyed = false;
    expect(await thrownBy(() => time.send("x", hangUpAnd(new TypeError("bug")), REQUEST))).toBeInstanceOf(TypeError);
  });
});

describe("a step that goes on without the call", () => {
  it("ends for the caller that hangs up, and gives its result to another", async () => {
    const { promise, resolve } = Promise.withResolvers<string>();
    const { time, recipient } = setUp();
    const gone = thrownBy(() => time.within("the token request", () => promise));
    const other = setUp().time.within("the token request", () => promise);
    recipient.hangUp();
    expect(await gone).toMatchObject({ code: "caller_gone" });
    resolve("token");
    expect(await other).toBe("token");
    expect(recipient.listenerCount("close")).toBe(0);
  });
});
