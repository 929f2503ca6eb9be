// When a provider is suspended, what counts as its failure, and that no call waits for another's
// trial.

import { describe, expect, it, vi } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import type { Transport, TransportRequest } from "../../src/core/transport.ts";
import { createBreaker, FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { fakeClock, fakeLog, fakeProvider, response, thrownBy } from "../support/fakes.ts";

const TIMEOUT_MS = 3_000;
const failed = () => new TokenProxyError("provider_timeout", "it failed");

function setUp() {
  const clock = fakeClock();
  const { log, lines } = fakeLog();
  const { createTransport, requests } = fakeProvider(() => response(200, {}));
  const transport = createTransport({ connect_timeout: 1, connections: 1 });
  const { state, suspensions, ...shared } = createBreaker({ timeout: TIMEOUT_MS, name: "retail", clock, log });
  const run = <T>(use: (send: Transport) => Promise<T>) => shared.run(transport, use);
  const ask = (send: Transport) => send({} as TransportRequest);

  const breaker = {
    lines,
    state,
    suspensions,
    asked: () => requests.length,
    pass: clock.advance,
    succeed: () =>
      run(async (send) => {
        await ask(send);
        return "token";
      }),
    /** A use that asks the provider and then throws. */
    throwing: (error: Error) =>
      thrownBy(() =>
        run(async (send) => {
          await ask(send);
          throw error;
        }),
      ),
    fail: async (code: ErrorCode = "provider_timeout", detail: Record<string, number | string> = {}) => {
      const error = new TokenProxyError(code, "it failed", { detail });
      return (await breaker.throwing(error)) as TokenProxyError;
    },
    /** A use that throws before it asks the provider. */
    failUnasked: (error: Error) => thrownBy(() => run(() => Promise.reject(error))),
    /** A use that runs until it is ended. */
    hang: () => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const ended = run(async (send) => {
        await ask(send);
        return promise;
      });
      return { ended, end: (error?: Error) => (error === undefined ? resolve("late") : reject(error)) };
    },
    async suspend() {
      for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await breaker.fail();
      requests.length = 0;
    },
  };
  return breaker;
}

describe("a provider", () => {
  it("is suspended after ten failures in a row, which any answer interrupts", async () => {
    const { fail, succeed, asked } = setUp();
    for (let i = 1; i < FAILURES_BEFORE_SUSPENSION; i++) await fail();
    expect(await succeed()).toBe("token");
    for (let i = 1; i < FAILURES_BEFORE_SUSPENSION; i++) await fail();
    expect((await fail("provider_busy")).code).toBe("provider_busy");
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect((await fail()).code).toBe("provider_timeout");
    const before = asked();
    const message = 'the provider "providers.retail" keeps failing and is suspended';
    expect(await thrownBy(succeed)).toMatchObject({ code: "provider_suspended", message, retryAfter: 5 });
    expect(asked()).toBe(before);
  });

  it("tells callers to wait for the rest of the suspension, at least a second", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS - 1_500);
    expect((await breaker.fail()).retryAfter).toBe(2);
    breaker.pass(1_499);
    expect((await breaker.fail()).retryAfter).toBe(1);
  });

  it("is used again after a trial that succeeds", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    expect(await breaker.succeed()).toBe("token");
    expect(await breaker.succeed()).toBe("token");
    const lines = breaker.lines.map(({ level, event }) => `${level} ${event}`);
    expect(lines).toEqual(["error provider suspended", "info provider resumed"]);
  });

  it("refuses other calls at once during a trial, however late it begins", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(60_000);
    const trial = breaker.hang();
    expect(await breaker.fail()).toMatchObject({ code: "provider_suspended", retryAfter: 1 });
    expect(breaker.asked()).toBe(1);
    trial.end();
    expect(await trial.ended).toBe("late");
    expect(await breaker.succeed()).toBe("token");
  });

  it("gets another trial if one never ends, as when a Worker is cut off", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    const first = breaker.hang();
    breaker.pass(TIMEOUT_MS);
    expect((await breaker.fail()).code).toBe("provider_suspended");
    breaker.pass(1_000);
    const second = breaker.hang();
    first.end();
    await first.ended;
    expect((await breaker.fail()).code).toBe("provider_suspended");
    second.end();
    await second.ended;
    expect(breaker.state()).toBe("closed");
  });

  it("has a state and a count of suspensions, and is suspended again after a trial that fails", async () => {
    const breaker = setUp();
    const seen = () => `${breaker.state()} ${breaker.suspensions()}`;
    expect(seen()).toBe("closed 0");
    await breaker.suspend();
    expect(seen()).toBe("open 1");
    breaker.pass(SUSPENSION_MS);
    const trial = breaker.hang();
    expect(seen()).toBe("half_open 1");
    trial.end(failed());
    await thrownBy(() => trial.ended);
    expect(seen()).toBe("open 2");
    expect((await breaker.fail()).code).toBe("provider_suspended");
    breaker.pass(SUSPENSION_MS);
    await breaker.succeed();
    expect(seen()).toBe("closed 2");
  });
});

