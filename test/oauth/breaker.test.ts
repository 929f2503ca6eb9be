// When a provider is suspended, what counts as its failure, and that no call ever waits for the trial of another.

import { afterEach, describe, expect, it, vi } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import { createBreaker, FAILURES_BEFORE_SUSPENSION, SUSPENSION_MS } from "../../src/oauth/breaker.ts";
import { fakeClock, fakeLog, response, thrownBy } from "../support/fakes.ts";

const TIMEOUT_MS = 3_000;

function setUp() {
  const clock = fakeClock();
  const { log, lines } = fakeLog();
  const transport = async () => response(200, "");
  const breaker = createBreaker({ timeout: TIMEOUT_MS, name: "retail", transport, clock, log });
  const { state, suspensions } = breaker;
  const REQUEST = { method: "GET", url: "https://idp.example", headers: {}, timeout: 1, maxResponseBytes: 1 } as const;
  const run = <T>(exchange: (say: () => void) => Promise<T>): Promise<T> =>
    breaker.run((send) => exchange(() => void send(REQUEST)));
  let asked = 0;
  const ask = (say: () => void) => {
    asked += 1;
    say();
  };
  return {
    lines,
    state,
    suspensions,
    asked: () => asked,
    pass: clock.advance,
    succeed: () =>
      run(async (say) => {
        ask(say);
        return "token";
      }),
    fail: (code: ErrorCode = "provider_timeout", detail: Record<string, number> = {}) =>
      thrownBy(() =>
        run(async (say) => {
          ask(say);
          throw new TokenProxyError(code, "it failed", { detail });
        }),
      ) as Promise<TokenProxyError>,
    /** An exchange that ends before it asks for anything. */
    failUnasked: (error: Error) => thrownBy(() => run(() => Promise.reject(error))),
    throwBug: () =>
      thrownBy(() =>
        run(async (say) => {
          ask(say);
          throw new TypeError("a bug");
        }),
      ),
    /** An exchange that goes on until it is told to end. */
    hang: () => {
      let end = (_error?: Error) => {};
      const ended = run(
        (say) =>
          new Promise<string>((resolve, reject) => {
            ask(say);
            end = (error) => (error === undefined ? resolve("late") : reject(error));
          }),
      );
      return { ended, end: (error?: Error) => end(error) };
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

  it("is tried again where a trial never ends, as that of a Worker's call which was cut off", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    breaker.hang();
    breaker.pass(TIMEOUT_MS);
    expect((await breaker.fail()).code).toBe("provider_suspended");
    breaker.pass(1_000);
    const second = breaker.hang();
    expect((await breaker.fail()).code).toBe("provider_suspended");
    second.end();
    await second.ended;
    expect(await breaker.succeed()).toBe("token");
  });

  it("says in which state it is, and how often it was suspended", async () => {
    const breaker = setUp();
    const seen = () => `${breaker.state()} ${breaker.suspensions()}`;
    expect(seen()).toBe("closed 0");
    await breaker.suspend();
    expect(seen()).toBe("open 1");
    breaker.pass(SUSPENSION_MS);
    expect(seen()).toBe("half_open 1");
    const trial = breaker.hang();
    expect(seen()).toBe("half_open 1");
    trial.end(new TokenProxyError("provider_timeout", "it failed"));
    await thrownBy(() => trial.ended);
    expect(seen()).toBe("open 2");
    breaker.pass(SUSPENSION_MS);
    await breaker.succeed();
    expect(seen()).toBe("closed 2");
  });
});

describe("the wall clock", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    ["forward, which ends no suspension early", SUSPENSION_MS - 1, 3_600_000, "provider_suspended"],
    ["back, which makes none longer", SUSPENSION_MS, -3_600_000, "provider_timeout"],
  ])("may be set %s", async (_what, passed, step, code) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(passed);
    vi.setSystemTime(Date.now() + step);
    expect((await breaker.fail()).code).toBe(code);
  });
});

describe("an end that tells nothing of the provider", () => {
  type SetUp = ReturnType<typeof setUp>;
  it.each<[string, (breaker: SetUp) => Promise<unknown>]>([
    [
      "an exchange in which nothing was asked",
      ({ failUnasked }) => failUnasked(new TokenProxyError("provider_timeout", "old")),
    ],
    ["a call that cannot be sent", ({ fail }) => fail("call_invalid")],
    ["a bug of ours", ({ throwBug }) => throwBug()],
  ])("neither lengthens nor ends a row of failures, and is no trial: %s", async (_what, end) => {
    const breaker = setUp();
    for (let i = 0; i < FAILURES_BEFORE_SUSPENSION - 1; i++) await breaker.fail();
    await end(breaker);
    expect(breaker.state()).toBe("closed");
    await breaker.fail();
    expect(breaker.state()).toBe("open");

    breaker.pass(SUSPENSION_MS);
    await end(breaker);
    expect(breaker.state()).toBe("half_open");
    expect((await breaker.fail()).code).toBe("provider_timeout");
    expect(breaker.state()).toBe("open");
  });
});

describe("a call that ends late", () => {
  const failed = () => new TokenProxyError("provider_timeout", "it failed");

  it("counts where no suspension came between", async () => {
    const breaker = setUp();
    const calls = Array.from({ length: FAILURES_BEFORE_SUSPENSION }, () => breaker.hang());
    await breaker.succeed();
    for (const call of calls) call.end(failed());
    await Promise.allSettled(calls.map(({ ended }) => ended));
    expect(breaker.state()).toBe("open");
  });

  it("ends no suspension that began meanwhile, and makes it no longer", async () => {
    const breaker = setUp();
    const [well, ill] = [breaker.hang(), breaker.hang()];
    await breaker.suspend();
    well.end();
    await well.ended;
    expect(breaker.state()).toBe("open");
    breaker.pass(SUSPENSION_MS - 1);
    ill.end(failed());
    await thrownBy(() => ill.ended);
    breaker.pass(1);
    expect(breaker.state()).toBe("half_open");
    expect(breaker.suspensions()).toBe(1);
  });

  it("is not taken for the trial that took its place", async () => {
    const breaker = setUp();
    await breaker.suspend();
    breaker.pass(SUSPENSION_MS);
    const givenUp = breaker.hang();
    breaker.pass(TIMEOUT_MS + 1_000);
    const trial = breaker.hang();
    givenUp.end();
    await givenUp.ended;
    expect((await breaker.fail()).code).toBe("provider_suspended");
    trial.end();
    await trial.ended;
    expect(breaker.state()).toBe("closed");
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
    ["internal", {}],
  ])("is not %s %j", async (code, detail) => {
    expect(await suspends(code, detail)).toBe(false);
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
