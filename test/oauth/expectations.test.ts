// What was granted: the subject is compared exactly, in the one place that the file names; the
// audience, scope and lifetime are what the file allows.

import { describe, expect, it } from "vitest";
import { compileExpectations, type Expectations } from "../../src/oauth/expectations.ts";
import { fakeClock, fakeLog, NOW, response, thrownBy, unsignedJwt } from "../support/fakes.ts";
import { setUp } from "./set-up-provider.ts";

type Subject = NonNullable<Expectations["expect_subject"]>;

/** A JWT whose claims are this text. */
const written = (claims: string) => `e30.${Buffer.from(claims).toString("base64url")}.`;

function check(settings: Partial<Subject>, answer: object | string, values: Record<string, unknown> = {}) {
  const whole = { member: "access_token", equals: "{{userid}}", compare: "exact" as const, ...settings };
  expectations({ expect_subject: whole }, answer, values);
}

function expectations(settings: Partial<Expectations>, answer: object | string, values: Record<string, unknown> = {}) {
  const body = new TextEncoder().encode(typeof answer === "string" ? answer : JSON.stringify(answer));
  const map = new Map(Object.entries({ userid: "alice", ...values })) as Map<string, string | number>;
  const whole = { answer: { format: "json" as const, require: ["access_token"] }, ...settings };
  const check = compileExpectations(whole, "main", { clock: fakeClock(), log: fakeLog().log })(map);
  check({}, body, true, () => "accounts payments");
}

describe("accepts", () => {
  it.each<[string, Partial<Subject>, object | string, Record<string, unknown>?]>([
    [
      "a number in a JWT",
      { claim: "account", equals: "{{accountid}}" },
      { access_token: unsignedJwt({ account: 7 }) },
      { accountid: 7 },
    ],
    ["a member with text around the userid", { member: "user", equals: "bank|{{userid}}" }, { user: "bank|alice" }],
    [
      "a subject beyond ASCII",
      { claim: "sub" },
      { access_token: unsignedJwt({ sub: "bøb 😀" }) },
      { userid: "bøb 😀" },
    ],
    ["an answer with a byte order mark", { member: "user" }, '\ufeff{"user":"alice"}'],
    ["a userid that looks like a template", { member: "user" }, { user: "{{userid}}" }, { userid: "{{userid}}" }],
    [
      "another case of A to Z, if the file says so",
      { claim: "sub", compare: "ascii_case_insensitive" },
      { access_token: unsignedJwt({ sub: "alice.k@bank.example" }) },
      { userid: "Alice.K@Bank.Example" },
    ],
  ])("%s", (_, settings, answer, values) => {
    check(settings, answer, values);
  });
});

describe("refuses", () => {
  it.each<[string, Partial<Subject>, object]>([
    ["another Unicode normalisation", { member: "user", equals: "\u00e9" }, { user: "e\u0301" }],
    ["a space after the userid", { member: "user" }, { user: "alice " }],
    ["a truth value", { member: "user", equals: "true" }, { user: true }],
    ["null", { member: "user", equals: "null" }, { user: null }],
    ["an object", { member: "user" }, { user: { sub: "alice" } }],
    ["an inherited member", { member: "constructor" }, {}],
    ["an inherited claim", { claim: "toString" }, { access_token: unsignedJwt({}) }],
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
    `{"access_token":"${unsignedJwt({ sub: "alice" })}","access_token":"${unsignedJwt({ sub: "alice" })}"}`,
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
    expect_subject: { member: "user", equals: "{{serverid}}|{{userid}}", compare: "exact" },
  });
  values.set("serverid", "s").set("userid", "x|alice");
  expect(await thrownBy(request)).toMatchObject({ code: "call_invalid" });
  expect(upstream.requests).toHaveLength(0);
});

const AT = NOW / 1_000;

