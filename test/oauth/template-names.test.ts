// Which names a request needs, of the call and of its own JWTs, and what each of them stands for.

import { describe, expect, it } from "vitest";
import { callNamesNeeded, jwtsNeeded } from "../../src/oauth/template-names.ts";

type TemplatedSettings = Parameters<typeof callNamesNeeded>[0];

function settings(changes: Partial<TemplatedSettings>): TemplatedSettings {
  const client_assertion = { aud: "{{issuer}}", header: {}, claims: {} };
  return { grant_type: "urn:example:user", params: {}, headers: {}, jwt: {}, client_assertion, ...changes };
}

const jwt = (claims: Record<string, string>, header = {}) => ({ header, claims, ttl: 1, backdate: 0 });

describe("the JWTs of a request", () => {
  const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
  it.each<[string, Partial<TemplatedSettings>, string[]]>([
    ["none", { params: { a: "{{userid}}" } }, []],
    ["that which the grant type implies", { grant_type: JWT_BEARER }, ["user"]],
    ["not that where the file has its own", { grant_type: JWT_BEARER, params: { assertion: "{{t}}" } }, []],
    ["each once", { params: { a: "{{jwt.a}}", b: "{{jwt.b}}.{{jwt.a}}" }, headers: { c: "{{jwt.b}}" } }, ["a", "b"]],
  ])("are %s", (_, changes, names) => {
    expect(jwtsNeeded(settings(changes))).toEqual(names);
  });
});

describe("the names that a request needs of the call", () => {
  it.each<[string, Partial<TemplatedSettings>, string[]]>([
    [
      "none of its own names",
      { params: { a: "{{client_id}}{{issuer}}{{token_endpoint}}{{signing_issuer}}{{signing.kid}}{{now}}{{uuid}}" } },
      [],
    ],
    [
      "those of parameters and headers",
      { params: { a: "{{userid}}" }, headers: { b: "{{nonce}}" } },
      ["userid", "nonce"],
    ],
    [
      "those in the JWTs that it sends",
      {
        params: { a: "{{jwt.a}}" },
        jwt: { a: jwt({ sub: "{{userid}}", nbf: "{{iat}}", e: "{{exp}}" }, { h: "{{nonce}}" }) },
      },
      ["nonce", "userid"],
    ],
    [
      "each once, those of lists and the scope among them",
      { params: { a: ["{{b}}", "{{c}}{{b}}"] }, scope: "{{c}}{{d}}" },
      ["b", "c", "d"],
    ],
    ["those that the grant type implies", { grant_type: "authorization_code" }, ["nonce"]],
    ["none of a secret", { params: { a: { env: "A" } }, headers: { b: { file: "b" } } }, []],
    ["none of a JWT that it does not send", { jwt: { a: jwt({ sub: "{{userid}}" }) } }, []],
    ["that of the expected subject", { expect_subject: { equals: "u-{{userid}}" } }, ["userid"]],
    [
      "those of the client's assertion",
      { client_assertion: { aud: "{{issuer}}/{{tenant}}", header: { a: "{{b}}" }, claims: { c: ["{{d}}"] } } },
      ["tenant", "b", "d"],
    ],
  ])("are %s", (_, changes, names) => {
    expect(callNamesNeeded(settings(changes))).toEqual(names);
  });
});