it.each([
  ["forward does not shorten", SUSPENSION_MS - 1, 3_600_000, "provider_suspended"],
  ["back does not lengthen", SUSPENSION_MS, -3_600_000, "provider_timeout"],
])("setting the wall clock %s a suspension", async (_, passed, step, code) => {
  vi.useFakeTimers({ toFake: ["Date"] });
  try {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(passed);
    vi.setSystemTime(Date.now() + step);
    expect((await breaker.fail()).code).toBe(code);
  } finally {
    vi.useRealTimers();
  }
});

describe("tells nothing about the provider, and is no trial:", () => {
  it.each<[string, (breaker: ReturnType<typeof setUp>) => Promise<unknown>]>([
    ["a use that sent nothing", ({ failUnasked }) => failUnasked(failed())],
    ["a call that cannot be sent", ({ fail }) => fail("call_invalid")],
    ["a bug of ours", ({ throwing }) => throwing(new TypeError("a bug"))],
    ["a pause of ours", ({ fail }) => fail("provider_timeout", { late: "process paused" })],
  ])("%s", async (_, use) => {
    const breaker = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) await breaker.fail();
    await use(breaker);
    expect(breaker.state()).toBe("closed");
    await breaker.fail();
    expect(breaker.state()).toBe("open");

    breaker.pass(SUSPENSION_MS);
    await use(breaker);
    expect(breaker.state()).toBe("half_open");
    expect((await breaker.fail()).code).toBe("provider_timeout");
    expect(breaker.state()).toBe("open");
  });
});

describe.each(["call_deadline", "caller_gone"] as const)("a call that is cut off by %s", (code) => {
  const cutOffAfter = async (breaker: ReturnType<typeof setUp>, ms: number) => {
    const { ended, end } = breaker.hang();
    await Promise.resolve(); // it has asked
    breaker.pass(ms);
    end(new TokenProxyError(code, "cut off"));
    await thrownBy(() => ended);
  };

  it("counts if the provider had half of its timeout", async () => {
    const breaker = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await cutOffAfter(breaker, TIMEOUT_MS / 2);
    expect(breaker.state()).toBe("open");
  });

  it("says nothing about a provider that had less", async () => {
    const breaker = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await cutOffAfter(breaker, TIMEOUT_MS / 2 - 1);
    expect(breaker.state()).toBe("closed");
  });
});

describe("a call that ends late", () => {
  it("counts if the provider was not suspended meanwhile", async () => {
    const breaker = setUp();
    const calls = Array.from({ length: FAILURES_BEFORE_SUSPENSION }, () => breaker.hang());
    await breaker.succeed();
    for (const call of calls) call.end(failed());
    await Promise.allSettled(calls.map(({ ended }) => ended));
    expect(breaker.state()).toBe("open");
  });

  it("neither ends nor extends a suspension that began meanwhile", async () => {
    const breaker = setUp();
    const [good, bad] = [breaker.hang(), breaker.hang()];
    await breaker.suspend();
    good.end();
    await good.ended;
    expect(breaker.state()).toBe("open");
    breaker.pass(SUSPENSION_MS - 1);
    bad.end(failed());
    await thrownBy(() => bad.ended);
    breaker.pass(1);
    expect(breaker.state()).toBe("half_open");
    expect(breaker.suspensions()).toBe(1);
  });
});

it.each<[ErrorCode, boolean, number?]>([
  ["provider_unreachable", true],
  ["proxy_refused", true],
  ["provider_timeout", true],
  ["provider_truncated", true],
  ["provider_error", true],
  ["provider_error", true, 500],
  ["provider_error", false, 400],
  ["provider_rejected_proxy", false, 401],
  ["provider_busy", false, 503],
  ["provider_not_json", false],
  ["provider_no_token", false],
  ["provider_wrong_subject", false],
  ["provider_redirected", false],
  ["provider_too_large", false],
  ["internal", false],
])("%s suspends a provider: %j (status %s)", async (code, suspends, status) => {
  const { fail } = setUp();
  const detail = status === undefined ? {} : { provider_status: status };
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await fail(code, detail);
  expect((await fail(code, detail)).code === "provider_suspended").toBe(suspends);
});
