// The log tells calls of one user and session apart from others, and not whose they are.

import { describe, expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";
import { createIdentities } from "../../src/steps/identities.ts";
import { asyncHashText, fakeIds, hashText } from "../support/fakes.ts";

const KEY = new Secret("a key for the hashes of the log");
const RECORD = { caller: "ns", userid: "alice@bank.example", nonce: "5f1d7a84db00d2fce00b31a7fc73224f" };
const HASH = /^[0-9a-f]{16}$/;

const create = (key: Secret | undefined = KEY, mode: "hash" | "plain" = "hash") =>
  createIdentities(mode, key, { hashText, ids: fakeIds() });

describe("identities in the log", () => {
  it("are hashes, and nothing of the text is in them", async () => {
    const identities = await create()(RECORD);
    expect(identities).toEqual({ user: expect.stringMatching(HASH), session: expect.stringMatching(HASH) });
    expect(identities.user).not.toBe(identities.session);
  });

  it("are the same for the same user, and others for another one", async () => {
    const describe = create();
    expect(await describe(RECORD)).toEqual(await describe({ ...RECORD }));
    expect((await describe({ userid: "alice@bank.examplf" })).user).not.toBe((await describe(RECORD)).user);
  });

  it("are the same in every process that has the key, and with another key others", async () => {
    expect(await create()(RECORD)).toEqual(await create()(RECORD));
    expect(await create(new Secret("another key for the hashes"))(RECORD)).not.toEqual(await create()(RECORD));
  });

  it("in plain have no character that is not seen and changes how the rest of the line is", async () => {
    const userid = "a\u202eb\u200bc\u2028d\u{e0041}é";
    const { user } = await create(KEY, "plain")({ userid });
    expect(user).toBe("a\\u{202e}b\\u{200b}c\\u{2028}d\\u{e0041}é");
  });

  it("have a key of the process's own where the file gives none", async () => {
    const random = (fill: number) => ({
      uuid: () => "",
      random: (length: number) => new Uint8Array(length).fill(fill),
    });
    const of = (fill: number) => createIdentities("hash", undefined, { hashText, ids: random(fill) })(RECORD);
    expect(await of(1)).not.toEqual(await of(2));
    expect(await of(1)).toEqual(await of(1));
  });

  it("tell a userid from a nonce that is the same text", async () => {
    const { user, session } = await create()({ userid: "same", nonce: "same" });
    expect(user).not.toBe(session);
  });

  it("are left out where a call has none", async () => {
    expect(await create()({})).toEqual({});
    expect(await create()({ nonce: "n" })).toEqual({ session: expect.stringMatching(HASH) });
  });

  it("may be the userid itself, but never the nonce", async () => {
    const identities = await create(KEY, "plain")(RECORD);
    expect(identities).toEqual({ user: RECORD.userid, session: expect.stringMatching(HASH) });
    expect(identities.session).toBe((await create()(RECORD)).session);
  });

  it("come of a hash that gives a promise too", async () => {
    const onWorkers = createIdentities("hash", KEY, { hashText: asyncHashText, ids: fakeIds() });
    expect(await onWorkers(RECORD)).toEqual(await create()(RECORD));
  });
});
