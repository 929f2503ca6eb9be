// The shape of providers and signing keys.

import { describe, expect, it } from "vitest";
import { configOf, replacing, reports, withKeys, withProviderKeys } from "../config/file.ts";
import { reportsShape } from "../config/shape.ts";

const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const ALGORITHMS = "ES256, ES384, PS256, RS256, EdDSA";

describe("a provider", () => {
  const MAPPING = "must be a mapping of keys to values";
  const ERROR_RULE = "must be a code, or { error: CODE, description: [TEXT, …] }";
  const PARAM = "must be text, a list of texts, { json: … }, { env: NAME } or { file: PATH }";
  const PROXY = "must be none, or { url, authorization }, with authorization as a secret";
  const PROXY_URL = "must be a URL like http://egress.bank.example:3128; a password goes into authorization";
  const DURATION = "must be a duration with a unit, like 500ms, 5s or 10m";
  const SUBJECT = "must be MEMBER or MEMBER.CLAIM, like access_token.sub, or { member, claim, equals, compare }";
  reportsShape(
    (text) => replacing("    grant_type: authorization_code\n", text === "none" ? "" : `    ${text}\n`),
    `
none => 7:5 "providers.main.grant_type" is missing
grant_type: "" => 10:17 "providers.main.grant_type" must not be empty
grant_type: [a] => 10:17 "providers.main.grant_type" must be text
grant_type: 7 => 10:17 "providers.main.grant_type" must be text; put it in quotes
`,
  );
  reportsShape(
    withProviderKeys,
    `
token_endpont: https://idp.example/token
  => 11:5 "providers.main.token_endpont" unknown key; did you mean "token_endpoint"?
constructor: x
  => 11:5 "providers.main.constructor" unknown key; the keys allowed here are kind, issuer, discovery, metadata_url, token_endpoint, client_id, token_endpoint_auth_method, client_secret, client_key, client_assertion, grant_type, scope, params, headers, jwt, tls, answer, expect_subject, expect_audience, expect_scope, expect_max_lifetime, forbid_members, cache, timeout, connect_timeout, http2, reuse_connections, proxy, max_response_bytes, max_in_flight, user_errors, proxy_errors
discovery: maybe => 11:16 "providers.main.discovery" must be one of oidc, oauth, none
token_endpoint_auth_method: basic
  => 11:33 "providers.main.token_endpoint_auth_method" must be one of client_secret_basic, client_secret_basic_raw, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none
token_endpoint: /token => 11:21 "providers.main.token_endpoint" …
scope: [openid] => 11:12 "providers.main.scope" must be text
params: [a] => 11:13 "providers.main.params" ${MAPPING}, not a list
params: { a: { b: c } } => 11:18 "providers.main.params.a" ${PARAM}
params: { a: [b, 1] } => 11:18 "providers.main.params.a" ${PARAM}
params: { a: "{{userid}}", b: [x, y], c: { env: S } }
headers: { X Tenant: a } => 11:16 "providers.main.headers.X Tenant" must be the name of a header, like X-apikey
headers: { X-Tenant: 1 } => 11:26 "providers.main.headers.X-Tenant" must be text, { env: NAME } or { file: PATH }
timeout: 5 => 11:14 "providers.main.timeout" ${DURATION}
proxy: none
proxy: { url: http://egress.bank.example:3128 }
proxy: { url: "https://[fd00::1]/", authorization: { file: a } }
proxy: { url: egress.bank.example:3128 } => 11:19 "providers.main.proxy.url" ${PROXY_URL}
proxy: { url: socks5://a.example } => 11:19 "providers.main.proxy.url" ${PROXY_URL}
proxy: { url: http://user:secret@a.example } => 11:19 "providers.main.proxy.url" ${PROXY_URL}
proxy: { url: http://a.example/path } => 11:19 "providers.main.proxy.url" ${PROXY_URL}
proxy: { url: "http://{{userid}}" } => 11:19 "providers.main.proxy.url" ${PROXY_URL}
proxy: http://egress.bank.example:3128 => 11:12 "providers.main.proxy" ${PROXY}
proxy: { url: http://a.example, authorization: "user:secret" } => 11:12 "providers.main.proxy" ${PROXY}
proxy: { url: http://a.example, user: a }
  => 11:37 "providers.main.proxy.user" unknown key; the keys allowed here are url, authorization
connect_timeout: 1 minute => 11:22 "providers.main.connect_timeout" ${DURATION}
timeout: 1500ms\\n    connect_timeout: 1s
max_response_bytes: 0 => 11:25 "providers.main.max_response_bytes" must be at least 1
max_response_bytes: 4194305 => 11:25 "providers.main.max_response_bytes" must be at most 4194304
max_response_bytes: 1.5 => 11:25 "providers.main.max_response_bytes" must be a whole number
max_response_bytes: 64k => 11:25 "providers.main.max_response_bytes" must be a whole number
max_in_flight: 10001 => 11:20 "providers.main.max_in_flight" must be at most 10000
user_errors: invalid_scope => 11:18 "providers.main.user_errors" must be a list, such as [a, b]
proxy_errors: [a, ""] => 11:23 "providers.main.proxy_errors[1]" must not be empty
user_errors: [a, { error: a, description: ["b*", c] }]
user_errors: [{ error: a }] => 11:19 "providers.main.user_errors[0]" ${ERROR_RULE}
user_errors: [{ error: a, description: [] }] => 11:44 "providers.main.user_errors[0].description" must have at least one entry
user_errors: [{ error: a, description: b }] => 11:19 "providers.main.user_errors[0]" ${ERROR_RULE}
user_errors: [1] => 11:19 "providers.main.user_errors[0]" ${ERROR_RULE}
kind: keycloak
kind: keykloak => 11:11 "providers.main.kind" must be one of keycloak, hydra, spring, uaa, zitadel
expect_subject: access_token.sub
expect_subject: { member: m, equals: "{{userid}}" }
expect_subject: { member: m, compare: ascii_case_insensitive }
expect_subject: { member: m, compare: loose } => 11:21 "providers.main.expect_subject" ${SUBJECT}
expect_subject: a.b.c => 11:21 "providers.main.expect_subject" ${SUBJECT}
expect_subject: { claim: sub } => 11:21 "providers.main.expect_subject" ${SUBJECT}
expect_audience: https://api.bank.example
expect_audience: "{{serverid}}" => 11:22 "providers.main.expect_audience" takes no templates
expect_scope: accounts payments
expect_scope: "" => 11:19 "providers.main.expect_scope" must not be empty
expect_max_lifetime: 15m
expect_max_lifetime: 900 => 11:26 "providers.main.expect_max_lifetime" ${DURATION}
forbid_members: [refresh_token]
forbid_members: refresh_token => 11:21 "providers.main.forbid_members" must be a list, such as [a, b]
tls: { binding: a b }
  => 11:21 "providers.main.tls.binding" must be the name of a binding: letters, digits and _
tls: { cert: { env: C } }
  => 11:12 "providers.main.tls.cert" unknown key; the keys allowed here are certificate, private_key, ca, binding
tls: { ca: ca.pem } => 11:16 "providers.main.tls.ca" ${SECRET}
jwt: { a.b: {} }
  => 11:12 "providers.main.jwt.a.b" must be a name of up to 64 letters, digits, _ and -, starting with a letter or _
client_assertion: { typ: "" } => 11:30 "providers.main.client_assertion.typ" must not be empty
client_assertion: { alg: none }
  => 11:30 "providers.main.client_assertion.alg" must be one of ${ALGORITHMS}, HS256, HS384, HS512
token_endpoint_auth_method: client_secret_jwt\\n    client_assertion: { typ: ~, claims: { a: [{ b: ~ }, 1, true] } }
`,
  );
  // The JSON Schema has no rules for these.
  reports(
    withProviderKeys,
    `
timeout: 0s => 11:14 "providers.main.timeout" must be between 1ms and 24h
jwt: { a: { ttl: 0s } } => 11:22 "providers.main.jwt.a.ttl" must be between 1ms and 24h
jwt: { a: { backdate: 25h } } => 11:27 "providers.main.jwt.a.backdate" must be between 0s and 24h
jwt: { a: { claims: { b: "{{c" } } } => 11:30 "providers.main.jwt.a.claims.b" …
jwt: { a: { header: { b: ["{{ }}"] } } } => 11:31 "providers.main.jwt.a.header.b[0]" …
jwt: { a: { claims: { b: .nan } } }
  => 11:30 "providers.main.jwt.a.claims.b" must be JSON: text, a number, true, false, null, a list or a mapping
scope: "a {{userid" => 11:12 "providers.main.scope" …
params: { a: [x, "{{ }}"] } => 11:22 "providers.main.params.a[1]" …
headers: { X-Tenant: "{{user id}}" } => 11:26 "providers.main.headers.X-Tenant" …
token_endpoint: http://idp.example/token => 11:21 "providers.main.token_endpoint" …
`,
  );
});

