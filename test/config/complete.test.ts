// Defaults that depend on other keys.

import { describe, expect, it } from "vitest";
import { configOf, replacing, withKeys, withProvider } from "./file.ts";

const CLIENT = ["client_id: x", "client_secret: { env: S }"];
const ISSUER = "issuer: https://idp.example";
const ENDPOINT = "token_endpoint: https://idp.example/token";
const SIGNING = `signing:
  issuer: https://proxy.example
  keys:
    - { kid: a, alg: ES256, private_key: { env: A } }
    - { kid: b, alg: PS256, private_key: { file: b }, certificate: { file: c }, use: verify }
`;
const providerOf = (text: string) => configOf(text).providers.main;

describe("connect_timeout", () => {
  it.each([
    [5_000, 1_000],
    [1_000, 1_000],
    [500, 500],
  ])("with a timeout of %i ms is %i ms", (timeout, expected) => {
    expect(providerOf(withProvider(ISSUER, ...CLIENT, "grant_type: x", `timeout: ${timeout}ms`))?.connect_timeout).toBe(
      expected,
    );
  });
});

describe("a client assertion", () => {
  const assertion = (...lines: string[]) =>
    providerOf(withProvider(...CLIENT, "grant_type: x", ...lines))?.client_assertion;
  const JWT = "token_endpoint_auth_method: client_secret_jwt";

  it("has the token endpoint as audience if the provider has no issuer", () => {
    expect(assertion(ENDPOINT)?.aud).toBe("{{token_endpoint}}");
  });

  it("has defaults", () => {
    expect(assertion(ISSUER, JWT, "client_assertion: {}")).toEqual(assertion(ISSUER));
    expect(
      assertion(ISSUER, JWT, "client_assertion: { typ: null, ttl: 5m, backdate: 10s, alg: HS512, claims: { a: [1] } }"),
    ).toEqual({
      aud: "{{issuer}}",
      typ: null,
      ttl: 300_000,
      backdate: 10_000,
      alg: "HS512",
      header: {},
      claims: { a: [1] },
    });
  });

  it("distinguishes the algorithms of keys and secrets", () => {
    const text = withProvider(
      ISSUER,
      "client_id: x",
      "grant_type: x",
      "token_endpoint_auth_method: private_key_jwt",
      "client_assertion: { alg: ES256 }",
    );
    const provider = providerOf(text + SIGNING);
    expect([provider?.client_key_alg, provider?.client_assertion.alg]).toEqual(["ES256", undefined]);
  });
});

describe("the JWTs of a provider", () => {
  const JWT_BEARER = "grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer";
  const jwtsOf = (...lines: string[]) => providerOf(withProvider(...CLIENT, ...lines) + SIGNING)?.jwt;

  it("are those that it sends, with their defaults", () => {
    expect(jwtsOf(ISSUER, JWT_BEARER)).toEqual({
      user: {
        ttl: 60_000,
        backdate: 0,
        header: { typ: "JWT" },
        claims: { iss: "{{signing_issuer}}", sub: "{{userid}}", aud: "{{issuer}}" },
      },
    });
    expect(jwtsOf(ENDPOINT, JWT_BEARER)?.user?.claims.aud).toBe("{{token_endpoint}}");
  });

  it("are left out if it does not send them", () => {
    expect(jwtsOf(ISSUER, JWT_BEARER, "params: { assertion: x }")).toEqual({});
  });
});

it("a single credential is a list of one", () => {
  const key = "{ kid: k, alg: ES256, private_key: { env: K } }";
  const [one, several] = [key, `[${key}]`].map((keys) =>
    providerOf(
      withProvider(
        ISSUER,
        "client_id: x",
        "grant_type: x",
        "token_endpoint_auth_method: private_key_jwt",
        `client_key: ${keys}`,
      ),
    ),
  );
  expect(one?.client_key).toEqual([{ kid: "k", alg: "ES256", private_key: { env: "K" } }]);
  expect(several).toEqual(one);
});

it("a key under signing signs by default", () => {
  expect(configOf(withKeys(SIGNING.trimEnd())).signing).toEqual({
    issuer: "https://proxy.example",
    keys: [
      { kid: "a", alg: "ES256", private_key: { env: "A" }, use: "sign" },
      { kid: "b", alg: "PS256", private_key: { file: "b" }, certificate: { file: "c" }, use: "verify" },
    ],
  });
});

it.each([
  ["access_token.sub", { member: "access_token", claim: "sub", equals: "{{userid}}" }],
  ["user", { member: "user", claim: undefined, equals: "{{userid}}" }],
  [
    '{ member: a.b, claim: "https://bank.example/c" }',
    { member: "a.b", claim: "https://bank.example/c", equals: "{{userid}}" },
  ],
])("expect_subject: %s becomes member and claim", (written, expected) => {
  expect(providerOf(replacing("grant_type", `expect_subject: ${written}\n    grant_type`))?.expect_subject).toEqual(
    expected,
  );
});
