// The session check confirms a call only for the user of its session, and asks for every call unless there is a cache.

import { describe, expect, it } from "vitest";
import { type ErrorCode, TokenProxyError } from "../../src/core/errors.ts";
import type { Value } from "../../src/core/values.ts";
import type { LoginStatus } from "../../src/nextauth/login-status.ts";
import { createSessionCheck, createSessionMemory } from "../../src/nextauth/session-check.ts";

import { fakeClock, thrownBy } from "../support/fakes.ts";

const ALICE: LoginStatus = { loggedin: true, userid: "alice", accountid: 7 };
const NO_ACCOUNT: LoginStatus = { loggedin: true, userid: "alice", accountid: undefined };
const OUT: LoginStatus = { loggedin: false };
const CACHE_MS = 5_000;

/** A session check whose server answers as `server.answer` says, and notes what it is asked. */
function setUp(memory = 0, answer: LoginStatus | Error = ALICE) {
  const clock = fakeClock();
  const server = { answer, asked: [] as string[][], takes: 0 };
  const client = {
    async getSession(...asked: [string, string]) {
      server.asked.push(asked);
      clock.advance(server.takes);
      if (server.answer instanceof Error) throw server.answer;
      return server.answer;
    },
  };
  const confirm = createSessionCheck(client, memory, "nextauth[1]", clock);
  const check = (values: Record<string, Value> = {}, serverid = "a", nonce = "n0nce") =>
    confirm(serverid, nonce, new Map(Object.entries({ serverid, nonce, ...values })));
  return { server, clock, check, confirm };
}

async function refusal(status: LoginStatus, values: Record<string, Value>): Promise<[ErrorCode, string]> {
  const error = (await thrownBy(() => setUp(0, status).check(values))) as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  return [error.code, error.message];
}

describe("a session that is logged in", () => {
  it("is asked about by the serverid and the nonce of the call", async () => {
    const { check, server } = setUp();
    await check({}, "c2VydmVyLTE=", "5f1d7a84");
    expect(server.asked).toEqual([["c2VydmVyLTE=", "5f1d7a84"]]);
  });

  it.each<[string, Record<string, Value>]>([
    ["neither", {}],
    ["its userid", { userid: "alice" }],
    ["its accountid", { accountid: 7 }],
    ["both", { userid: "alice", accountid: 7 }],
  ])("gives userid and accountid to a call that names %s", async (_, values) => {
    const confirmed = await setUp().check({ ...values, device: "d" });
    expect(Object.fromEntries(confirmed)).toEqual({ userid: "alice", accountid: 7 });
  });

  it("gives only a userid if the session has no accountid", async () => {
    expect(Object.fromEntries(await setUp(0, NO_ACCOUNT).check({ userid: "alice" }))).toEqual({ userid: "alice" });
  });

  it("without an accountid cannot confirm one", async () => {
    for (const values of [{ accountid: 7 }, { userid: "alice", accountid: 0 }]) {
      expect(await refusal(NO_ACCOUNT, values)).toEqual([
        "session_check_failed",
        'the nextAuth Server "nextauth[1]" returned no accountid, so the call\'s accountid cannot be confirmed',
      ]);
    }
  });
});

describe("a call is refused", () => {
  const MISMATCH = ["session_mismatch", "the session of this call is logged in as another user or account"];

  it.each<[string, Record<string, Value>]>([
    ["another userid", { userid: "bob" }],
    ["the userid in another case", { userid: "Alice" }],
    ["a userid with a space more", { userid: "alice " }],
    ["a userid in another normal form", { userid: "alice\u0301" }],
    ["another accountid", { accountid: 8 }],
    ["no account by the number 0", { accountid: 0 }],
    ["its userid and another accountid", { userid: "alice", accountid: 8 }],
    ["another userid and its accountid", { userid: "bob", accountid: 7 }],
    ["an accountid in text", { accountid: "7" }],
  ])("that names %s", async (_, values) => {
    expect(await refusal(ALICE, values)).toEqual(MISMATCH);
  });

  it("that names somebody else, where the session has no accountid", async () => {
    expect(await refusal(NO_ACCOUNT, { userid: "bob", accountid: 7 })).toEqual(MISMATCH);
  });

  it("whose session is not logged in, whoever it names", async () => {
    for (const values of [{}, { userid: "alice", accountid: 7 }]) {
      expect(await refusal(OUT, values)).toEqual([
        "session_not_logged_in",
        "the session of this call is not logged in",
      ]);
    }
  });

  it("whose session cannot be asked about, with the error of that", async () => {
    const error = new TokenProxyError("session_check_timeout", "too slow");
    expect(await thrownBy(() => setUp(0, error).check())).toBe(error);
  });
});

