// What the examples send whose grant is a JWT that this proxy signs about the user (RFC 7523 §2.1).

import { basic, clientAssertion, type Expectation, userJwt } from "./expectation.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";

const okta = {
  issuer: "https://login.bank.example/oauth2/customers",
  token_endpoint: "https://login.bank.example/oauth2/customers/v1/token",
};
const oktaUserJwt = userJwt("RS256", okta.issuer);

export const ASSERTION_EXAMPLES: Readonly<Record<string, Expectation>> = {
  "keycloak-jwt-grant.yaml": {
    discovery: {
      url: "https://sso.bank.example/realms/retail/.well-known/openid-configuration",
      metadata: {
        issuer: "https://sso.bank.example/realms/retail",
        token_endpoint: "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
      },
    },
    tokenEndpoint: "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("ES256", "https://sso.bank.example/realms/retail", { backdate: 5 })],
      ["scope", "accounts"],
    ],
    ...basic("token-proxy"),
  },
  "okta-id-jag.yaml": {
    discovery: { url: `${okta.issuer}/.well-known/openid-configuration`, metadata: okta },
    tokenEndpoint: okta.token_endpoint,
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
    discovery: {
      url: "https://am.bank.example:443/am/oauth2/customers/.well-known/openid-configuration",
      metadata: {
        issuer: "https://am.bank.example:443/am/oauth2/customers",
        token_endpoint: "https://am.bank.example:443/am/oauth2/customers/access_token",
      },
    },
    tokenEndpoint: "https://am.bank.example:443/am/oauth2/customers/access_token",
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("ES256", "https://am.bank.example:443/am/oauth2/customers")],
      ["scope", "accounts"],
    ],
    ...basic("token-proxy"),
  },
  "pingfederate.yaml": {
    discovery: {
      url: "https://pf.bank.example/.well-known/openid-configuration",
      metadata: {
        issuer: "https://pf.bank.example",
        token_endpoint: "https://pf.bank.example/as/token.oauth2",
        mtls_endpoint_aliases: { token_endpoint: "https://pf.bank.example:9032/as/token.oauth2" },
      },
    },
    tokenEndpoint: "https://pf.bank.example:9032/as/token.oauth2",
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("ES256", "https://pf.bank.example")],
      ["scope", "accounts"],
      ["client_id", "token-proxy"],
    ],
    mechanism: "client certificate",
  },
  "curity.yaml": {
    discovery: {
      url: "https://id.bank.example/oauth/v2/oauth-anonymous/.well-known/openid-configuration",
      metadata: {
        issuer: "https://id.bank.example/oauth/v2/oauth-anonymous",
        token_endpoint: "https://id.bank.example/oauth/v2/oauth-token",
      },
    },
    tokenEndpoint: "https://id.bank.example/oauth/v2/oauth-token",
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("PS256", "https://id.bank.example/oauth/v2/oauth-anonymous")],
      ["scope", "accounts"],
    ],
    ...basic("token-proxy"),
  },
  "hydra.yaml": {
    discovery: {
      url: "https://hydra.bank.example/.well-known/openid-configuration",
      metadata: {
        issuer: "https://hydra.bank.example/",
        token_endpoint: "https://hydra.bank.example/oauth2/token",
      },
    },
    tokenEndpoint: "https://hydra.bank.example/oauth2/token",
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("ES256", "https://hydra.bank.example/oauth2/token")],
      ["scope", "accounts"],
    ],
    ...basic("token-proxy"),
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
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", userJwt("RS256", "https://is.bank.example/oauth2/token")],
      ["scope", "accounts"],
    ],
    ...basic("tokenProxy"),
  },
};
