// A LoginStatus says who is logged in or that nobody is; whatever else comes is told without a word of it.

import { describe, expect, it } from "vitest";
import { parseLoginStatus } from "../../src/nextauth/login-status.ts";

const encode = (text: string) => new TextEncoder().encode(text);
/** @param body text or bytes as they are, or a value to serialise */
const parse = (body: unknown) =>
  parseLoginStatus(body instanceof Uint8Array ? body : encode(typeof body === "string" ? body : JSON.stringify(body)));

const ALICE = { loggedin: true, userid: "alice", accountid: 7 };

describe("a session that is logged in", () => {
  it("has userid and accountid", () => {
    expect(parse(ALICE)).toEqual(ALICE);
  });

  it("gives nothing of what else the server says of it", () => {
    const described = { canprovoke: true, hsid: "h", loginqrdata: "x".repeat(4_000), pk: "cGs=" };
    const more = { ...described, constructor: "x", toString: 1, extra: { userid: "mallory" } };
    expect(parse({ ...more, ...ALICE })).toEqual(ALICE);
  });

  it.each([
    ["missing", { loggedin: true, userid: "alice" }],
    ["null", { ...ALICE, accountid: null }],
  ])("may have an accountid that is %s", (_, status) => {
    expect(parse(status)).toEqual({ loggedin: true, userid: "alice", accountid: undefined });
  });

  it.each([
    ["0", 0],
    ["-1", -1],
    ["7.0", 7],
    ["7e0", 7],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
  ])("may have the accountid %s", (written, accountid) => {
    expect(parse(`{"loggedin":true,"userid":"alice","accountid":${written}}`)).toEqual({ ...ALICE, accountid });
  });

  it.each(["alice@bank.example", "Алиса", "😀", " ", "__proto__", "constructor", "a/b", "x".repeat(1_024)])(
    "may have the userid %.20j",
    (userid) => {
      expect(parse({ ...ALICE, userid })).toEqual({ ...ALICE, userid });
    },
  );

  it("may come with a byte order mark and white space around", () => {
    expect(parse(`\ufeff\r\n ${JSON.stringify(ALICE)}\n`)).toEqual(ALICE);
  });

  it("counts by the last of members that stand twice, as in every reader of JSON here", () => {
    expect(parse('{"loggedin":false,"userid":"alice","loggedin":true,"userid":"bob"}')).toMatchObject({
      loggedin: true,
      userid: "bob",
    });
    expect(parse('{"loggedin":true,"userid":"alice","loggedin":false}')).toEqual({ loggedin: false });
  });
});

describe("a session that is not logged in", () => {
  it.each([
    ["alone", {}],
    ["with a userid, which then counts for nothing", { userid: "alice", accountid: 7 }],
    ["with a userid that could not be one", { userid: 7, accountid: "x" }],
  ])("is told as such: %s", (_, more) => {
    expect(parse({ loggedin: false, ...more })).toEqual({ loggedin: false });
  });
});

const NO_STATUS = "was answered with something that is not a LoginStatus";
const NOT_SAID = 'was answered with a LoginStatus whose "loggedin" is not true or false';
const NO_USERID = "was answered with a session that is logged in, but whose account has no userid: register one there";
const userid = (fault: string) => `was answered with a LoginStatus whose "userid" ${fault}`;
const ACCOUNTID = 'was answered with a LoginStatus whose "accountid" must be an integer';

describe("an answer that is no LoginStatus", () => {
  it.each<[string, unknown, string]>([
    ["nothing", "", NO_STATUS],
    ["white space", " ", NO_STATUS],
    ["a web page", "<html></html>", NO_STATUS],
    ["JSON that breaks off", '{"loggedin":true', NO_STATUS],
    ["JSON and more", '{"loggedin":false}{}', NO_STATUS],
    ["text that is not UTF-8", Uint8Array.of(...encode('{"loggedin":false,"a":"'), 0xff, 0x22, 0x7d), NO_STATUS],
    ["UTF-16", Uint8Array.from(Buffer.from('{"loggedin":false}', "utf16le")), NO_STATUS],
    ["a list", [ALICE], NO_STATUS],
    ["null", "null", NO_STATUS],
    ["a number", "7", NO_STATUS],
    ["true", "true", NO_STATUS],
    ["a text", '"loggedin"', NO_STATUS],
    ["an empty object", {}, NOT_SAID],
    ["no loggedin", { userid: "alice", accountid: 7 }, NOT_SAID],
    ["a loggedin in text", { ...ALICE, loggedin: "true" }, NOT_SAID],
    ["a loggedin of 1", { ...ALICE, loggedin: 1 }, NOT_SAID],
    ["a loggedin of 0", { ...ALICE, loggedin: 0 }, NOT_SAID],
    ["a loggedin of null", { ...ALICE, loggedin: null }, NOT_SAID],
    ["a list of loggedin", { ...ALICE, loggedin: [true] }, NOT_SAID],
    ["a member in another case", { ...ALICE, loggedin: undefined, loggedIn: true }, NOT_SAID],
    ["a status inside", { status: ALICE }, NOT_SAID],
    ["an inherited status", '{"__proto__":{"loggedin":true,"userid":"alice"}}', NOT_SAID],
    ["no userid", { loggedin: true, accountid: 7 }, NO_USERID],
    ["an empty userid", { ...ALICE, userid: "" }, NO_USERID],
    ["a userid of null", { ...ALICE, userid: null }, NO_USERID],
    ["an inherited userid", '{"loggedin":true,"__proto__":{"userid":"alice"}}', NO_USERID],
    ["a userid with a line break", { ...ALICE, userid: "alice\nX-a: b" }, userid("has control characters")],
    ["a userid with a zero byte", { ...ALICE, userid: "alice\u0000" }, userid("has control characters")],
    ["a userid with a C1 control", { ...ALICE, userid: "alice\u0085" }, userid("has control characters")],
    ["half a surrogate", '{"loggedin":true,"userid":"a\\ud800"}', userid("is not well-formed Unicode")],
    ["a userid that is too long", { ...ALICE, userid: "x".repeat(1_025) }, userid("is too long")],
    ["a userid that is a number", { ...ALICE, userid: 7 }, userid("must be text")],
    ["a userid that is false", { ...ALICE, userid: false }, userid("must be text")],
    ["a list of userids", { ...ALICE, userid: ["alice"] }, userid("must be text")],
    ["an accountid in text", { ...ALICE, accountid: "7" }, ACCOUNTID],
    ["an empty accountid", { ...ALICE, accountid: "" }, ACCOUNTID],
    ["a broken accountid", { ...ALICE, accountid: 7.5 }, ACCOUNTID],
    ["an accountid of 2^53", { ...ALICE, accountid: 2 ** 53 }, ACCOUNTID],
    ["an accountid beyond any number", '{"loggedin":true,"userid":"alice","accountid":1e999}', ACCOUNTID],
    ["an accountid that is true", { ...ALICE, accountid: true }, ACCOUNTID],
    ["a list of accountids", { ...ALICE, accountid: [7] }, ACCOUNTID],
  ])("is told: %s", (_, body, fault) => {
    expect(parse(body)).toBe(fault);
  });
});
