// What the examples send whose grant is a JWT about the user, signed by this proxy (RFC 7523).

import { CLIENT_SECRET } from "../support/examples.ts";
import {
  accessTokenFor,
  basic,
  clientAssertion,
  discovered,
  type Expectation,
  type ExpectedJwt,
  userJwt,
} from "./expectation.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const accounts = (jwt: ExpectedJwt): Expectation["form"] => [
  ["grant_type", JWT_BEARER],
  ["assertion", jwt],
  ["scope", "accounts"],
];

const okta = {
  issuer: "https://login.bank.example/oauth2/customers",
  token_endpoint: "https://login.bank.example/oauth2/customers/v1/token",
};
const oktaUserJwt = userJwt("RS256", okta.issuer);

/** The client assertion that the first key of signing signs. */
const ownAssertion = (aud: string) =>
  clientAssertion(
    "token-proxy",
    userJwt("ES256", aud, {
      header: { alg: "ES256", kid: "2026-11", typ: "client-authentication+jwt" },
      claims: { iss: "token-proxy", sub: "token-proxy", aud },
    }),
  );

export const ASSERTION_EXAMPLES: Readonly<Record<string, Expectation>> = {
  "keycloak-jwt-grant.yaml": {
    ...discovered(
      "https://sso.bank.example/realms/retail",
      "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
    ),
    accessToken: accessTokenFor("alice", "preferred_username"),
    form: accounts(userJwt("ES256", "https://sso.bank.example/realms/retail", { backdate: 5 })),
    ...basic("token-proxy"),
  },
  "kubernetes-workload-identity.yaml": {
    ...discovered(
      "https://sso.bank.example/realms/retail",
      "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
    ),
    accessToken: accessTokenFor("alice", "preferred_username"),
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("ES256", "https://sso.bank.example/realms/retail", { backdate: 5 })],
      ...clientAssertion("token-proxy", {
        key: "platform",
        header: { alg: "RS256", kid: "platform" },
        claims: {
          iss: "https://kubernetes.bank.example",
          sub: "system:serviceaccount:bank:token-proxy",
          aud: ["https://sso.bank.example/realms/retail"],
        },
        backdate: 0,
        ttl: 3_600,
        jti: true,
      }),
    ],
    mechanism: "client_assertion",
  },
  "okta-id-jag.yaml": {
    ...discovered(okta.issuer, okta.token_endpoint),
    form: [
      ["grant_type", JWT_BEARER],
      [
        "assertion",
        {
          ...oktaUserJwt,
          header: { ...oktaUserJwt.header, typ: "oauth-id-jag+jwt" },
          claims: { ...oktaUserJwt.claims, client_id: "0oa1token2proxy3", scope: "accounts.read" },
        },
      ],
      ["scope", "accounts.read"],
      ...clientAssertion("0oa1token2proxy3", {
        ...oktaUserJwt,
        claims: { iss: "0oa1token2proxy3", sub: "0oa1token2proxy3", aud: okta.token_endpoint },
      }),
    ],
    mechanism: "client_assertion",
  },
  "pingam.yaml": {
    ...discovered(
      "https://am.bank.example:443/am/oauth2/customers",
      "https://am.bank.example:443/am/oauth2/customers/access_token",
    ),
    form: accounts(userJwt("ES256", "https://am.bank.example:443/am/oauth2/customers")),
    ...basic("token-proxy"),
  },
  "pingfederate.yaml": {
    ...discovered("https://pf.bank.example", "https://pf.bank.example/as/token.oauth2", {
      mtls_endpoint_aliases: { token_endpoint: "https://pf.bank.example:9032/as/token.oauth2" },
    }),
    tokenEndpoint: "https://pf.bank.example:9032/as/token.oauth2",
    form: [...accounts(userJwt("ES256", "https://pf.bank.example")), ["client_id", "token-proxy"]],
    mechanism: "client certificate",
  },
  "curity.yaml": {
    ...discovered("https://id.bank.example/oauth/v2/oauth-anonymous", "https://id.bank.example/oauth/v2/oauth-token"),
    form: accounts(userJwt("PS256", "https://id.bank.example/oauth/v2/oauth-anonymous")),
    ...basic("token-proxy"),
  },
  "hydra.yaml": {
    ...discovered("https://hydra.bank.example/", "https://hydra.bank.example/oauth2/token"),
    accessToken: accessTokenFor("alice"),
    form: accounts({
      ...userJwt("ES256", ""),
      claims: {
        iss: "https://tokens.bank.example",
        sub: "alice",
        aud: ["https://hydra.bank.example/oauth2/token", "https://api.bank.example"],
      },
    }),
    ...basic("token-proxy"),
  },
  "spring-authorization-server.yaml": {
    ...discovered("https://as.bank.example", "https://as.bank.example/oauth2/token"),
    accessToken: accessTokenFor("alice"),
    form: [...accounts(userJwt("ES256", "https://as.bank.example")), ...ownAssertion("https://as.bank.example")],
    mechanism: "client_assertion",
  },
  "uaa.yaml": {
    ...discovered("https://uaa.bank.example/oauth/token", "https://uaa.bank.example/oauth/token"),
    accessToken: accessTokenFor("alice", "user_name"),
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("RS256", "https://uaa.bank.example/oauth/token")],
      ["scope", "openid"],
    ],
    mechanism: "authorization header",
    basic: Buffer.from(`token-proxy:${CLIENT_SECRET}`).toString("latin1"),
  },
  "rfc7523.yaml": {
    ...discovered("https://as.bank.example", "https://as.bank.example/token"),
    form: [
      ...accounts(userJwt("ES256", "https://as.bank.example", { backdate: 5 })),
      ...ownAssertion("https://as.bank.example"),
    ],
    mechanism: "client_assertion",
  },
  "other.yaml": {
    ...discovered("https://as.bank.example", "https://as.bank.example/token"),
    form: accounts(userJwt("ES256", "https://as.bank.example")),
    ...basic("token-proxy"),
  },
  "mock-oauth2-server.yaml": {
    ...discovered("https://mock.bank.example/retail", "https://mock.bank.example/retail/token"),
    accessToken: accessTokenFor("alice"),
    form: accounts(userJwt("ES256", "https://mock.bank.example/retail")),
    ...basic("token-proxy"),
  },
  "authlib.yaml": {
    discovery: {
      url: "https://as.bank.example/.well-known/oauth-authorization-server",
      metadata: { issuer: "https://as.bank.example", token_endpoint: "https://as.bank.example/token" },
    },
    tokenEndpoint: "https://as.bank.example/token",
    accessToken: accessTokenFor("alice"),
    form: [...accounts(userJwt("ES256", "https://as.bank.example")), ["client_id", "token-proxy"]],
    mechanism: undefined,
  },
  "google.yaml": {
    tokenEndpoint: "https://oauth2.googleapis.com/token",
    form: [
      ["grant_type", JWT_BEARER],
      [
        "assertion",
        {
          key: "0123456789abcdef0123456789abcdef01234567",
          header: { alg: "RS256", kid: "0123456789abcdef0123456789abcdef01234567", typ: "JWT" },
          claims: {
            iss: "token-proxy@bank-project.iam.gserviceaccount.com",
            sub: "alice@bank.example",
            aud: "https://oauth2.googleapis.com/token",
            scope: "https://www.googleapis.com/auth/calendar.readonly",
          },
          backdate: 0,
          ttl: 60,
          jti: false,
        },
      ],
    ],
    mechanism: undefined,
  },
  "salesforce.yaml": {
    tokenEndpoint: "https://login.salesforce.com/services/oauth2/token",
    form: [
      ["grant_type", JWT_BEARER],
      [
        "assertion",
        {
          key: "salesforce",
          header: { alg: "RS256", typ: "JWT" },
          claims: {
            iss: "3MVG9consumer.key.of.the.connected.app",
            sub: "alice",
            aud: "https://login.salesforce.com",
          },
          backdate: 0,
          ttl: 60,
          jti: false,
        },
      ],
    ],
    mechanism: undefined,
  },
  "wso2.yaml": {
    tokenEndpoint: "https://is.bank.example/oauth2/token",
    form: accounts(userJwt("RS256", "https://is.bank.example/oauth2/token")),
    ...basic("tokenProxy"),
  },
};
