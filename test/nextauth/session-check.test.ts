// The session check confirms a call only for the user of its session.

import { describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import type { Value } from "../../src/core/values.ts";
import type { LoginStatus, NextAuthClient } from "../../src/nextauth/client.ts";
import { createSessionCheck, createSessionMemory } from "../../src/nextauth/session-check.ts";
import { fakeClock, fakeConnection, thrownBy } from "../support/fakes.ts";

const ALICE: LoginStatus = { loggedin: true, userid: "alice", accountid: 7 };
const NO_ACCOUNT: LoginStatus = { loggedin: true, userid: "alice", accountid: undefined };
const LOGGED_OUT: LoginStatus = { loggedin: false };
const CACHE_MS = 5_000;

/** The server returns or throws `server.answer` after `server.takes` milliseconds. */
function setUp(lifetime = 0, answer: Awaited<ReturnType<NextAuthClient["getSession"]>> | Error = ALICE) {
  const clock = fakeClock();
  const server = { answer, asked: [] as string[][], takes: 0 };
  const client = {
    async getSession(serverid: string, nonce: string) {
      server.asked.push([serverid, nonce]);
      clock.advance(server.takes);
      if (server.answer instanceof Error) throw server.answer;
      return server.answer;
    },
  };
  const confirm = createSessionCheck(client, "nextauth[1]", clock, createSessionMemory(lifetime, clock));
  const check = async (values: Record<string, Value> = {}, serverid = "a", nonce = "n0nce") =>
    Object.fromEntries(await confirm(serverid, nonce, new Map(Object.entries({ serverid, nonce, ...values }))));
  return { server, clock, check };
}

const codeOf = async (check: () => Promise<unknown>) => ((await thrownBy(check)) as TokenProxyError).code;

describe("a session that is logged in", () => {
  it("is identified by serverid and nonce", async () => {
    const { check, server } = setUp();
    await check({}, "c2VydmVyLTE=", "5f1d7a84");
    expect(server.asked).toEqual([["c2VydmVyLTE=", "5f1d7a84"]]);
  });

  it.each([{}, { userid: "alice" }, { accountid: 7 }])("confirms the user of a call with %j", async (values) => {
    expect(await setUp().check({ ...values, device: "d" })).toEqual({ userid: "alice", accountid: 7 });
  });

  it("without an accountid only confirms the userid", async () => {
    expect(await setUp(0, NO_ACCOUNT).check({ userid: "alice" })).toEqual({ userid: "alice" });
  });
});

it("closes the connection of an answer about another user or account, and of no other answer", async () => {
  for (const [values, isClosed] of [
    [{}, false],
    [{ userid: "alice", accountid: 7 }, false],
    [{ userid: "bob" }, true],
    [{ accountid: 8 }, true],
  ] as [Record<string, Value>, boolean][]) {
    const connection = fakeConnection();
    await setUp(0, { ...ALICE, connection })
      .check(values)
      .catch(() => {});
    expect(connection.isTroubled).toBe(isClosed);
  }
});

const MISMATCH = ["session_mismatch", "the session of this call is logged in as another user or account"];
const UNCONFIRMED =
  'the nextAuth Server "nextauth[1]" returned no accountid, so the call\'s accountid cannot be confirmed';

it.each<[string, LoginStatus, Record<string, Value>, string[]]>([
  ["another userid", ALICE, { userid: "bob" }, MISMATCH],
  ["the userid in another case", ALICE, { userid: "Alice" }, MISMATCH],
  ["another accountid", ALICE, { accountid: 8 }, MISMATCH],
  ["the accountid 0", ALICE, { accountid: 0 }, MISMATCH],
  ["the accountid as text", ALICE, { accountid: "7" }, MISMATCH],
  ["another userid, if the session has no accountid", NO_ACCOUNT, { userid: "bob", accountid: 7 }, MISMATCH],
  ["an accountid, if the session has none", NO_ACCOUNT, { accountid: 0 }, ["session_check_failed", UNCONFIRMED]],
  [
    "a session that is not logged in",
    LOGGED_OUT,
    { userid: "alice" },
    ["session_not_logged_in", "the session of this call is not logged in"],
  ],
])("refuses a call with %s", async (_, status, values, refused) => {
  const error = (await thrownBy(() => setUp(0, status).check(values))) as TokenProxyError;
  expect(error).toBeInstanceOf(TokenProxyError);
  expect([error.code, error.message]).toEqual(refused);
});

it("passes on the error of getSession", async () => {
  const error = new TokenProxyError("session_check_timeout", "too slow");
  expect(await thrownBy(() => setUp(0, error).check())).toBe(error);
});

it("without session_cache, asks for every call, so that a logout counts at once", async () => {
  const { check, server } = setUp();
  await check();
  server.answer = LOGGED_OUT;
  expect(await codeOf(check)).toBe("session_not_logged_in");
});

describe("with session_cache", () => {
  it("a session is remembered from when getSession was sent, however often it is used", async () => {
    const { check, server, clock } = setUp(CACHE_MS);
    server.takes = 1_000;
    await check();
    server.answer = LOGGED_OUT;
    clock.advance(CACHE_MS / 2);
    await check();
    clock.advance(CACHE_MS / 2 - 1_001);
    await check();
    expect(server.asked).toHaveLength(1);
    clock.advance(1);
    expect(await codeOf(check)).toBe("session_not_logged_in");
  });

  it("a remembered session confirms no other user or account, and is then asked for again", async () => {
    const { check, server } = setUp(CACHE_MS);
    for (const values of [{ userid: "bob" }, { accountid: 8 }]) {
      await check();
      expect(await codeOf(() => check(values))).toBe("session_mismatch");
    }
    expect(await check({ userid: "alice" })).toEqual({ userid: "alice", accountid: 7 });
    expect(server.asked).toHaveLength(3);
  });

  it("an answer about another user is not remembered", async () => {
    const { check, server } = setUp(CACHE_MS);
    expect(await codeOf(() => check({ userid: "bob" }))).toBe("session_mismatch");
    server.answer = { loggedin: true, userid: "bob", accountid: 8 };
    expect((await check()).userid).toBe("bob");
  });

  it("an answer on a connection that had trouble before or after is not remembered", async () => {
    const connection = fakeConnection();
    const { check, server } = setUp(CACHE_MS, { ...ALICE, connection });
    await check();
    await check();
    expect(server.asked).toHaveLength(1);
    connection.close();
    await check();
    await check();
    expect(server.asked).toHaveLength(3);
  });

  it("another nonce, or the same nonce at another serverid, is another session", async () => {
    const { check, server } = setUp(CACHE_MS);
    await check({}, "a", "first");
    server.answer = { loggedin: true, userid: "bob", accountid: 8 };
    expect((await check({}, "a", "second")).userid).toBe("bob");
    expect((await check({}, "b", "first")).userid).toBe("bob");
    expect((await check({}, "a", "first")).userid).toBe("alice");
  });

  it("simultaneous calls do not wait for each other's request", async () => {
    const { check, server } = setUp(CACHE_MS);
    await Promise.all([check(), check()]);
    expect(server.asked).toHaveLength(2);
  });

  it.each([
    ["a session that is not logged in", LOGGED_OUT],
    ["a failure", new TokenProxyError("session_check_failed", "broken")],
  ])("%s is not remembered", async (_, answer) => {
    const { check, server } = setUp(CACHE_MS, answer);
    await thrownBy(check);
    server.answer = ALICE;
    expect((await check()).userid).toBe("alice");
  });
});

it("the memory holds at most 10,000 sessions and drops the oldest", () => {
  const clock = fakeClock();
  const memory = createSessionMemory(CACHE_MS, clock);
  const status = { loggedin: true, userid: "alice", accountid: undefined } as const;
  for (let i = 0; i <= 10_000; i++) memory.set(`n${i}`, status, clock.elapsed());
  expect(["n0", "n1", "n10000"].map(memory.get)).toEqual([undefined, status, status]);
});
