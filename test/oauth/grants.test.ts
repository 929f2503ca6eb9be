// What each grant type sends, and what stands in a JWT, where the file does not say.

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

const JWT_TYPE = "urn:ietf:params:oauth:token-type:jwt";
const OWN_TYPE = "urn:example:token-type:own";

describe("the parameters that a grant type implies", () => {
  it.each<[string, string, Params, Params]>([
    ["the nonce as the code", "authorization_code", {}, { code: "{{nonce}}" }],
    ["an assertion about the user", JWT_BEARER, {}, { assertion: "{{jwt.user}}" }],
    [
      "a subject token about the user, with its type",
      TOKEN_EXCHANGE,
      {},
      { subject_token: "{{jwt.user}}", subject_token_type: JWT_TYPE },
    ],
    [
      "a subject token of the type that the file names",
      TOKEN_EXCHANGE,
      { subject_token_type: OWN_TYPE },
      { subject_token: "{{jwt.user}}", subject_token_type: OWN_TYPE },
    ],
    ["no subject token beside a requested_subject", TOKEN_EXCHANGE, { requested_subject: "{{userid}}" }, {}],
    ["nothing beside a subject_token of the file's own", TOKEN_EXCHANGE, { subject_token: "{{t}}" }, {}],
    ["nothing", "client_credentials", {}, {}],
    ["nothing", "password", {}, {}],
    ["nothing", "urn:example:own", {}, {}],
    ["nothing", "__proto__", {}, {}],
    ["nothing", "constructor", {}, {}],
  ])("are %s for %s with %j", (_, grantType, params, implied) => {
    const all = allParams({ grant_type: grantType, params });
    expect(all).toEqual({ ...implied, ...params });
  });
});

it("the file's parameters replace those of the grant type, in their place", () => {
  const settings = { grant_type: "authorization_code", params: { a: "1", code: "{{userid}}" }, scope: "x" };
  expect(Object.entries(allParams(settings))).toEqual([
    ["code", "{{userid}}"],
    ["a", "1"],
    ["scope", "x"],
  ]);
});

it.each<[string, Parameters<typeof templatesOf>[0], readonly string[]]>([
  ["a text", "{{a}}", ["{{a}}"]],
  ["a list", ["a", "{{b}}"], ["a", "{{b}}"]],
  ["a secret in the environment", { env: "A" }, []],
  ["a secret in a file", { file: "a" }, []],
])("the templates of %s are found", (_, param, templates) => {
  expect(templatesOf(param)).toEqual(templates);
});

describe("a JWT", () => {
  const IMPLIED = { iss: "{{signing_issuer}}", sub: "{{userid}}", aud: "{{issuer}}" };

  it("is about the user, from this proxy, for the provider", () => {
    expect(withDefaults({}, true)).toEqual({ ttl: 60_000, backdate: 0, header: { typ: "JWT" }, claims: IMPLIED });
  });

  it("is for the token endpoint of a provider without issuer", () => {
    expect(withDefaults({}, false).claims.aud).toBe("{{token_endpoint}}");
  });

  it("keeps what the file says, null included", () => {
    const jwt = {
      kid: "k",
      ttl: 1_000,
      backdate: 5_000,
      header: { typ: null, cty: "x" },
      claims: { sub: "u-{{userid}}", aud: null, act: { sub: "p" } },
    };
    expect(withDefaults(jwt, true)).toEqual({
      ...jwt,
      claims: { iss: "{{signing_issuer}}", sub: "u-{{userid}}", aud: null, act: { sub: "p" } },
    });
  });
});

describe("a token request may go out again on a doubtful connection", () => {
  it.each<[string, string, Params]>([
    ["client_credentials", "client_credentials", {}],
    ["a JWT of ours, made anew", JWT_BEARER, {}],
    ["another JWT of ours", JWT_BEARER, { assertion: "{{ jwt.other }}" }],
    ["a subject token of ours", TOKEN_EXCHANGE, {}],
    [
      "a subject token of ours that is named",
      TOKEN_EXCHANGE,
      { subject_token: "{{jwt.user}}", subject_token_type: "t" },
    ],
  ])("with %s", (_what, grantType, params) => {
    expect(isRepeatable({ grant_type: grantType, params })).toBe(true);
  });

  it.each<[string, string, Params]>([
    ["a code", "authorization_code", {}],
    ["a grant of the provider's own", "urn:bank.example:grant-type:nextauth", { userid: "{{userid}}" }],
    ["a relayed assertion", JWT_BEARER, { assertion: "{{user_token}}" }],
    ["a relayed subject token", TOKEN_EXCHANGE, { subject_token: "{{user_token}}" }],
    ["a nonce behind a JWT", JWT_BEARER, { assertion: "{{jwt.user}}{{nonce}}" }],
    ["several assertions", JWT_BEARER, { assertion: ["{{jwt.user}}"] }],
  ])("but not with %s", (_what, grantType, params) => {
    expect(isRepeatable({ grant_type: grantType, params })).toBe(false);
  });
});
