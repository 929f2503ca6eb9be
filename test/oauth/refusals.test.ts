// Ten refusals of three users without a token in between are no accident: one warning says so.

import { describe, expect, it } from "vitest";
import { createRefusalWatch, REFUSALS_OF_EVERYBODY } from "../../src/oauth/refusals.ts";
import { fakeLog } from "../support/fakes.ts";

const refusal = {
  error: "invalid_grant",
  judgedBy: "general",
  words: () => ({ provider_error: "invalid_grant" }),
} as const;

function setUp() {
  const { log, lines } = fakeLog();
  const watch = createRefusalWatch("main", log);
  const refuse = (...users: (string | undefined)[]) => {
    for (const user of users) watch.note({ refusal }, user);
  };
  return { lines, refuse, token: () => watch.note({}, "alice"), state: watch.state };
}

const USERS = ["alice", "bob", "carol", "dave", "alice", "bob", "carol", "dave", "alice", "bob"];

describe("refusals of several users", () => {
  it("become one warning with the provider's words", () => {
    const { lines, refuse, state } = setUp();
    refuse(...USERS.slice(1));
    expect([lines, state()]).toEqual([[], { refusedUsers: 3, refusesEverybody: false }]);
    refuse("alice");
    const fields = { provider: "main", refusals: REFUSALS_OF_EVERYBODY, provider_error: "invalid_grant" };
    expect(lines).toEqual([{ level: "warn", event: "provider refuses everybody", fields }]);
    refuse(...USERS);
    expect(lines).toHaveLength(1);
    expect(state()).toEqual({ refusedUsers: 3, refusesEverybody: true });
  });

  it("are forgotten with the next token, after which the warning may come again", () => {
    const { lines, refuse, token, state } = setUp();
    refuse(...USERS);
    token();
    expect(state()).toEqual({ refusedUsers: 0, refusesEverybody: false });
    refuse(...USERS);
    expect(lines).toHaveLength(2);
  });

  it("do not count across a token", () => {
    const { lines, refuse, token } = setUp();
    for (let i = 0; i < 5; i++) {
      refuse(...USERS.slice(1));
      token();
    }
    expect(lines).toEqual([]);
  });
});

it("two users who are refused again and again are not everybody, until a third one is refused", () => {
  const { lines, refuse, state } = setUp();
  for (let i = 0; i < 50; i++) refuse("alice", "bob");
  expect([lines, state()]).toEqual([[], { refusedUsers: 2, refusesEverybody: false }]);
  refuse("carol");
  expect(lines).toHaveLength(1);
});
