// Templates and JWTs of a provider: every name has a value where it is used, and every JWT a use.

import { describe, expect, it } from "vitest";
import { callNamesNeeded } from "../../src/oauth/template-names.ts";
import { configOf, reports, withProvider, withProviderKeys } from "./file.ts";

const JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const SIGNING = `signing:
  issuer: https://proxy.example
  keys:
    - { kid: a, alg: ES256, private_key: { env: A } }
    - { kid: b, alg: PS256, private_key: { env: B }, use: verify }
`;
const WITHOUT_ISSUER = SIGNING.replace("  issuer: https://proxy.example\n", "");
const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
const WITH_DEFAULT = NEXTAUTH.replace(" } }", " }, serverid: a }");
const BINDING = "get_token: { session: trust, values: { userid: [body:/u], nonce: [body:/n] } }";
const ADD = 'which no call provides; add it to "get_token.values"';

/** A provider with a grant type on line 10, and further keys from line 11. */
const provider = (text: string) => {
  const [grantType, ...keys] = text.split(" / ");
  const client = ["issuer: https://idp.example", "client_id: x", "client_secret: { env: S }"];
  return withProvider(...client, `grant_type: ${grantType}`, ...keys);
};
const signing = (text: string) => provider(text) + SIGNING;

describe("a name in a template", () => {
  const USERID = '{{usrid}}, which no call provides; did you mean "userid"?';
  reports(
    (text) => withProviderKeys(...text.split(" / ")),
    `
scope: "{{usrid}} {{userid}} {{nonse}}"
  => 11:12 "providers.main.scope" uses ${USERID}
  => 11:12 "providers.main.scope" uses {{nonse}}, which no call provides; did you mean "nonce"?
params: { a: "{{usrid}}" } => 11:18 "providers.main.params.a" uses ${USERID}
params: { a: [x, "{{usrid}}"] } => 11:22 "providers.main.params.a[1]" uses ${USERID}
params: { a: { env: A }, b: { file: "{{usrid}}" } }
params: { a: "{{client_id}} {{issuer}} {{token_endpoint}} {{now}} {{uuid}}" }
params: { a: "{{serverid}} {{userid}} {{accountid}} {{nonce}}" }
params: { a: "{{iat}}", b: "{{exp}}" }
  => 11:18 "providers.main.params.a" uses {{iat}}, ${ADD}
  => 11:32 "providers.main.params.b" uses {{exp}}, ${ADD}
headers: { X-A: "{{usrid}}" } => 11:21 "providers.main.headers.X-A" uses ${USERID}
expect_subject: { member: user, equals: "{{usrid}}" } => 11:21 "providers.main.expect_subject" uses ${USERID}
scope: "{{constructor}}" => 11:12 "providers.main.scope" uses {{constructor}}, ${ADD}
scope: "{{signing.kid}}" => 11:12 "providers.main.scope" uses {{signing.kid}}, but signing is not set
`,
  );
  reports(
    (assertion) => provider(`x / token_endpoint_auth_method: client_secret_jwt / client_assertion: { ${assertion} }`),
    `
aud: "{{usrid}}" => 12:30 "providers.main.client_assertion.aud" uses ${USERID}
header: { a: "{{usrid}}" } => 12:38 "providers.main.client_assertion.header.a" uses ${USERID}
claims: { a: "{{usrid}}" } => 12:38 "providers.main.client_assertion.claims.a" uses ${USERID}
`,
  );
  reports(
    signing,
    `
${JWT_BEARER} / jwt: { user: { claims: { a: { b: "{{usrid}}" } } } }
  => 11:33 "providers.main.jwt.user.claims.a" uses ${USERID}
${JWT_BEARER} / jwt: { user: { header: { a: "{{usrid}}" } } }
  => 11:33 "providers.main.jwt.user.header.a" uses ${USERID}
${JWT_BEARER} / jwt: { user: { claims: { nbf: "{{iat}}", x: "{{exp}}" } } }
`,
  );
  reports(
    (scope) =>
      withProvider("token_endpoint: https://a.example/t", "grant_type: x", "token_endpoint_auth_method: none", scope),
    `
scope: "{{issuer}} {{client_id}}"
  => 10:12 "providers.main.scope" uses {{issuer}}, but issuer is not set
  => 10:12 "providers.main.scope" uses {{client_id}}, but client_id is not set
`,
  );
});

