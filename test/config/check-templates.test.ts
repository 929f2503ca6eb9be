// Templates and the JWTs of a provider: every name and key must exist.

import { describe, expect, it } from "vitest";
import { faultsOf, withProvider } from "./file.ts";

const CLIENT = ["issuer: https://idp.example", "client_id: x", "client_secret: { env: S }"];
const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange";
const SIGNING = `signing:
  issuer: https://proxy.example
  keys:
    - { kid: a, alg: ES256, private_key: { env: A } }
    - { kid: b, alg: PS256, private_key: { env: B }, use: verify }
`;
const SIGNING_WITHOUT_ISSUER = SIGNING.replace("  issuer: https://proxy.example\n", "");

/** A provider with this grant type, and further keys from line 11. */
const provider = (grantType: string, ...lines: string[]) =>
  withProvider(...CLIENT, `grant_type: ${grantType}`, ...lines);
const located = (faults: string[]) => faults.map((fault) => `f.yaml:${fault}`);

describe("a JWT", () => {
  it.each<[string, string, string[]]>([
    [
      "that the grant type sends, without signing",
      provider(JWT_BEARER),
      [
        '7:5 "providers.main.jwt.user.claims.iss" uses {{signing_issuer}}, but signing.issuer is not set',
        '10:17 "providers.main.grant_type" needs "signing", because the request contains a JWT signed by this proxy',
      ],
    ],
    [
      "that a parameter sends, without signing",
      provider("x", 'params: { a: "{{jwt.user}}" }', "jwt: { user: { claims: { iss: me } } }"),
      ['10:17 "providers.main.grant_type" needs "signing", because the request contains a JWT signed by this proxy'],
    ],
    [
      "that is used nowhere",
      provider(JWT_BEARER, "jwt: { actor: {} }") + SIGNING,
      ['11:12 "providers.main.jwt.actor" is not used; write {{jwt.actor}} in params or headers, or remove it'],
    ],
    [
      "that the file's own assertion replaces",
      provider(JWT_BEARER, "params: { assertion: x }", "jwt: { user: {} }") + SIGNING,
      ['12:12 "providers.main.jwt.user" is not used; write {{jwt.user}} in params or headers, or remove it'],
    ],
    [
      "signed by a key that is not there",
      provider(JWT_BEARER, "jwt: { user: { kid: c } }") + SIGNING,
      ['11:25 "providers.main.jwt.user.kid" is not the kid of a key that signs under signing.keys'],
    ],
    [
      "signed by a key that only verifies",
      provider(JWT_BEARER, "jwt: { user: { kid: b } }") + SIGNING,
      ['11:25 "providers.main.jwt.user.kid" is not the kid of a key that signs under signing.keys'],
    ],
    [
      "by another name",
      provider("x", 'params: { a: "{{jwt.acto}}" , b: "{{jwt.actor}}" }', "jwt: { actor: {} }") + SIGNING,
      ['11:18 "providers.main.params.a" uses {{jwt.acto}}, which is not under "jwt"; did you mean "jwt.actor"?'],
    ],
    [
      "in a header, like no other",
      provider("x", 'headers: { X-A: "{{jwt.something_else}}" }') + SIGNING,
      ['11:21 "providers.main.headers.X-A" uses {{jwt.something_else}}, which is not under "jwt"; add it there'],
    ],
    [
      "in another JWT",
      provider(JWT_BEARER, 'jwt: { user: { claims: { a: ["{{jwt.user}}"] } } }') + SIGNING,
      ['11:33 "providers.main.jwt.user.claims.a" uses {{jwt.user}}, but a JWT can be used only in params and headers'],
    ],
  ])("is reported as wrong: %s", (_, text, faults) => {
    expect(faultsOf(text)).toEqual(located(faults));
  });

  it.each([
    ["where the grant type sends it", provider(JWT_BEARER) + SIGNING],
    ["where token exchange sends it", provider(TOKEN_EXCHANGE) + SIGNING],
    ["not, where the file has its own assertion", provider(JWT_BEARER, 'params: { assertion: "{{userid}}" }')],
    ["not, where a user is named instead", provider(TOKEN_EXCHANGE, 'params: { requested_subject: "{{userid}}" }')],
    ["with a key that it names", provider(JWT_BEARER, "jwt: { user: { kid: a } }") + SIGNING],
    [
      "with its times in its claims",
      provider(JWT_BEARER, 'jwt: { user: { claims: { nbf: "{{iat}}", x: "{{exp}}" } } }') + SIGNING,
    ],
    [
      "without an issuer that is published",
      provider(JWT_BEARER, "jwt: { user: { claims: { iss: me } } }") + SIGNING_WITHOUT_ISSUER,
    ],
  ])("is signed %s", (_, text) => {
    expect(faultsOf(text)).toEqual([]);
  });
});

