// When a provider is suspended, what counts as its failure, and that no call ever waits for the trial of another.

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../../src/errors.ts";
import { createBreaker, FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../../src/oauth/breaker.ts";
import { fakeClock, fakeLog, thrownBy } from "../fakes.ts";

const TIMEOUT_MS = 3_000;

/** The library reads the time from Date. */
beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
});
afterEach(() => {
  vi.useRealTimers();
});

function setUp() {
  const clock = fakeClock();
  const { log, lines } = fakeLog();
  const run = createBreaker(TIMEOUT_MS, "retail", { clock, log });
  let asked = 0;
  return {
    lines,
    asked: () => asked,
    pass(ms: number) {
      clock.advance(ms);
      vi.setSystemTime(Date.now() + ms);
    },
    succeed: () =>
      run(async () => {
        asked += 1;
        return "token";
      }),
    fail: (code: ErrorCode = "provider_timeout", detail: Record<string, number> = {}) =>
      thrownBy(() =>
        run(async () => {
          asked += 1;
          throw new TokenProxyError(code, "it failed", { detail });
        }),
      ) as Promise<TokenProxyError>,
    /** A trial that goes on until it is told to end. */
    hang: () => {
      let end = () => {};
      const ended = run(
        () =>
          new Promise<string>((resolve) => {
            asked += 1;
            end = () => resolve("late");
          }),
      );
      return { ended, end: () => end() };
    },
    async suspend() {
      for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await this.fail();
      asked = 0;
    },
  };
}

describe("a provider", () => {
  it("is suspended after so many failures in a row, and not before", async () => {
    const { fail, succeed, asked } = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) await fail();
    expect(await succeed()).toBe("token");
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) expect((await fail()).code).toBe("provider_timeout");
    const before = asked();
    const error = (await thrownBy(succeed)) as TokenProxyError;
    expect([error.code, error.message, error.retryAfter]).toEqual([
      "provider_suspended",
      'the provider "providers.retail" keeps failing and is left alone',
      SUSPENSION_MS / 1000,
    ]);
    expect(asked()).toBe(before);
  });

  it("says how long to wait, a second at least", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS - 1_500);
    expect((await breaker.fail()).retryAfter).toBe(2);
    breaker.pass(1_499);
    expect((await breaker.fail()).retryAfter).toBe(1);
  });

  it("is tried once afterwards, and taken up again where that succeeds", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    expect(await breaker.succeed()).toBe("token");
    expect(await breaker.succeed()).toBe("token");
    expect(breaker.lines.map(({ level, event }) => `${level} ${event}`)).toEqual([
      "error provider suspended",
      "info provider taken up again",
    ]);
  });

  it("is suspended anew where the trial fails", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    expect((await breaker.fail()).code).toBe("provider_timeout");
    expect((await breaker.fail()).code).toBe("provider_suspended");
    expect(breaker.asked()).toBe(1);
  });

  it("refuses others at once while the trial goes on", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    const trial = breaker.hang();
    expect((await breaker.fail()).code).toBe("provider_suspended");
    expect(breaker.asked()).toBe(1);
    trial.end();
    expect(await trial.ended).toBe("late");
    expect(await breaker.succeed()).toBe("token");
  });

  it("is taken up again where a trial never ends, as that of a Worker's call which was cut off", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    breaker.hang();
    breaker.pass(TIMEOUT_MS);
    expect((await breaker.fail()).code).toBe("provider_suspended");
    breaker.pass(1_000);
    expect(await breaker.succeed()).toBe("token");
  });
});

describe("a failure of the provider", () => {
  const suspends = async (code: ErrorCode, detail: Record<string, number>) => {
    const { fail } = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await fail(code, detail);
    return (await fail(code, detail)).code === "provider_suspended";
  };

  it.each<[ErrorCode, Record<string, number>]>([
    ["provider_unreachable", {}],
    ["provider_timeout", {}],
    ["provider_truncated", {}],
    ["provider_error", { provider_status: 500 }],
    ["provider_error", { provider_status: 503 }],
    ["provider_error", {}],
  ])("is %s %j", async (code, detail) => {
    expect(await suspends(code, detail)).toBe(true);
  });

  it.each<[ErrorCode, Record<string, number>]>([
    ["provider_error", { provider_status: 400 }],
    ["provider_rejected_proxy", { provider_status: 401 }],
    ["provider_busy", { provider_status: 429 }],
    ["provider_not_json", { provider_status: 200 }],
    ["provider_no_token", { provider_status: 200 }],
    ["provider_wrong_subject", {}],
    ["provider_redirected", { provider_status: 307 }],
    ["provider_too_large", {}],
    ["call_invalid", {}],
  ])("is not %s %j", async (code, detail) => {
    expect(await suspends(code, detail)).toBe(false);
  });

  it("is not a bug of ours", async () => {
    const { fail, succeed } = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION; i++) await fail("internal");
    expect(await succeed()).toBe("token");
  });
});

describe("a trial that comes late", () => {
  it("still holds the others back", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(60_000);
    breaker.hang();
    expect((await breaker.fail()).code).toBe("provider_suspended");
    expect(breaker.asked()).toBe(1);
  });
});

it("an answer that is an error ends a row of failures", async () => {
  const { fail, succeed } = setUp();
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) await fail();
  expect((await fail("provider_busy")).code).toBe("provider_busy");
  for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) await fail();
  expect(await succeed()).toBe("token");
});