describe("what was granted", () => {
  it.each<[string, Partial<Expectations>, object | string]>([
    ["its only audience", { expect_audience: "api" }, { access_token: unsignedJwt({ aud: "api" }) }],
    ["one of its audiences", { expect_audience: "api" }, { access_token: unsignedJwt({ aud: ["a", "api"] }) }],
    ["all words of the scope, in any order", { expect_scope: "b a" }, { scope: "a c  b" }],
    ["no scope, because it is then the requested one", { expect_scope: "payments" }, { access_token: "t" }],
    ["exactly the longest lifetime", { expect_max_lifetime: 60_000 }, { expires_in: 60 }],
    ["a lifetime as text", { expect_max_lifetime: 60_000 }, { expires_in: "60" }],
    [
      "a JWT's lifetime by the provider's clock",
      { expect_max_lifetime: 60_000 },
      { access_token: unsignedJwt({ iat: AT + 50, exp: AT + 110 }) },
    ],
    [
      "a JWT's lifetime by our clock, if it has no iat",
      { expect_max_lifetime: 60_000 },
      { access_token: unsignedJwt({ exp: AT + 60 }) },
    ],
    [
      "the token of answer.require",
      { expect_audience: "api", answer: { format: "json", require: ["id_token"] } },
      { id_token: unsignedJwt({ aud: "api" }) },
    ],
  ])("may be %s", (_, settings, answer) => {
    expectations(settings, answer);
  });

  const OTHER_AUDIENCE = 'a token of another audience than "providers.main.expect_audience" expects';
  const LESS_SCOPE = 'a token of less scope than "providers.main.expect_scope" expects';
  const TOO_LONG = 'a token of a longer or unknown lifetime than "providers.main.expect_max_lifetime" expects';
  const max = { expect_max_lifetime: 60_000 };
  it.each<[string, Partial<Expectations>, object | string, string, string]>([
    [
      "another audience",
      { expect_audience: "api" },
      { access_token: unsignedJwt({ aud: "apis" }) },
      "audience",
      OTHER_AUDIENCE,
    ],
    ["no audience", { expect_audience: "api" }, { access_token: unsignedJwt({}) }, "audience", OTHER_AUDIENCE],
    [
      "an audience below another",
      { expect_audience: "api" },
      { access_token: unsignedJwt({ aud: [["api"]] }) },
      "audience",
      "",
    ],
    ["no token", { expect_audience: "api" }, { other: unsignedJwt({ aud: "api" }) }, "audience", OTHER_AUDIENCE],
    [
      ...(["two audiences of one name", { expect_audience: "api" }] as const),
      ...([{ access_token: written('{"aud":"api","aud":"b"}') }, "audience", 'sent "aud" twice'] as const),
    ],
    ["an opaque token", { expect_audience: "api" }, { access_token: "t" }, "audience", "an opaque token"],
    ["less scope", { expect_scope: "a b" }, { scope: "a" }, "scope", LESS_SCOPE],
    ["another scope than requested", { expect_scope: "admin" }, { access_token: "t" }, "scope", LESS_SCOPE],
    ["part of a word", { expect_scope: "pay" }, { scope: "payments" }, "scope", LESS_SCOPE],
    ["a scope that is no text", { expect_scope: "a" }, { scope: ["a"] }, "scope", LESS_SCOPE],
    ["a scope of null", { expect_scope: "payments" }, { scope: null }, "scope", LESS_SCOPE],
    ["two scopes", { expect_scope: "a" }, '{"scope":"a","scope":"b"}', "scope", 'sent "scope" twice'],
    ["a longer lifetime", max, { expires_in: 61 }, "lifetime", TOO_LONG],
    [
      "a shorter expires_in than the JWT's",
      max,
      { expires_in: 1, access_token: unsignedJwt({ exp: AT + 61 }) },
      "lifetime",
      "",
    ],
    [
      "a JWT that lives longer",
      max,
      { access_token: unsignedJwt({ iat: AT - 1, exp: AT + 60 }) },
      "lifetime",
      TOO_LONG,
    ],
    ["no lifetime", max, { access_token: "t" }, "lifetime", TOO_LONG],
    ["a lifetime that is no number", max, { expires_in: "long" }, "lifetime", TOO_LONG],
    ["an empty lifetime", max, { expires_in: "" }, "lifetime", TOO_LONG],
    ["a lifetime of null", max, { expires_in: null }, "lifetime", TOO_LONG],
    ["a lifetime of 0, which may mean for ever", max, { expires_in: 0 }, "lifetime", TOO_LONG],
    ["a negative lifetime", max, { expires_in: "-1" }, "lifetime", TOO_LONG],
    ["a JWT whose exp is 0", max, { expires_in: 60, access_token: unsignedJwt({ exp: 0 }) }, "lifetime", TOO_LONG],
  ])("must not be %s", async (_, settings, answer, what, message) => {
    expect(await thrownBy(() => expectations(settings, answer))).toMatchObject({
      code: `provider_wrong_${what}`,
      message: expect.stringContaining(message),
      cause: undefined,
      detail: undefined,
    });
  });
});

