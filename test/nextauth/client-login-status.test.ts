// A LoginStatus says who is logged in, or that nobody is. Every other answer is an error.

import { describe, expect, it } from "vitest";
import { parseLoginStatus } from "../../src/nextauth/client.ts";

/** @param body JSON text, or a value to serialise */
const parse = (body: unknown) =>
  parseLoginStatus(new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body)));

const ALICE = { loggedin: true, userid: "alice", accountid: 7 };

describe("a session that is logged in", () => {
  it("has userid and accountid, and nothing else of the answer", () => {
    const others = { canprovoke: true, hsid: "h", loginqrdata: "x".repeat(4_000), extra: { userid: "mallory" } };
    expect(parse(`\ufeff ${JSON.stringify({ ...others, ...ALICE })}\n`)).toEqual(ALICE);
  });

  it.each([
    ["missing", { loggedin: true, userid: "alice" }],
    ["null", { ...ALICE, accountid: null }],
  ])("may have an accountid that is %s", (_, status) => {
    expect(parse(status)).toEqual({ loggedin: true, userid: "alice", accountid: undefined });
  });

  it.each([
    ["userid", "Алиса 😀"],
    ["userid", "__proto__"],
    ["accountid", 0],
  ])("may have the %s %j", (name, value) => {
    expect(parse({ ...ALICE, [name]: value })).toEqual({ ...ALICE, [name]: value });
  });
});

it("a session that is not logged in has no userid, even if the answer has one", () => {
  expect(parse({ loggedin: false })).toEqual({ loggedin: false });
  expect(parse({ ...ALICE, loggedin: false, userid: 7 })).toEqual({ loggedin: false });
});

const NO_STATUS = "answered with something that is not a LoginStatus";
const NOT_SAID = 'answered with a LoginStatus whose "loggedin" is not true or false';
const NO_USERID = "answered with a session that is logged in, but has no userid: register a user for its account";
const userid = (fault: string) => `answered with a LoginStatus whose "userid" ${fault}`;
const ACCOUNTID = 'answered with a LoginStatus whose "accountid" must be an integer';

it.each<[string, unknown, string]>([
  ["a web page", "<html></html>", NO_STATUS],
  ["no loggedin", { userid: "alice", accountid: 7 }, NOT_SAID],
  ["loggedin as text", { ...ALICE, loggedin: "true" }, NOT_SAID],
  ["loggedin as a number", { ...ALICE, loggedin: 1 }, NOT_SAID],
  ["an inherited status", '{"__proto__":{"loggedin":true,"userid":"alice"}}', NOT_SAID],
  ["no userid", { loggedin: true, accountid: 7 }, NO_USERID],
  ["an empty userid", { ...ALICE, userid: "" }, NO_USERID],
  ["a userid of null", { ...ALICE, userid: null }, NO_USERID],
  ["an inherited userid", '{"loggedin":true,"__proto__":{"userid":"alice"}}', NO_USERID],
  ["a userid with a line break", { ...ALICE, userid: "alice\nX-a: b" }, userid("has control characters")],
  ["a userid that is a number", { ...ALICE, userid: 7 }, userid("must be text")],
  ["an accountid as text", { ...ALICE, accountid: "7" }, ACCOUNTID],
  ["an accountid of 2^53", { ...ALICE, accountid: 2 ** 53 }, ACCOUNTID],
])("rejects %s", (_, body, fault) => {
  expect(parse(body)).toBe(fault);
});
