// Defaults that depend on other keys.

import { describe, expect, it } from "vitest";
import { configOf, withKeys, withProvider, withProviderKeys } from "./file.ts";

const CLIENT = ["client_id: x", "client_secret: { env: S }"];
const ISSUER = "issuer: https://idp.example";
const ENDPOINT = "token_endpoint: https://idp.example/token";
const GRANT = "grant_type: x";
const KEY_METHOD = "token_endpoint_auth_method: private_key_jwt";
const SIGNING = `signing:
  issuer: https://proxy.example
  keys: [{ kid: a, alg: ES256, private_key: { env: A } }]
`;
const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
const providerOf = (text: string) => configOf(text).providers.main;

describe("a binding", () => {
  const bindingOf = (text: string, ...more: string[]) => configOf(withKeys(`get_token: ${text}`, ...more)).get_token[0];

  it.each([
    ["{}", undefined, "trust", ["userid"]],
    ["{}", NEXTAUTH, "verify", ["nonce"]],
    ["{ session: trust }", NEXTAUTH, "trust", ["userid"]],
    ["{ session: verify }", NEXTAUTH, "verify", ["nonce"]],
  ])("%s with %s has session: %s and requires %s", (text, nextauth, session, required) => {
    const binding = bindingOf(text, nextauth ?? "");
    expect(binding?.session).toBe(session);
    const values = Object.entries(binding?.values ?? {});
    expect(values.filter(([, rule]) => rule.required).map(([name]) => name)).toEqual(required);
  });

  const USER = "userid: [body:/u], nonce: [header:X-nonce]";
  it.each([
    ["serverid", { type: "text", max_length: 256, required: false }],
    ["accountid", { type: "integer", max_length: 16, required: false }],
    ["device", { type: "text", max_length: 16_384, required: false }],
  ])("reads %s by its default rule, also in short form", (name, rule) => {
    for (const written of ["[body:/x]", "{ from: [body:/x] }"]) {
      const values = bindingOf(`{ values: { ${USER}, ${name}: ${written} } }`)?.values;
      expect(values?.[name]).toEqual({ from: [{ in: "body", name: "/x" }], ...rule });
    }
  });

  it("keeps the type, max_length, pattern and required that it sets", () => {
    const a = 'a: { from: [body:/d], type: integer, required: true, pattern: "^a(.+)$" }';
    const text = `${USER}, ${a}, b: { from: [body:/b], max_length: 64 }`;
    expect(bindingOf(`{ values: { ${text} } }`)?.values).toMatchObject({
      a: { type: "integer", required: true, pattern: /^a(.+)$/su },
      b: { type: "text", max_length: 64, required: false },
    });
  });
});

describe("a client assertion", () => {
  const assertion = (...lines: string[]) => providerOf(withProvider(...CLIENT, GRANT, ...lines))?.client_assertion;
  const JWT = "token_endpoint_auth_method: client_secret_jwt";

  it("has defaults, also if the key is empty", () => {
    expect(assertion(ENDPOINT)?.aud).toBe("{{token_endpoint}}");
    expect(assertion(ISSUER, JWT, "client_assertion: {}")).toEqual(assertion(ISSUER));
    const text = "client_assertion: { typ: null, ttl: 5m, backdate: 10s, alg: HS512, claims: { a: [1] } }";
    expect(assertion(ISSUER, JWT, text)).toEqual({
      ...{ aud: "{{issuer}}", typ: null, ttl: 300_000, backdate: 10_000, alg: "HS512", header: {}, claims: { a: [1] } },
    });
  });
});

describe("the JWTs of a provider", () => {
  const JWT_BEARER = "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer";
  const jwtsOf = (...lines: string[]) => providerOf(withProvider(...CLIENT, JWT_BEARER, ...lines) + SIGNING)?.jwt;

  it("are those that it sends, with their defaults", () => {
    const claims = { iss: "{{signing_issuer}}", sub: "{{userid}}", aud: "{{issuer}}" };
    expect(jwtsOf(ISSUER)).toEqual({ user: { ttl: 60_000, backdate: 0, header: { typ: "JWT" }, claims } });
    expect(jwtsOf(ENDPOINT)?.user?.claims.aud).toBe("{{token_endpoint}}");
    expect(jwtsOf(ISSUER, "params: { assertion: x }")).toEqual({});
  });
});

it("a single credential is a list of one", () => {
  const [one, several] = [(key: string) => key, (key: string) => `[${key}]`].map((written) => {
    const keys = written("{ kid: k, alg: ES256, private_key: { env: K } }");
    return providerOf(withProvider(ISSUER, "client_id: x", GRANT, KEY_METHOD, `client_key: ${keys}`));
  });
  expect(one?.client_key).toEqual([{ kid: "k", alg: "ES256", private_key: { env: "K" } }]);
  expect(several).toEqual(one);
});

it.each([
  ["access_token.sub", { member: "access_token", claim: "sub" }],
  ["user", { member: "user", claim: undefined }],
  ['{ member: a.b, claim: "https://b.example/c" }', { member: "a.b", claim: "https://b.example/c" }],
])("expect_subject: %s becomes member and claim, compared exactly with the userid", (written, expected) => {
  const defaults = { equals: "{{userid}}", compare: "exact" };
  expect(providerOf(withProviderKeys(`expect_subject: ${written}`))?.expect_subject).toEqual({
    ...expected,
    ...defaults,
  });
});