describe("forbid_members", () => {
  const FORBIDDEN = {
    code: "provider_forbidden_member",
    message:
      'the provider "providers.main" sent "refresh_token", which "providers.main.forbid_members" forbids; switch it off for this client at the provider',
  };
  it.each<[string, number, string]>([
    ["a token", 200, '{"access_token":"t","refresh_token":"r"}'],
    ["a token, with an escaped name", 200, '{"access_token":"t","refresh\\u005ftoken":"r"}'],
    ["a token, with null", 200, '{"access_token":"t","refresh_token":null}'],
    ["a refusal", 400, '{"error":"invalid_grant","refresh_token":"r"}'],
    ["an error in a 200", 200, '{"error":"access_denied","access_token":"t","refresh_token":"r"}'],
  ])("refuses %s with such a member", async (_, status, body) => {
    const { upstream, request } = setUp({ forbid_members: ["refresh_token"] });
    upstream.answer = () => response(status, body);
    expect(await thrownBy(request)).toMatchObject(FORBIDDEN);
  });

  it("looks at the answer itself, and at what it has", async () => {
    const { upstream, request } = setUp({ forbid_members: ["refresh_token", "constructor"] });
    upstream.answer = () => response(200, { access_token: "t", more: { refresh_token: "r" } });
    expect(await request()).toMatchObject({ outcome: "token" });
  });
});

describe("less scope than requested", () => {
  const event = (fields: object) => ({
    level: "warn",
    event: "provider granted less scope than requested",
    fields: { provider: "main", cure: "allow it for this client at the provider, or request less", ...fields },
  });

  it("is a warning, at most once a minute, and the token is relayed", async () => {
    const { upstream, clock, lines, request } = setUp({ scope: "accounts payments" });
    upstream.answer = () => response(200, { access_token: "t", scope: "other accounts" });
    for (const ms of [0, 59_999, 1]) {
      clock.advance(ms);
      expect(await request()).toMatchObject({ outcome: "token" });
    }
    expect(lines).toEqual([event({ missing: "payments" }), event({ missing: "payments" })]);
  });

  it.each<[string, object]>([
    ["all of it", { scope: "payments accounts and more" }],
    ["nothing said about it", {}],
    ["a scope that is no text", { scope: ["accounts"] }],
  ])("is not %s", async (_, members) => {
    const { upstream, lines, request } = setUp({ scope: "accounts payments" });
    upstream.answer = () => response(200, { access_token: "t", ...members });
    await request();
    expect(lines).toEqual([]);
  });

  it("is not looked for in words with values of the call, which the log must not show", async () => {
    const { upstream, lines, request } = setUp({ scope: "accounts user:{{ userid }}:read" });
    upstream.answer = () => response(200, { access_token: "t", scope: "user:bob:read" });
    await request();
    expect(lines).toEqual([event({ missing: "accounts" })]);
  });
});