describe("the answer of a provider", () => {
  const AT = '"providers.main.answer';
  reportsShape(
    (text) => withProviderKeys(`answer: ${text}`),
    `
{ require: [id_token, "the ticket"] }
{ format: any }
{ format: xml } => 11:23 ${AT}.format" must be one of json, any
{ require: [] } => 11:24 ${AT}.require" must have at least one entry
{ require: [""] } => 11:25 ${AT}.require[0]" must not be empty
{ require: id_token } => 11:24 ${AT}.require" must be a list, such as [a, b]
{ requires: [a] } => 11:15 ${AT}.requires" unknown key; did you mean "require"?
`,
  );
  it("needs an access_token, unless the file says otherwise", () => {
    const of = (text: string) => configOf(withProviderKeys(`answer: ${text}`)).providers.main?.answer;
    expect(of("{}")).toEqual({ format: "json", require: ["access_token"] });
    expect(of("{ require: [id_token] }")).toEqual({ format: "json", require: ["id_token"] });
    expect(of("{ format: any }")).toEqual({ format: "any", require: [] });
  });
});

describe("the issuer of a provider", () => {
  const issuer = (url: string) => replacing("https://idp.example", url);
  reportsShape(
    issuer,
    `
idp.example => 7:13 "providers.main.issuer" …
ftp://idp.example => 7:13 "providers.main.issuer" …
HTTP://127.0.0.1:9000/x
`,
  );
  reports(
    issuer,
    `
http://idp.example => 7:13 "providers.main.issuer" …
https://idp.example?realm=1 => 7:13 "providers.main.issuer" …
`,
  );
});