describe("a name without a value", () => {
  it.each<[string, string, string[]]>([
    [
      "the issuer that is not published",
      provider(JWT_BEARER) + SIGNING_WITHOUT_ISSUER,
      ['7:5 "providers.main.jwt.user.claims.iss" uses {{signing_issuer}}, but signing.issuer is not set'],
    ],
    [
      "the issuer that is not published, of a JWT of the file's own",
      provider(JWT_BEARER, "jwt: { user: { claims: { a: b } } }") + SIGNING_WITHOUT_ISSUER,
      ['11:28 "providers.main.jwt.user.claims.iss" uses {{signing_issuer}}, but signing.issuer is not set'],
    ],
    [
      "the kid without signing",
      provider("x", 'scope: "{{signing.kid}}"'),
      ['11:12 "providers.main.scope" uses {{signing.kid}}, but signing is not set'],
    ],
    [
      "the times of a JWT outside of one",
      provider("x", 'params: { a: "{{iat}}", b: "{{exp}}" }'),
      [
        '11:18 "providers.main.params.a" uses {{iat}}, which no call provides; add it to "get_token.values"',
        '11:32 "providers.main.params.b" uses {{exp}}, which no call provides; add it to "get_token.values"',
      ],
    ],
    [
      "a claim's",
      provider(JWT_BEARER, 'jwt: { user: { claims: { a: { b: "{{usrid}}" } } } }') + SIGNING,
      ['11:33 "providers.main.jwt.user.claims.a" uses {{usrid}}, which no call provides; did you mean "userid"?'],
    ],
    [
      "a header member's",
      provider(JWT_BEARER, 'jwt: { user: { header: { a: "{{usrid}}" } } }') + SIGNING,
      ['11:33 "providers.main.jwt.user.header.a" uses {{usrid}}, which no call provides; did you mean "userid"?'],
    ],
    [
      "an expected subject's",
      provider("x", 'expect_subject: { member: user, equals: "{{usrid}}" }'),
      ['11:21 "providers.main.expect_subject" uses {{usrid}}, which no call provides; did you mean "userid"?'],
    ],
    ...(["aud", "header: { a", "claims: { a"] as const).map((part): [string, string, string[]] => [
      `an assertion's ${part.split(":")[0]}`,
      provider(
        "x",
        "token_endpoint_auth_method: client_secret_jwt",
        `client_assertion: { ${part}: "{{usrid}}" ${part.includes("{") ? "} " : ""}}`,
      ),
      [
        `12:${part === "aud" ? 30 : 38} "providers.main.client_assertion.${part.replace(": { ", ".")}" uses {{usrid}}, which no call provides; did you mean "userid"?`,
      ],
    ]),
  ])("is reported as wrong: %s", (_, text, faults) => {
    expect(faultsOf(text)).toEqual(located(faults));
  });

  it.each([
    [
      "the subject that is expected",
      "expect_subject: { member: user, equals: '{{jwt.user}}' }",
      '12:21 "providers.main.expect_subject"',
    ],
    [
      "an assertion's audience",
      "client_assertion: { aud: '{{jwt.user}}' }",
      '12:30 "providers.main.client_assertion.aud"',
    ],
    [
      "an assertion's claims",
      "client_assertion: { claims: { a: '{{jwt.user}}' } }",
      '12:38 "providers.main.client_assertion.claims.a"',
    ],
  ])("is reported as wrong: a JWT in %s", (_, line, place) => {
    const text = provider("x", "token_endpoint_auth_method: client_secret_jwt", line) + SIGNING;
    expect(faultsOf(text)).toEqual([
      `f.yaml:${place} uses {{jwt.user}}, but a JWT can be used only in params and headers`,
    ]);
  });

  it("is not reported while the part that would define it is at fault", () => {
    const text = provider("x", 'scope: "{{signing.kid}} {{signing_issuer}}"') + SIGNING.replace("kid: a", "kid: 1");
    expect(faultsOf(text)).toEqual([expect.stringContaining('"signing.keys[0].kid" must be text')]);
  });
});

describe("a text in which a value could add parts of its own", () => {
  const JSON_FAULT =
    "looks like JSON or XML, to which a value could add parts of its own; write a mapping or list instead (in params: { json: … })";
  it.each<[string, string[], string]>([
    [
      "JSON in a parameter",
      [`params: { authorization_details: '[{"user":"{{userid}}"}]' }`],
      `11:38 "providers.main.params.authorization_details" ${JSON_FAULT}`,
    ],
    [
      "JSON in a text of a JSON parameter",
      [`params: { a: { json: { b: '{"user":"{{userid}}"}' } } }`],
      `11:31 "providers.main.params.a.json.b" ${JSON_FAULT}`,
    ],
    [
      "JSON in a claim",
      [`jwt: { a: { claims: { b: ['["{{userid}}"]'] } } }`],
      `11:31 "providers.main.jwt.a.claims.b[0]" ${JSON_FAULT}`,
    ],
    [
      "JSON in an expected subject",
      [`expect_subject: { member: a, equals: "{{{userid}}}" }`],
      `11:42 "providers.main.expect_subject.equals" ${JSON_FAULT}`,
    ],
    ["XML in a header", [`headers: { X-A: " <a>{{userid}}</a>" }`], `11:21 "providers.main.headers.X-A" ${JSON_FAULT}`],
    [
      "two values without text between",
      ['scope: "{{serverid}}{{userid}}"'],
      '11:12 "providers.main.scope" has two templates with nothing between them, so their values could be confused; put text between them, like {{serverid}}|{{userid}}',
    ],
    [
      "a URL that is asked",
      ['token_endpoint: "https://idp.example/{{userid}}"'],
      '11:21 "providers.main.token_endpoint" takes no templates; write the complete URL',
    ],
  ])("is refused: %s", (_, lines, fault) => {
    expect(faultsOf(provider("x", ...lines))).toEqual(located([fault]));
  });

  it.each([
    ["a JSON parameter", `params: { a: { json: [{ user: "{{userid}}", n: 1, "{{b}}": null }] } }`],
    ["JSON without templates", `params: { a: '{"user":"{}"}' }`],
    ["a template at the start", `params: { a: " {{userid}}: {}" }`],
  ])("is not: %s", (_, line) => {
    expect(faultsOf(provider("x", line))).toEqual([]);
  });

  it("does not hide an unknown name in a JSON parameter", () => {
    expect(faultsOf(provider("x", `params: { a: { json: [{ user: "{{usrid}}" }] } }`))).toEqual(
      located(['11:18 "providers.main.params.a" uses {{usrid}}, which no call provides; did you mean "userid"?']),
    );
  });
});
