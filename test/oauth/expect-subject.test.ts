// The subject of a token is compared exactly, in the one place that the file names.

import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { compileExpectSubject, type ExpectSubjectSettings } from "../../src/oauth/expect-subject.ts";
import { thrownBy } from "../support/fakes.ts";
import { setUp } from "./set-up-provider.ts";

const jwt = (claims: object) => new UnsecuredJWT({ ...claims }).encode();

/** A JWT whose claims are this text. */
const written = (claims: string) => `e30.${Buffer.from(claims).toString("base64url")}.`;

function check(
  settings: Partial<ExpectSubjectSettings>,
  answer: object | string,
  values: Record<string, unknown> = {},
) {
  const whole = { member: "access_token", equals: "{{userid}}", ...settings };
  const body = new TextEncoder().encode(typeof answer === "string" ? answer : JSON.stringify(answer));
  const map = new Map(Object.entries({ userid: "alice", ...values })) as Map<string, string | number>;
  compileExpectSubject(whole, "providers.main")(map)(body);
}

describe("accepts", () => {
  it.each<[string, Partial<ExpectSubjectSettings>, object | string, Record<string, unknown>?]>([
    [
      "a number in a JWT",
      { claim: "account", equals: "{{accountid}}" },
      { access_token: jwt({ account: 7 }) },
      { accountid: 7 },
    ],
    ["a member with text around the userid", { member: "user", equals: "bank|{{userid}}" }, { user: "bank|alice" }],
    ["a subject beyond ASCII", { claim: "sub" }, { access_token: jwt({ sub: "bøb 😀" }) }, { userid: "bøb 😀" }],
    ["an answer with a byte order mark", { member: "user" }, '\ufeff{"user":"alice"}'],
    ["a userid that looks like a template", { member: "user" }, { user: "{{userid}}" }, { userid: "{{userid}}" }],
    [
      "another case of A to Z, if the file says so",
      { claim: "sub", compare: "ascii_case_insensitive" },
      { access_token: jwt({ sub: "alice.k@bank.example" }) },
      { userid: "Alice.K@Bank.Example" },
    ],
  ])("%s", (_, settings, answer, values) => {
    check(settings, answer, values);
  });
});

describe("refuses", () => {
  it.each<[string, Partial<ExpectSubjectSettings>, object]>([
    ["another Unicode normalisation", { member: "user", equals: "\u00e9" }, { user: "e\u0301" }],
    ["a space after the userid", { member: "user" }, { user: "alice " }],
    ["a truth value", { member: "user", equals: "true" }, { user: true }],
    ["null", { member: "user", equals: "null" }, { user: null }],
    ["an object", { member: "user" }, { user: { sub: "alice" } }],
    ["an inherited member", { member: "constructor" }, {}],
    ["an inherited claim", { claim: "toString" }, { access_token: jwt({}) }],
    ["a number that is written differently", { claim: "sub", equals: "7" }, { access_token: written('{"sub":7.0}') }],
    ["a claim below another", { claim: "sub" }, { access_token: written('{"act":{"sub":"alice"}}') }],
    ["a token that is not text", { claim: "sub" }, { access_token: { sub: "alice" } }],
    ["another case by default", { member: "user", compare: "exact" }, { user: "Alice" }],
    [
      "another case beyond ASCII",
      { member: "user", equals: "\u00c9", compare: "ascii_case_insensitive" },
      { user: "\u00e9" },
    ],
    ["a Kelvin sign for a k", { member: "user", equals: "\u212a", compare: "ascii_case_insensitive" }, { user: "k" }],
    ["another user, without repeating either", { member: "user" }, { user: "mallory" }],
  ])("%s", async (_, settings, answer) => {
    const error = await thrownBy(() => check(settings, answer));
    expect(error).toMatchObject({
      code: "provider_wrong_subject",
      message:
        'the provider "providers.main" sent a token of another user than "providers.main.expect_subject" expects',
      cause: undefined,
      detail: undefined,
    });
  });
});

it("compares a number as it is written, without rounding", async () => {
  const answer = { access_token: written('{"sub":9007199254740993}') };
  check({ claim: "sub" }, answer, { userid: "9007199254740993" });
  expect(await thrownBy(() => check({ claim: "sub" }, answer, { userid: "9007199254740992" }))).toMatchObject({
    code: "provider_wrong_subject",
  });
});

it.each<[string, string, string]>([
  ["the claim", "sub", JSON.stringify({ access_token: written('{"sub":"alice","s\\u0075b":"alice"}') })],
  [
    "the member",
    "access_token",
    `{"access_token":"${jwt({ sub: "alice" })}","access_token":"${jwt({ sub: "alice" })}"}`,
  ],
])(
  "refuses an answer in which %s occurs twice, because readers differ in which one they use",
  async (_, name, body) => {
    expect(await thrownBy(() => check({ claim: "sub" }, body))).toMatchObject({
      code: "provider_wrong_subject",
      message: `the provider "providers.main" sent "${name}" twice, so "providers.main.expect_subject" cannot tell which one counts`,
    });
  },
);

it("accepts another member or claim that occurs twice", () => {
  const access_token = written('{"x":1,"x":2,"sub":"alice","y":{"sub":"bob"}}');
  check({ claim: "sub" }, `{"scope":"a","scope":"b","access_token":"${access_token}"}`);
});

it.each<[string, unknown]>([
  ["is empty", ""],
  ["is a reference", "f1b4"],
  ["has three parts that are no JWT", "a.b.c"],
  ["is a number", 7],
  ["is encrypted", "e30.e30.e30.e30.e30"],
  ["has claims that are a list", written('["alice"]')],
  ["has claims that are not UTF-8", `e30.${Buffer.from([0x22, 0xff, 0x22]).toString("base64url")}.`],
])("says that it cannot read a token that %s", async (_, access_token) => {
  expect(await thrownBy(() => check({ claim: "sub" }, { access_token }))).toMatchObject({
    code: "provider_wrong_subject",
    message:
      'the provider "providers.main" sent an opaque token as "access_token", which "providers.main.expect_subject" cannot read; name a member that is a signed JWT',
  });
});

it("refuses values that could be read as others before anything is sent", async () => {
  const { upstream, values, request } = setUp({
    expect_subject: { member: "user", equals: "{{serverid}}|{{userid}}" },
  });
  values.set("serverid", "s").set("userid", "x|alice");
  expect(await thrownBy(request)).toMatchObject({ code: "call_invalid" });
  expect(upstream.requests).toHaveLength(0);
});
