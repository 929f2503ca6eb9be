// Broken setups with mock-oauth2-server 6.0.2, UAA 4.30, glewlwyd 2.7 and Authlib 1.2.

import type { BrokenSetup } from "../broken-setups.ts";

const REJECTED = "provider_rejected_proxy";
const jwt = (claims: object) => ({ jwt: { user: { claims } } });

const MOCK: readonly BrokenSetup[] = [
  {
    base: "jwt grant",
    broken: "the grant type is misspelt",
    provider: { grant_type: "jwt-bearer", params: { assertion: "{{jwt.user}}" } },
    expect: REJECTED,
    says: "grant",
    setting: "grant_type",
  },
  {
    base: "jwt grant",
    broken: "the assertion is missing",
    provider: { params: { assertion: "" }, jwt: undefined },
    expect: REJECTED,
    says: "assertion",
    setting: "assertion",
  },
  {
    base: "jwt grant",
    broken: "the token endpoint is a path that does not exist",
    provider: ({ url }) => ({ discovery: "none", token_endpoint: `${url}/nothing/here` }),
    expect: "provider_wrong_endpoint",
    says: "status 40",
    setting: "token_endpoint",
  },
  {
    base: "jwt grant",
    broken: "the server mints for anybody",
    options: ["--probe"],
    expect: "token",
    says: /warning.*anybody/,
  },
  {
    base: "jwt grant",
    broken: "the issuer says localhost",
    provider: ({ issuer }) => ({
      issuer: issuer.replace("127.0.0.1", "localhost"),
      metadata_url: `${issuer}/.well-known/openid-configuration`,
    }),
    expect: "provider_error",
    says: "localhost",
    setting: "issuer",
  },
];

const UAA: readonly BrokenSetup[] = [
  {
    base: "jwt grant",
    broken: "the client secret is wrong",
    secrets: { CLIENT_SECRET: "not the secret" },
    expect: REJECTED,
    says: "401",
    setting: "client_secret",
  },
  {
    base: "jwt grant",
    broken: "the assertion is for another audience",
    provider: jwt({ aud: "https://other.example" }),
    expect: REJECTED,
    says: "invalid_token",
    setting: "jwt.user.claims.aud",
  },
  {
    base: "jwt grant",
    broken: "the assertion has an unknown issuer",
    provider: jwt({ iss: "https://other.example" }),
    expect: REJECTED,
    says: "unauthorized",
    setting: "signing.issuer",
  },
  {
    base: "jwt grant",
    broken: "the token endpoint is a path that does not exist",
    provider: ({ tokenEndpoint }) => ({ discovery: "none", token_endpoint: `${tokenEndpoint}s` }),
    expect: REJECTED,
    says: "CSRF",
    setting: "token_endpoint",
  },
  {
    base: "jwt grant",
    broken: "the secret is form-encoded, which UAA does not decode",
    provider: { token_endpoint_auth_method: "client_secret_basic" },
    expect: REJECTED,
    says: "401",
    setting: "client_secret_basic_raw",
  },
];

const GLEWLWYD: readonly BrokenSetup[] = [
  {
    base: "password",
    broken: "the password is wrong",
    secrets: { PASSWORD: "wrong password" },
    expect: REJECTED,
    says: "403",
  },
  {
    base: "password",
    broken: "the client secret is wrong",
    secrets: { CLIENT_SECRET: "not the secret" },
    expect: REJECTED,
    says: "status 40",
    setting: "client_secret",
  },
  {
    base: "password",
    broken: "the token endpoint is a path that does not exist",
    provider: ({ tokenEndpoint }) => ({ discovery: "none", token_endpoint: `${tokenEndpoint}s` }),
    expect: "provider_wrong_endpoint",
    says: "404",
    setting: "token_endpoint",
  },
];

const AUTHLIB: readonly BrokenSetup[] = [
  {
    base: "password",
    broken: "the client secret is wrong",
    secrets: { CLIENT_SECRET: "not the secret" },
    expect: REJECTED,
    says: "invalid_client",
    setting: "client_secret",
  },
  {
    base: "jwt grant",
    broken: "the grant type is misspelt",
    provider: { grant_type: "jwt-bearer", params: { assertion: "{{jwt.user}}" } },
    expect: REJECTED,
    says: "unsupported_grant_type",
    setting: "grant_type",
  },
  { base: "jwt grant", broken: "the user is unknown", userid: "nobody", expect: "refused", says: "invalid_grant" },
  {
    base: "jwt grant",
    broken: "the assertion is for another audience",
    provider: jwt({ aud: "https://other.example" }),
    expect: REJECTED,
    says: 'Invalid claim "aud"',
    setting: "jwt.user.claims.aud",
  },
  {
    base: "jwt grant",
    broken: "another key has the kid of the published one",
    secrets: { SIGNING_KEY: "another key" },
    options: ["--probe"],
    expect: "refused", // it gives no reason, so only the probe tells
    says: "the same refusal: the setup is wrong",
  },
  {
    base: "password",
    broken: "the client is registered for another authentication method",
    provider: { token_endpoint_auth_method: "client_secret_post" },
    expect: REJECTED,
    says: "invalid_client",
    setting: "token_endpoint_auth_method",
  },
];

export const OTHERS = { mock: MOCK, uaa: UAA, glewlwyd: GLEWLWYD, authlib: AUTHLIB };
