// A call must supply the names in the templates, except those that the provider supplies.

import { expect, it } from "vitest";
import { callNamesNeeded, jwtsNeeded } from "../../src/oauth/template-names.ts";

type Settings = Parameters<typeof callNamesNeeded>[0];

const TIMES = { ttl: 60_000, backdate: 0 };

function settings(changes: Partial<Settings>): Settings {
  const client_assertion = { ...TIMES, typ: null, aud: "{{issuer}}", header: {}, claims: {} };
  return { grant_type: "urn:example:user", params: {}, headers: {}, jwt: {}, client_assertion, ...changes };
}

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const OWN = "{{client_id}} {{issuer}} {{token_endpoint}} {{signing_issuer}} {{signing.kid}} {{now}} {{uuid}}";
const JWT = { ...TIMES, header: { h: "{{nonce}}" }, claims: { sub: "{{userid}}", nbf: "{{iat}}", e: "{{exp}}" } };
const ASSERTION = {
  ...TIMES,
  typ: null,
  aud: "{{issuer}}/{{tenant}}",
  header: { a: "{{b}}" },
  claims: { c: ["{{d}}"] },
};

it.each<[string, Partial<Settings>, string[]]>([
  ["without jwt names", { params: { a: "{{userid}}" } }, []],
  ["that the grant implies", { grant_type: JWT_BEARER }, ["user"]],
  ["if the file replaces what the grant implies", { grant_type: JWT_BEARER, params: { assertion: "{{t}}" } }, []],
  ["once each", { params: { a: "{{jwt.a}}", b: "{{jwt.b}}.{{jwt.a}}" }, headers: { c: "{{jwt.b}}" } }, ["a", "b"]],
])("finds the JWTs of a request %s", (_, changes, names) => {
  expect(jwtsNeeded(settings(changes))).toEqual(names);
});

it.each<[string, Partial<Settings>, string[]]>([
  ["the provider's own", { params: { a: OWN } }, []],
  ["parameters and headers", { params: { a: "{{userid}}" }, headers: { b: "{{nonce}}" } }, ["userid", "nonce"]],
  [
    "lists and the scope, once each",
    { params: { a: ["{{b}}", "{{c}} {{b}}"] }, scope: "{{c}} {{d}}" },
    ["b", "c", "d"],
  ],
  ["JSON", { params: { a: { json: [{ b: "{{b}}" }, "{{c}} {{b}}"] } } }, ["b", "c"]],
  ["what the grant implies", { grant_type: "authorization_code" }, ["nonce"]],
  ["a JWT that is sent", { params: { a: "{{jwt.a}}" }, jwt: { a: JWT } }, ["nonce", "userid"]],
  ["a JWT that is not sent", { jwt: { a: JWT } }, []],
  ["secrets", { params: { a: { env: "A" } }, headers: { b: { file: "b" } } }, []],
  ["expect_subject", { expect_subject: { member: "user", equals: "u-{{userid}}", compare: "exact" } }, ["userid"]],
  ["the client assertion", { client_assertion: ASSERTION }, ["tenant", "b", "d"]],
])("finds the names that a call must supply: %s", (_, changes, names) => {
  expect(callNamesNeeded(settings(changes))).toEqual(names);
});
