// What the examples send whose request contains tokens of other providers.

import { accessTokenFor, basic, discovered, type Expectation, userJwt } from "./expectation.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const TOKEN_TYPE = "urn:ietf:params:oauth:token-type:";

const home = { ...discovered("https://home.bank.example", "https://home.bank.example/token"), ...basic("token-proxy") };
const partner = {
  ...discovered("https://sso.partner.example", "https://sso.partner.example/token"),
  ...basic("token-proxy"),
};
const zitadel = discovered("https://zitadel.bank.example", "https://zitadel.bank.example/oauth/v2/token");
const ofUser = userJwt("ES256", "https://home.bank.example");

export const CHAINED_EXAMPLES: Readonly<Record<string, Expectation>> = {
  "identity-chaining.yaml": {
    earlier: [
      {
        ...home,
        form: [
          ["grant_type", TOKEN_EXCHANGE],
          ["subject_token", ofUser],
          ["subject_token_type", `${TOKEN_TYPE}jwt`],
          ["requested_token_type", `${TOKEN_TYPE}jwt`],
          ["audience", "https://sso.partner.example"],
        ],
        answer: { access_token: "the.jwt.grant", issued_token_type: `${TOKEN_TYPE}jwt`, token_type: "N_A" },
      },
    ],
    ...partner,
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", "the.jwt.grant"],
      ["scope", "accounts"],
    ],
  },
  "id-jag.yaml": {
    earlier: [
      {
        ...home,
        form: [
          ["grant_type", JWT_BEARER],
          ["assertion", ofUser],
          ["scope", "openid"],
        ],
        answer: { access_token: "not-this-one", id_token: "the.id.token", expires_in: 600 },
      },
      {
        ...home,
        form: [
          ["grant_type", TOKEN_EXCHANGE],
          ["subject_token", "the.id.token"],
          ["subject_token_type", `${TOKEN_TYPE}id_token`],
          ["requested_token_type", `${TOKEN_TYPE}id-jag`],
          ["audience", "https://sso.partner.example"],
          ["scope", "accounts"],
        ],
        answer: { access_token: "the.id.jag", issued_token_type: `${TOKEN_TYPE}id-jag`, token_type: "N_A" },
      },
    ],
    ...partner,
    form: [
      ["grant_type", JWT_BEARER],
      ["assertion", "the.id.jag"],
      ["scope", "accounts"],
    ],
  },
  "zitadel-actor-token.yaml": {
    earlier: [
      {
        ...zitadel,
        form: [
          ["grant_type", "client_credentials"],
          ["scope", "openid"],
        ],
        ...basic("impersonator"),
        answer: { access_token: "the-token-of-the-actor", expires_in: 43_199 },
      },
    ],
    ...zitadel,
    accessToken: accessTokenFor("alice"),
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["subject_token", "alice"],
      ["subject_token_type", "urn:zitadel:params:oauth:token-type:user_id"],
      ["actor_token", "the-token-of-the-actor"],
      ["actor_token_type", `${TOKEN_TYPE}access_token`],
      ["requested_token_type", `${TOKEN_TYPE}jwt`],
      ["scope", "openid"],
    ],
    ...basic("259254409320529922%40portal"),
  },
  "keycloak-external-exchange.yaml": {
    earlier: [
      {
        ...home,
        form: [
          ["grant_type", JWT_BEARER],
          ["assertion", ofUser],
          ["scope", "accounts"],
        ],
        answer: { access_token: "a.jwt.of-home", expires_in: 600 },
      },
    ],
    ...discovered(
      "https://sso.bank.example/realms/retail",
      "https://sso.bank.example/realms/retail/protocol/openid-connect/token",
    ),
    accessToken: accessTokenFor("alice", "preferred_username"),
    form: [
      ["grant_type", TOKEN_EXCHANGE],
      ["subject_token", "a.jwt.of-home"],
      ["subject_token_type", `${TOKEN_TYPE}jwt`],
      ["subject_issuer", "home"],
      ["requested_token_type", `${TOKEN_TYPE}access_token`],
    ],
    ...basic("token-proxy"),
  },
};