describe("without session_cache", () => {
  it("every call is asked about, so that a logout shows with the next one", async () => {
    const { check, server } = setUp();
    await check();
    await check();
    expect(server.asked).toHaveLength(2);
    server.answer = OUT;
    expect(await thrownBy(() => check())).toMatchObject({ code: "session_not_logged_in" });
  });

  it("calls at the same time are each asked about", async () => {
    const { check, server } = setUp();
    await Promise.all([check(), check(), check()]);
    expect(server.asked).toHaveLength(3);
  });
});

describe("with session_cache", () => {
  it("a session counts as logged in for so long, from when getSession was sent", async () => {
    const { check, server, clock } = setUp(CACHE_MS);
    server.takes = 1_000;
    await check();
    clock.advance(CACHE_MS - 1_001);
    await check();
    expect(server.asked).toHaveLength(1);
    clock.advance(1);
    await check();
    expect(server.asked).toHaveLength(2);
  });

  it("being used makes no session last longer", async () => {
    const { check, server, clock } = setUp(CACHE_MS);
    await check();
    for (let passed = 0; passed < CACHE_MS; passed += 1_000) {
      expect(server.asked).toHaveLength(1);
      clock.advance(1_000);
      await check();
    }
    expect(server.asked).toHaveLength(2);
  });

  it("an answer that took longer than that is used once", async () => {
    const { check, server } = setUp(CACHE_MS);
    server.takes = CACHE_MS;
    await check();
    await check();
    expect(server.asked).toHaveLength(2);
  });

  it("a logout shows when the time is over", async () => {
    const { check, server, clock } = setUp(CACHE_MS);
    await check();
    server.answer = OUT;
    await check();
    clock.advance(CACHE_MS);
    expect(await thrownBy(() => check())).toMatchObject({ code: "session_not_logged_in" });
  });

  it("what is remembered confirms no other user and no other account", async () => {
    const { check, server } = setUp(CACHE_MS);
    await check();
    expect(await thrownBy(() => check({ userid: "bob" }))).toMatchObject({ code: "session_mismatch" });
    expect(await thrownBy(() => check({ accountid: 8 }))).toMatchObject({ code: "session_mismatch" });
    expect((await check({ userid: "alice" })).get("accountid")).toBe(7);
    expect(server.asked).toHaveLength(1);
  });

  it("a mismatch does not make anything forgotten, and the session is remembered from it on", async () => {
    const { check, server } = setUp(CACHE_MS);
    await thrownBy(() => check({ userid: "bob" }));
    await check();
    expect(server.asked).toHaveLength(1);
  });

  it("another nonce, and the same one at another server, are asked about by themselves", async () => {
    const { check, server } = setUp(CACHE_MS);
    await check({}, "a", "first");
    server.answer = { loggedin: true, userid: "bob", accountid: 8 };
    expect((await check({}, "a", "second")).get("userid")).toBe("bob");
    expect((await check({}, "b", "first")).get("userid")).toBe("bob");
    expect((await check({}, "a", "first")).get("userid")).toBe("alice");
    expect(server.asked).toEqual([
      ["a", "first"],
      ["a", "second"],
      ["b", "first"],
    ]);
  });

  it("calls at the same time are each asked about, so that none waits for another's request", async () => {
    const { check, server } = setUp(CACHE_MS);
    await Promise.all([check(), check()]);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ["a session that is not logged in", OUT],
    ["a failure", new TokenProxyError("session_check_failed", "broken")],
  ])("%s is not remembered: the login after it shows at once", async (_, answer) => {
    const { check, server } = setUp(CACHE_MS, answer);
    await thrownBy(() => check());
    server.answer = ALICE;
    expect((await check()).get("userid")).toBe("alice");
    expect(server.asked).toHaveLength(2);
  });
});

it("the session cache holds at most 10,000 sessions, and drops the oldest", () => {
  const clock = fakeClock();
  const memory = createSessionMemory(CACHE_MS, clock);
  const status = { loggedin: true, userid: "alice", accountid: undefined } as const;
  for (let i = 0; i <= 10_000; i++) memory.set("a", `n${i}`, status, clock.elapsed());
  expect(memory.get("a", "n0")).toBeUndefined();
  expect(memory.get("a", "n1")).toBe(status);
  expect(memory.get("a", "n10000")).toBe(status);
});
