// Sessions are remembered by virtual server and nonce for a fixed time, and never more than ten thousand of them.

import { describe, expect, it } from "vitest";
import type { LoggedIn } from "../../src/nextauth/login-status.ts";
import { createSessionMemory } from "../../src/nextauth/session-memory.ts";
import { fakeClock } from "../support/fakes.ts";

const LIFETIME_MS = 10_000;
const MOST = 10_000;

function setUp() {
  const clock = fakeClock();
  const memory = createSessionMemory(LIFETIME_MS, clock);
  /** @param asked when it was asked for, now where not given */
  const remember = (nonce: string, asked = clock.elapsed(), serverid = "a") =>
    memory.set(serverid, nonce, sessionOf(nonce), asked);
  const knows = (nonce: string, serverid = "a") => memory.get(serverid, nonce) !== undefined;
  return { clock, memory, remember, knows };
}

const sessionOf = (userid: string): LoggedIn => ({ loggedin: true, userid, accountid: 7 });

it("a session is given back as it was remembered", () => {
  const { memory, remember } = setUp();
  remember("n");
  expect(memory.get("a", "n")).toEqual(sessionOf("n"));
});

it.each([
  ["another nonce", "a", "o"],
  ["another serverid", "b", "n"],
  ["the two the other way round", "n", "a"],
  ["a part of the nonce", "a", ""],
])("%s is another session", (_, serverid, nonce) => {
  const { memory, remember } = setUp();
  remember("n");
  expect(memory.get(serverid, nonce)).toBeUndefined();
});

it("serverid and nonce that are the same text together are two sessions", () => {
  const { remember, knows } = setUp();
  remember("bc", 0, "a");
  expect([knows("bc", "a"), knows("c", "ab"), knows("abc", "")]).toEqual([true, false, false]);
});

describe("the lifetime", () => {
  it.each([
    [0, LIFETIME_MS - 1, true],
    [0, LIFETIME_MS, false],
    [3_000, LIFETIME_MS - 3_001, true],
    [3_000, LIFETIME_MS - 3_000, false],
    [LIFETIME_MS, 0, false],
  ])("counts from when it was asked for: after %i ms of asking and %i ms it is known: %j", (asking, after, known) => {
    const { clock, remember, knows } = setUp();
    const asked = clock.elapsed();
    clock.advance(asking);
    remember("n", asked);
    clock.advance(after);
    expect(knows("n")).toBe(known);
  });

  it("starts anew where the session was asked for anew", () => {
    const { clock, remember, knows } = setUp();
    remember("n");
    clock.advance(LIFETIME_MS - 1);
    remember("n");
    clock.advance(LIFETIME_MS - 1);
    expect(knows("n")).toBe(true);
  });
});

describe("ten thousand sessions", () => {
  function full() {
    const all = setUp();
    for (let index = 0; index < MOST; index++) all.remember(`n${index}`);
    return all;
  }

  it("are all remembered", () => {
    const { knows } = full();
    expect(knows("n0")).toBe(true);
    expect(knows(`n${MOST - 1}`)).toBe(true);
  });

  it("lose the oldest one to one more, and no other", () => {
    const { remember, knows } = full();
    remember("more");
    expect([knows("n0"), knows("n1"), knows(`n${MOST - 1}`), knows("more")]).toEqual([false, true, true, true]);
    remember("and one");
    expect([knows("n1"), knows("n2"), knows("and one")]).toEqual([false, true, true]);
  });

  it("lose none to a session that is among them, which is the youngest then", () => {
    const { remember, knows } = full();
    remember("n0");
    expect([knows("n0"), knows("n1")]).toEqual([true, true]);
    remember("more");
    expect([knows("n0"), knows("n1"), knows("n2")]).toEqual([true, false, true]);
  });

  it("make room for ten thousand others when their time is over", () => {
    const { clock, remember, knows } = full();
    clock.advance(LIFETIME_MS);
    for (let index = 0; index < MOST; index++) remember(`m${index}`);
    expect([knows("n0"), knows(`n${MOST - 1}`), knows("m0"), knows(`m${MOST - 1}`)]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });
});