describe("a JWT", () => {
  const NEEDS_SIGNING =
    '10:17 "providers.main.grant_type" needs "signing", because the request contains a JWT signed by this proxy';
  const NO_ISSUER = "uses {{signing_issuer}}, but signing.issuer is not set";
  const NO_KID = '11:25 "providers.main.jwt.user.kid" is not the kid of a key that signs under signing.keys';
  const NOT_HERE = "uses {{jwt.user}}, but a JWT can be used only in params and headers";
  reports(
    provider,
    `
${JWT_BEARER} => ${NEEDS_SIGNING}
x / params: { a: "{{jwt.user}}" } / jwt: { user: { claims: { iss: me } } } => ${NEEDS_SIGNING}
${JWT_BEARER} / params: { assertion: "{{userid}}" }
urn:ietf:params:oauth:grant-type:token-exchange / params: { requested_subject: "{{userid}}" }
`,
  );
  reports(
    signing,
    `
${JWT_BEARER}
urn:ietf:params:oauth:grant-type:token-exchange
${JWT_BEARER} / jwt: { user: { kid: a } }
${JWT_BEARER} / jwt: { user: { kid: b } } => ${NO_KID}
${JWT_BEARER} / jwt: { user: { kid: c } } => ${NO_KID}
x / params: { a: "{{jwt.acto}}" , b: "{{jwt.actor}}" } / jwt: { actor: {} }
  => 11:18 "providers.main.params.a" uses {{jwt.acto}}, which is not under "jwt"; did you mean "jwt.actor"?
x / headers: { X-A: "{{jwt.something_else}}" }
  => 11:21 "providers.main.headers.X-A" uses {{jwt.something_else}}, which is not under "jwt"; add it there
${JWT_BEARER} / jwt: { user: { claims: { a: ["{{jwt.user}}"] } } }
  => 11:33 "providers.main.jwt.user.claims.a" ${NOT_HERE}
x / expect_subject: { member: user, equals: "{{jwt.user}}" } => 11:21 "providers.main.expect_subject" ${NOT_HERE}
x / token_endpoint_auth_method: client_secret_jwt / client_assertion: { aud: "{{jwt.user}}" }
  => 12:30 "providers.main.client_assertion.aud" ${NOT_HERE}
x / token_endpoint_auth_method: client_secret_jwt / client_assertion: { claims: { a: "{{jwt.user}}" } }
  => 12:38 "providers.main.client_assertion.claims.a" ${NOT_HERE}
`,
  );
  reports(
    (text) => provider(text) + WITHOUT_ISSUER,
    `
${JWT_BEARER} => 7:5 "providers.main.jwt.user.claims.iss" ${NO_ISSUER}
${JWT_BEARER} / jwt: { user: { claims: { a: b } } } => 11:28 "providers.main.jwt.user.claims.iss" ${NO_ISSUER}
${JWT_BEARER} / jwt: { user: { claims: { iss: me } } }
`,
  );
  // While signing is at fault, nothing is missing there.
  reports(
    (text) => provider(text) + SIGNING.replace("kid: a", "kid: 1"),
    `
x / scope: "{{signing.kid}} {{signing_issuer}}" => 15:14 "signing.keys[0].kid" must be text; put it in quotes
`,
  );
});

describe("names that the binding and the session provide", () => {
  const names = (more: string) =>
    `${provider('x / params: { a: "{{accountid}} {{serverid}} {{userid}}" }')}${more.replaceAll(" / ", "\n")}\n`;
  const VERIFIED = BINDING.replace("trust", "verify");
  reports(
    names,
    `
${VERIFIED} / ${WITH_DEFAULT}
${BINDING} / ${WITH_DEFAULT} => 11:18 "providers.main.params.a" uses {{accountid}}, ${ADD}
${BINDING} / ${NEXTAUTH}
  => 11:18 "providers.main.params.a" uses {{accountid}}, ${ADD}
  => 11:18 "providers.main.params.a" uses {{serverid}}, ${ADD}
`,
  );
  reports(
    (keys) => `${withProviderKeys(...keys.split(" / "))}get_token: { values: { userid: [body:/u], x: [body:/x] } }\n`,
    `
scope: openid
  => 10:17 "providers.main.grant_type" uses {{nonce}}, which no call provides; add it to "get_token.values"
params: { code: "{{userid}}", y: "{{x}}" }
`,
  );
});

