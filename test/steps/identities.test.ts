// The log tells users and sessions apart without saying who they are.

import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { createIdentities } from "../../src/steps/identities.ts";
import { asyncHashText, fakeIds, hashText } from "../support/fakes.ts";

const KEY = new Secret("a key for the hashes of the log");
const FACTS = { caller: "ns", userid: "alice@bank.example", nonce: "5f1d7a84db00d2fce00b31a7fc73224f" };
const HASH = expect.stringMatching(/^[0-9a-f]{16}$/);

function describeBy(mode: "hash" | "plain", key: Secret | undefined = KEY, hash = hashText) {
  return createIdentities(mode, key, { hashText: hash, ids: fakeIds() });
}

describe("hashed identities", () => {
  it("are 16 digits for the user and the session", async () => {
    expect(await describeBy("hash")(FACTS)).toEqual({ user: HASH, session: HASH });
    expect(await describeBy("hash")({})).toEqual({});
  });

  it("are the same for the same user in every process with the key", async () => {
    expect(await describeBy("hash", KEY, asyncHashText)(FACTS)).toEqual(await describeBy("hash")(FACTS));
  });

  it("differ for another user, for another key, and for a userid and a nonce of the same text", async () => {
    const users = await Promise.all([
      describeBy("hash")(FACTS),
      describeBy("hash")({ userid: "alice@bank.examplf" }),
      describeBy("hash", new Secret("another key for the hashes"))(FACTS),
    ]);
    expect(new Set(users.map(({ user }) => user)).size).toBe(3);
    const { user, session } = await describeBy("hash")({ userid: "same", nonce: "same" });
    expect(user).not.toBe(session);
  });

  it("use a random key if the file has none", async () => {
    const random = (fill: number) => (length: number) => new Uint8Array(length).fill(fill);
    const by = (fill: number) =>
      createIdentities("hash", undefined, { hashText, ids: { uuid: () => "", random: random(fill) } })(FACTS);
    expect(await by(1)).not.toEqual(await by(2));
    expect(await by(1)).toEqual(await by(1));
  });
});

describe("plain identities", () => {
  it("are the userid, and a hash of the nonce", async () => {
    const { session } = await describeBy("hash")(FACTS);
    expect(await describeBy("plain")(FACTS)).toEqual({ user: FACTS.userid, session });
  });

  it("have at most 200 characters of the userid, and invisible ones escaped", async () => {
    const { user } = await describeBy("plain")({ userid: "a\u202eb\u200bc\u2028d\u{e0041}é" });
    expect(user).toBe("a\\u{202e}b\\u{200b}c\\u{2028}d\\u{e0041}é");
    const blankLetter = "\u3164";
    expect((await describeBy("plain")({ userid: `alice${blankLetter}` })).user).toBe("alice\\u{3164}");
    expect((await describeBy("plain")({ userid: "x".repeat(300) })).user).toBe("x".repeat(200));
  });
});
