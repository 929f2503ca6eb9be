// What Keycloak's answers mean: it refuses an unfit user, and the rest is the operator's fault.

import type { Case } from "../cases.ts";
import { clientOf, userOf } from "./keycloak.ts";

/** Users that Keycloak refuses, each for another reason. */
export const UNFIT_USERS = [
  { ...userOf("disabled"), enabled: false },
  { ...userOf("incomplete"), requiredActions: ["UPDATE_PASSWORD"] },
  { ...userOf("unlinked"), federatedIdentities: [] },
];

/** Clients that are set up wrongly. */
export const UNFIT_CLIENTS = [
  clientOf("without-grant", { attributes: { "oauth2.jwt.authorization.grant.enabled": "false" } }),
  clientOf("without-idp", { attributes: { "oauth2.jwt.authorization.grant.idp": "" } }),
  clientOf("without-scope", { optionalClientScopes: [] }),
  { ...clientOf("disabled-client"), enabled: false },
];

const claims = (changes: object) => ({ jwt: { user: { claims: changes } } });

export const JWT_GRANT_CASES: readonly Case[] = [
  { name: "a user that is linked gets a token", expected: "token" },
  { name: "an unknown user is refused", userid: "nobody", expected: "refused" },
  { name: "a disabled user is refused", userid: "disabled", expected: "refused" },
  { name: "a user with something left to do is refused", userid: "incomplete", expected: "refused" },
  { name: "a user without a link is refused", userid: "unlinked", expected: "refused" },
  ...(
    [
      ["a wrong secret", { client_secret: { env: "WRONG_SECRET" } }],
      ["an unknown client", { client_id: "nobody" }],
      ["a disabled client", { client_id: "disabled-client" }],
      ["a client without the grant", { client_id: "without-grant" }],
      ["a client without our identity provider", { client_id: "without-idp" }],
      ["a scope that the client has not", { client_id: "without-scope" }],
      ["a scope that does not exist", { scope: "nonsense" }],
      ["a wrong audience", claims({ aud: "https://elsewhere.example" })],
      ["two audiences", claims({ aud: ["{{issuer}}", "{{token_endpoint}}"] })],
      ["a wrong issuer", claims({ iss: "https://elsewhere.example" })],
      ["no jti", claims({ jti: null })],
      ["no subject", claims({ sub: null })],
      ["a key that is not published", { jwt: { user: { header: { kid: "unknown" } } } }],
      ["an iat in the future", { jwt: { user: { backdate: "0s", claims: { iat: 4102444800 } } } }],
      ["an expired assertion", claims({ exp: 1, iat: 0 })],
      ["a grant that does not exist", { grant_type: "urn:bank.example:grant-type:nonsense", jwt: null }],
    ] as const
  ).map(([name, provider]): Case => ({ name, provider, expected: "provider_rejected_proxy" })),
  {
    name: "a wrong token endpoint",
    provider: { issuer: null, token_endpoint: "https://sso.bank.example/realms/retail/protocol/openid-connect/tokens" },
    expected: "provider_wrong_endpoint",
  },
  {
    name: "a realm that does not exist",
    provider: { issuer: null, token_endpoint: "https://sso.bank.example/realms/nowhere/protocol/openid-connect/token" },
    expected: "provider_wrong_endpoint",
  },
];

/** The answers of the other grants; each has a realm that its example's commands set up. */
export const GRANTS: readonly { example: string; cases: readonly Case[] }[] = [
  {
    example: "keycloak-jwt-grant.yaml",
    cases: [
      { name: "a linked user", expected: "token" },
      { name: "an unknown user", userid: "nobody", expected: "refused" },
    ],
  },
  {
    example: "keycloak-token-exchange-v1.yaml",
    cases: [
      { name: "a user", expected: "token" },
      // One text for an unknown user and for a missing permission, so the general rule decides.
      { name: "an unknown user", userid: "nobody", expected: "refused" },
      { name: "a disabled user", userid: "disabled", expected: "refused" },
      {
        name: "a wrong secret",
        provider: { client_secret: { env: "WRONG_SECRET" } },
        expected: "provider_rejected_proxy",
      },
      {
        name: "an unknown audience",
        provider: { params: { audience: "nowhere" } },
        expected: "provider_rejected_proxy",
      },
    ],
  },
  {
    example: "keycloak-token-exchange-v2.yaml",
    cases: [
      { name: "a user's token", expected: "token" },
      { name: "something that is no token", headers: { "X-User-Token": "no.token.at-all" }, expected: "refused" },
      {
        name: "an unknown audience",
        provider: { params: { audience: "nowhere" } },
        expected: "provider_rejected_proxy",
      },
      { name: "another user's token", userid: "bob", expected: "provider_wrong_subject" },
    ],
  },
  {
    example: "password-grant.yaml",
    cases: [
      { name: "a user", expected: "token" },
      { name: "an unknown user", userid: "nobody", expected: "refused" },
      { name: "a disabled user", userid: "disabled", expected: "refused" },
      {
        name: "a wrong secret",
        provider: { client_secret: { env: "WRONG_SECRET" } },
        expected: "provider_rejected_proxy",
      },
    ],
  },
];