describe("{{attributes.NAME}}", () => {
  const MAIL = "{{attributes.mail}}";
  it.each([
    `scope: "openid ${MAIL}"`,
    `params: { m: [x, "a ${MAIL} b"] }`,
    `headers: { X-Mail: "${MAIL}" }`,
    `params: { a: "{{jwt.user}}" } / jwt: { user: { claims: { m: { n: ["${MAIL}"] } } } }`,
    `params: { a: "{{jwt.user}}" } / jwt: { user: { header: { m: "${MAIL}" } } }`,
    `expect_subject: { member: m, equals: "${MAIL}" }`,
  ])("is allowed in %s", (keys) => {
    const { main } = configOf(signing(`x / ${keys}`) + WITH_DEFAULT).providers;
    expect(callNamesNeeded(main as NonNullable<typeof main>)).toContain("attributes.mail");
  });

  const NEEDS = `uses ${MAIL}, which needs "nextauth", the server that knows the attributes`;
  reports(
    (text) => `${provider(`x / params: { m: "${MAIL}" }`)}${text.replaceAll(" / ", "\n")}\n`,
    `
# no server => 11:18 "providers.main.params.m" ${NEEDS}
nextauth: { apikey: { env: N } } => 12:11 "nextauth.url" is missing
${NEXTAUTH} / get_token: { session: trust }
${WITH_DEFAULT} / ${BINDING}
${WITH_DEFAULT} / webnonce_exchange: {}
${NEXTAUTH} / ${BINDING}
  => 11:18 "providers.main.params.m" uses ${MAIL}, which needs a serverid; add it to "get_token.values" or set "nextauth.serverid"
`,
  );
  reports(
    (name) => `${provider(`x / scope: "{{${name}}}"`)}${WITH_DEFAULT}\n`,
    `
attributes.full-name
attributes.a.b
attributes.constructor
attributes. => 11:12 "providers.main.scope" …
attributes.a b => 11:12 "providers.main.scope" …
attributes => 11:12 "providers.main.scope" uses {{attributes}}, ${ADD}
attribute.mail => 11:12 "providers.main.scope" uses {{attribute.mail}}, ${ADD}
`,
  );
});

describe("a text in which a value could add parts of its own", () => {
  const JSON_FAULT =
    "looks like JSON or XML, to which a value could add parts of its own; write a mapping or list instead (in params: { json: … })";
  reports(
    (keys) => provider(`x / ${keys}`),
    `
params: { authorization_details: '[{"user":"{{userid}}"}]' }
  => 11:38 "providers.main.params.authorization_details" ${JSON_FAULT}
params: { a: { json: { b: '{"user":"{{userid}}"}' } } } => 11:31 "providers.main.params.a.json.b" ${JSON_FAULT}
jwt: { a: { claims: { b: ['["{{userid}}"]'] } } } => 11:31 "providers.main.jwt.a.claims.b[0]" ${JSON_FAULT}
expect_subject: { member: a, equals: "{{{userid}}}" }
  => 11:42 "providers.main.expect_subject.equals" ${JSON_FAULT}
headers: { X-A: " <a>{{userid}}</a>" } => 11:21 "providers.main.headers.X-A" ${JSON_FAULT}
scope: "{{serverid}}{{userid}}"
  => 11:12 "providers.main.scope" has two templates with nothing between them, so their values could be confused; put text between them, like {{serverid}}|{{userid}}
token_endpoint: "https://idp.example/{{userid}}"
  => 11:21 "providers.main.token_endpoint" takes no templates; write the complete URL
params: { a: { json: [{ user: "{{userid}}", n: 1, "{{b}}": null }] } }
params: { a: '{"user":"{}"}' }
params: { a: " {{userid}}: {}" }
params: { a: { json: [{ user: "{{usrid}}" }] } }
  => 11:18 "providers.main.params.a" uses {{usrid}}, which no call provides; did you mean "userid"?
`,
  );
});
