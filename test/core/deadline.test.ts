// A deadline ends only after what has arrived is read, and tells whether the process was paused.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { describe, expect, it, vi } from "vitest";
import { PAUSE_MS, startDeadline } from "../../src/core/deadline.ts";
import { fakeClock } from "../support/fakes.ts";
import { listenLocally } from "../support/port.ts";

/** @param pass milliseconds from the start of the deadline until it ends */
async function isLateAfter(pass: number): Promise<boolean> {
  const { elapsed, advance } = fakeClock();
  const ended = new Promise<boolean>((resolve) => void startDeadline(1, elapsed, resolve));
  advance(pass);
  return ended;
}

describe("a deadline", () => {
  it.each([
    [1, false],
    [1 + PAUSE_MS, false],
    [2 + PAUSE_MS, true],
  ])("of 1 ms that ends after %i ms is late: %s", async (pass, isLate) => {
    expect(await isLateAfter(pass)).toBe(isLate);
  });

  it.each([
    ["are read", 1, (run: () => void) => run()],
    ["take more turns, after a pause,", 2 + PAUSE_MS, setImmediate],
  ])("lets answers come first that have arrived and %s", async (_what, pass, read) => {
    const server = createServer();
    const client = connect(await listenLocally(server), "127.0.0.1");
    const [peer] = (await once(server, "connection")) as [Socket];
    const { elapsed, advance } = fakeClock();
    const order: string[] = [];
    client.once("data", () => read(() => order.push("answer")));
    await new Promise<void>((done) => {
      // From here, timers that are due run before sockets are read.
      setImmediate(() => {
        startDeadline(1, elapsed, () => done(void order.push("deadline")));
        peer.write("answer");
        advance(pass);
        for (const until = performance.now() + 20; performance.now() < until; );
      });
    });
    expect(order).toEqual(["answer", "deadline"]);
    client.destroy();
    server.close();
  });

  it.each([
    ["in time", []],
    ["in the turn that it gives to answers", ["time"]],
    ["while it waits for answers after a pause", ["time", "turn"]],
  ])("does not end if it is stopped %s", async (_what, before) => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const expire = vi.fn();
    const { elapsed, advance } = fakeClock();
    const pass = async (what: string) => {
      if (what === "time") vi.advanceTimersByTime(1_000);
      else await new Promise((done) => setImmediate(done));
    };
    const stop = startDeadline(1, elapsed, expire);
    advance(2 + PAUSE_MS);
    for (const step of before) await pass(step);
    stop();
    for (const step of ["time", "turn", "time"]) await pass(step);
    expect(expire).not.toHaveBeenCalled();
    vi.useRealTimers();
  });
});
