// The subject of a token is compared exactly, in the one place that the file names.

import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { compileExpectSubject, type ExpectSubjectSettings } from "../../src/oauth/expect-subject.ts";
import { thrownBy } from "../support/fakes.ts";

const jwt = (claims: object) => new UnsecuredJWT({ ...claims }).encode();

function check(
  settings: Partial<ExpectSubjectSettings>,
  answer: object | string,
  values: Record<string, unknown> = {},
) {
  const whole = { member: "access_token", equals: "{{userid}}", ...settings };
  const body = new TextEncoder().encode(typeof answer === "string" ? answer : JSON.stringify(answer));
  const map = new Map(Object.entries({ userid: "alice", ...values })) as Map<string, string | number>;
  compileExpectSubject(whole, "providers.main")(body, map);
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
    ["an empty token", { claim: "sub" }, { access_token: "" }],
    ["an opaque token", { claim: "sub" }, { access_token: "a.b.c" }],
    ["a JWT whose claims are a list", { claim: "0" }, { access_token: `e30.${btoa('["alice"]')}.` }],
    ["an encrypted JWT", { claim: "sub" }, { access_token: "e30.e30.e30.e30.e30" }],
    ["a token that is not text", { claim: "sub" }, { access_token: { sub: "alice" } }],
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
