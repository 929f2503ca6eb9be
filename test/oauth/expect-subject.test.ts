// The subject of a token is compared letter for letter, in the one place that the file names.

import { UnsecuredJWT } from "jose";
import { describe, expect, it } from "vitest";
import { compileExpectSubject, type ExpectSubjectSettings } from "../../src/oauth/expect-subject.ts";
import { thrownBy } from "../support/fakes.ts";

const jwt = (claims: object) => new UnsecuredJWT({ ...claims }).encode();

function check(settings: Partial<ExpectSubjectSettings>, answer: object | string, values: Record<string, string> = {}) {
  const whole = { member: "access_token", equals: "{{userid}}", ...settings };
  const body = new TextEncoder().encode(typeof answer === "string" ? answer : JSON.stringify(answer));
  return thrownBy(() => {
    compileExpectSubject(whole, "providers.main")(body, new Map(Object.entries({ userid: "alice", ...values })));
    throw "right";
  });
}

const WRONG = {
  code: "provider_wrong_subject",
  message: 'the provider "providers.main" sent a token that is not for this user, by "providers.main.expect_subject"',
};

describe("a subject is right", () => {
  it.each<[string, Partial<ExpectSubjectSettings>, object | string, Record<string, string>?]>([
    [
      "as a number of the JWT",
      { claim: "account", equals: "{{accountid}}" },
      { access_token: jwt({ account: 7 }) },
      { accountid: "7" },
    ],
    ["with text around it", { member: "user", equals: "bank|{{userid}}" }, { user: "bank|alice" }],
    ["beyond ASCII", { claim: "sub" }, { access_token: jwt({ sub: "bøb 😀" }) }, { userid: "bøb 😀" }],
    ["in a member with a byte order mark before all", { member: "user" }, '\ufeff{"user":"alice"}'],
    ["where it is a template's text", { member: "user" }, { user: "{{userid}}" }, { userid: "{{userid}}" }],
  ])("%s", async (_, settings, answer, values) => {
    expect(await check(settings, answer, values)).toBe("right");
  });
});

describe("a subject is wrong", () => {
  it.each<[string, Partial<ExpectSubjectSettings>, object]>([
    ["normalised otherwise", { member: "user", equals: "\u00e9" }, { user: "e\u0301" }],
    ["with a space after it", { member: "user" }, { user: "alice " }],
    ["of another type", { member: "user", equals: "true" }, { user: true }],
    ["null", { member: "user", equals: "null" }, { user: null }],
    ["in a mapping", { member: "user" }, { user: { sub: "alice" } }],
    ["in what every object has", { member: "constructor", equals: "{{userid}}" }, {}],
    ["in a claim that every object has", { claim: "toString" }, { access_token: jwt({}) }],
    ["in an empty token", { claim: "sub" }, { access_token: "" }],
    ["in a token that is no JWT inside", { claim: "sub" }, { access_token: "a.b.c" }],
    ["in a JWT whose claims are a list", { claim: "0" }, { access_token: `e30.${btoa('["alice"]')}.` }],
    ["in an encrypted JWT", { claim: "sub" }, { access_token: "e30.e30.e30.e30.e30" }],
    ["in a token that is no text", { claim: "sub" }, { access_token: { sub: "alice" } }],
  ])("%s", async (_, settings, answer) => {
    expect(await check(settings, answer)).toMatchObject(WRONG);
  });

  it("and nothing of either is told", async () => {
    const error = (await check({ member: "user" }, { user: "mallory" })) as Error;
    expect(JSON.stringify([error.message, error])).not.toMatch(/mallory|alice/);
    expect(error.cause).toBeUndefined();
  });
});
