// What the other examples send: an exchanged or relayed token, a user's name, or the nonce.

import { CALL, NONCE } from "../support/call.ts";
import { CLIENT_SECRET } from "../support/examples.ts";
import { accessTokenFor, basic, clientAssertion, discovered, type Expectation, post, userJwt } from "./expectation.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";

const ENTRA_ENDPOINT = "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/oauth2/v2.0/token";
const ENTRA_CLIENT = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
const auth0Jwt = userJwt("RS256", "https://login.bank.example/");

const keycloak = {
  ...discovered(
    "https://sso.bank.example/realms/retail",
    "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
  ),
  accessToken: accessTokenFor("alice", "preferred_username"),
};

export const OTHER_EXAMPLES: Readonly<Record<string, Expectation>> = {
  "keycloak-token-exchange-v2.yaml": {
    ...keycloak,
    callHeaders: { "X-User-Token": "the.users.token" },
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["subject_token", "the.users.token"],
      ["subject_token_type", "urn:ietf:params:oauth:token-type:access_token"],
    ],
    ...basic("token-proxy"),
  },
  "password-grant.yaml": {
    ...keycloak,
    form: [
      ["grant_type", "password"],
      ["username", "alice"],
      ["password", CLIENT_SECRET],
    ],
    ...basic("token-proxy"),
  },
  "glewlwyd.yaml": {
    ...discovered("https://sso.bank.example/api/oidc", "https://sso.bank.example/api/oidc/token"),
    form: [
      ["grant_type", "password"],
      ["username", "alice"],
      ["password", CLIENT_SECRET],
      ["scope", "accounts"],
    ],
    mechanism: "authorization header",
    basic: Buffer.from(`token-proxy:${CLIENT_SECRET}`).toString("latin1"),
  },
  "keycloak-token-exchange-v1.yaml": {
    ...keycloak,
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["requested_subject", "alice"],
      ["requested_token_type", "urn:ietf:params:oauth:token-type:access_token"],
      ["audience", "accounts-api"],
      ...post("token-proxy"),
    ],
    mechanism: "client_secret",
  },
  "entra-on-behalf-of.yaml": {
    tokenEndpoint: ENTRA_ENDPOINT,
    callHeaders: { "X-User-Token": "the.users.token" },
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", "the.users.token"],
      ["requested_token_use", "on_behalf_of"],
      ["scope", "https://graph.microsoft.com/User.Read"],
      ...clientAssertion(ENTRA_CLIENT, {
        key: "entra-2026-11",
        header: { alg: "PS256", kid: "entra-2026-11", typ: "JWT" },
        thumbprint: true,
        claims: { iss: ENTRA_CLIENT, sub: ENTRA_CLIENT, aud: ENTRA_ENDPOINT },
        backdate: 0,
        ttl: 60,
        jti: true,
      }),
    ],
    mechanism: "client_assertion",
  },
  "auth0.yaml": {
    ...discovered("https://login.bank.example/", "https://login.bank.example/oauth/token"),
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["subject_token", { ...auth0Jwt, claims: { ...auth0Jwt.claims, accountid: 7 } }],
      ["subject_token_type", "urn:bank.example:token-type:nextauth-user"],
      ["audience", "https://api.bank.example"],
      ["scope", "read:accounts"],
      ...post("tOkEnPrOxY"),
    ],
    mechanism: "client_secret",
  },
  "zitadel.yaml": {
    ...discovered("https://zitadel.bank.example", "https://zitadel.bank.example/oauth/v2/token"),
    accessToken: accessTokenFor("alice"),
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["subject_token", "alice"],
      ["subject_token_type", "urn:zitadel:params:oauth:token-type:user_id"],
      ["actor_token", CLIENT_SECRET],
      ["actor_token_type", "urn:ietf:params:oauth:token-type:access_token"],
      ["requested_token_type", "urn:ietf:params:oauth:token-type:jwt"],
      ["scope", "openid"],
    ],
    ...basic("259254409320529922%40portal"),
  },
  "oidc-provider.yaml": {
    ...discovered("https://op.bank.example", "https://op.bank.example/token"),
    form: [
      ["grant_type", "urn:bank.example:grant-type:nextauth"],
      ["userid", "alice"],
      ["accountid", "7"],
      ["resource", "https://api.bank.example"],
      ["resource", "https://cards.bank.example"],
      ["scope", "openid accounts"],
      ...clientAssertion(
        "token-proxy",
        userJwt("EdDSA", "https://op.bank.example", {
          header: { alg: "EdDSA", kid: "2026-11", typ: "client-authentication+jwt" },
          claims: { iss: "token-proxy", sub: "token-proxy", aud: "https://op.bank.example" },
        }),
      ),
    ],
    mechanism: "client_assertion",
    headers: { "x-serverid": CALL.serverid },
  },
  "egress-proxy.yaml": {
    ...discovered("https://sso.bank.example", "https://sso.bank.example/token"),
    accessToken: accessTokenFor("alice"),
    form: [
      ["grant_type", "client_credentials"],
      ["userid", "alice"],
      ["scope", "accounts"],
      ["client_id", "token-proxy"],
    ],
    mechanism: "client certificate",
  },
  "webnonce-as-code.yaml": {
    discovery: {
      url: "https://sso.bank.example/.well-known/oauth-authorization-server",
      metadata: { issuer: "https://sso.bank.example", token_endpoint: "https://sso.bank.example/oauth/token" },
    },
    tokenEndpoint: "https://sso.bank.example/oauth/token",
    accessToken: accessTokenFor("alice"),
    form: [
      ["grant_type", "authorization_code"],
      ["code", NONCE],
    ],
    ...basic("token-proxy"),
  },
};