describe("a key", () => {
  const MISSING = "is missing; write { env: NAME } or { file: PATH }";
  const PRIVATE = "private_key: { env: K }";
  reportsShape(
    (text) => withProviderKeys(`client_key: ${text}`),
    `
[] => 11:17 "providers.main.client_key" must have at least one entry
{ env: K }
  => 11:19 "providers.main.client_key.env" unknown key; the keys allowed here are kid, alg, private_key, certificate
{ kid: k, alg: ES256 } => 11:17 "providers.main.client_key.private_key" ${MISSING}
{ kid: k, alg: HS256, ${PRIVATE} } => 11:32 "providers.main.client_key.alg" must be one of ${ALGORITHMS}
`,
  );
  const LONG = "k".repeat(257);
  reportsShape(
    (text) => withKeys(`signing: { keys: [{ ${text} }] }`),
    `
kid: k, alg: ES256, ${PRIVATE}, created: 2026-11-24
kid: k, alg: ES256, ${PRIVATE}, created: today
  => 11:75 "signing.keys[0].created" must be a date, like 2026-11-24
kid: "", alg: ES256, ${PRIVATE} => 11:26 "signing.keys[0].kid" must not be empty
kid: ${LONG}, alg: ES256, ${PRIVATE} => 11:26 "signing.keys[0].kid" must have at most 256 characters
kid: k, alg: none, ${PRIVATE} => 11:34 "signing.keys[0].alg" must be one of ${ALGORITHMS}
kid: k, alg: ES256, private_key: K => 11:54 "signing.keys[0].private_key" ${SECRET}
kid: k, alg: ES256, ${PRIVATE}, use: enc => 11:71 "signing.keys[0].use" must be one of sign, verify
`,
  );
  reportsShape(
    (text) => withKeys(`signing: ${text}`),
    `
[] => 11:10 "signing" must be a mapping of keys to values, not a list
{} => 11:10 "signing.keys" is missing
{ keys: [] } => 11:18 "signing.keys" must have at least one entry
`,
  );
  reports(
    (text) => withKeys(`signing: { issuer: ${text}, keys: [{ kid: k, alg: ES256, ${PRIVATE} }] }`),
    `
http://idp.example => 11:20 "signing.issuer" …
`,
  );
});
