// Grant types have default parameters and say whether a request may be repeated.

import { describe, expect, it } from "vitest";
import {
  allParams,
  isRepeatable,
  JWT_BEARER,
  type Params,
  TOKEN_EXCHANGE,
  templatesOf,
  withDefaults,
} from "../../src/oauth/grants.ts";

const OTHER = "urn:bank.example:grant-type:nextauth";
const SUBJECT_TOKEN = { subject_token: "{{jwt.user}}" };
const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";

describe("default parameters", () => {
  it.each<[string, Params, Params]>([
    ["authorization_code", {}, { code: "{{nonce}}" }],
    [JWT_BEARER, {}, { assertion: "{{jwt.user}}" }],
    [TOKEN_EXCHANGE, {}, { ...SUBJECT_TOKEN, subject_token_type: JWT_TYPE }],
    [TOKEN_EXCHANGE, { subject_token_type: "t" }, { ...SUBJECT_TOKEN, subject_token_type: "t" }],
    [TOKEN_EXCHANGE, { requested_subject: "{{userid}}" }, {}],
    [TOKEN_EXCHANGE, { subject_token: "{{t}}" }, {}],
    ["client_credentials", {}, {}],
    [OTHER, {}, {}],
    ["constructor", {}, {}],
  ])("of %s with %j are %j", (grant_type, params, defaults) => {
    expect(allParams({ grant_type, params })).toEqual({ ...defaults, ...params });
  });

  it("come first, are replaced by those of the file, and the scope comes last", () => {
    const params = { a: "1", code: "{{userid}}" };
    const all = allParams({ grant_type: "authorization_code", params, scope: "x" });
    expect(Object.entries(all)).toEqual(Object.entries({ code: "{{userid}}", a: "1", scope: "x" }));
  });
});

it("a parameter has one template, several, those of its JSON, or none if it is a secret", () => {
  const params = ["{{a}}", ["a", "{{b}}"], { json: { c: ["{{d}}"] } }, { env: "A" }, { file: "a" }];
  expect(params.map(templatesOf)).toEqual([["{{a}}"], ["a", "{{b}}"], [{ c: ["{{d}}"] }], [], []]);
});

describe("the default JWT", () => {
  const CLAIMS = { iss: "{{signing_issuer}}", sub: "{{userid}}", aud: "{{issuer}}" };

  it("is about the user", () => {
    const times = { ttl: 60_000, backdate: 0 };
    const written = { ...times, header: {}, claims: {} };
    expect(withDefaults(written, "{{issuer}}")).toEqual({ ...times, header: { typ: "JWT" }, claims: CLAIMS });
  });

  it("keeps what the file says, also null", () => {
    const claims = { sub: "u-{{userid}}", aud: null, act: { sub: "p" } };
    const jwt = { kid: "k", ttl: 1_000, backdate: 5_000, header: { typ: null, cty: "x" }, claims };
    expect(withDefaults(jwt, "{{issuer}}")).toEqual({ ...jwt, claims: { ...CLAIMS, ...claims } });
  });
});

it.each<[boolean, string, Params]>([
  [true, "client_credentials", {}],
  [true, JWT_BEARER, {}],
  [true, JWT_BEARER, { assertion: "{{ jwt.other }}" }],
  [true, TOKEN_EXCHANGE, {}],
  [true, TOKEN_EXCHANGE, { ...SUBJECT_TOKEN, subject_token_type: "t" }],
  [false, "authorization_code", {}],
  [false, OTHER, { userid: "{{userid}}" }],
  [false, JWT_BEARER, { assertion: "{{user_token}}" }],
  [false, TOKEN_EXCHANGE, { subject_token: "{{user_token}}" }],
  [false, JWT_BEARER, { assertion: "{{jwt.user}}/{{nonce}}" }],
  [false, JWT_BEARER, { assertion: ["{{jwt.user}}"] }],
])("a request may be repeated after a stale connection: %s for %s with %j", (repeatable, grant_type, params) => {
  expect(isRepeatable({ grant_type, params })).toBe(repeatable);
});
