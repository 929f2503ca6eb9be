// Values of the wrong shape are reported with line, column, path and what they must be.

import { describe } from "vitest";
import { FILE, replacing, withKeys, withProvider, withProviderKeys } from "./file.ts";
import { reports } from "./reports.ts";

const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const NAME = "must be a name of up to 64 letters, digits, _ and -, starting with a letter or _";
const PATH = "must be a path like /getToken or /servers/{serverid}/getToken";
const DURATION = "must be a duration with a unit, like 500ms, 5s or 10m";
const ADDRESS = "must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080";
const HTTPS = "…";

describe("the file as a whole", () => {
  reports([
    [replacing("version: 1\n", ""), '1:1 "version" is missing; write "version: 1"'],
    [replacing("version: 1", "version: 2"), '1:10 "version" must be the number 1'],
    [replacing("version: 1", 'version: "1"'), '1:10 "version" must be the number 1'],
    [replacing("version: 1", "version:"), '1:9 "version" must be the number 1'],
    [FILE.slice(0, FILE.indexOf("providers:")), '1:1 "providers" is missing'],
    [replacing(FILE.slice(11, FILE.indexOf("providers:")), ""), '1:1 "callers" is missing'],
    [withKeys("callrs: {}"), '11:1 "callrs" unknown key; did you mean "callers"?'],
    [withKeys("Providers: {}"), '11:1 "Providers" unknown key; did you mean "providers"?'],
    [
      withKeys("metrics: {}"),
      '11:1 "metrics" unknown key; the keys allowed here are version, server, callers, get_token, nextauth, webnonce_exchange, signing, providers, routes, log',
    ],
    [
      withKeys("<<: { log: {} }"),
      '11:1 "<<" unknown key; the keys allowed here are version, server, callers, get_token, nextauth, webnonce_exchange, signing, providers, routes, log',
    ],
    [withKeys("log: debug"), '11:6 "log" must be a mapping of keys to values'],
    [withKeys("log: { level: loud }"), '11:15 "log.level" must be one of error, warn, info, debug'],
  ]);
});

describe("callers", () => {
  const apikeys = (list: string) => replacing("[{ env: APIKEY }]", list);
  reports([
    [
      replacing("callers:\n  nextauth-server:\n    apikeys: [{ env: APIKEY }]", "callers: {}"),
      '2:10 "callers" must have at least one entry',
    ],
    [
      replacing("callers:\n  nextauth-server:\n    apikeys: [{ env: APIKEY }]", "callers: []"),
      '2:10 "callers" must be a mapping of keys to values',
    ],
    [replacing("nextauth-server:", "next auth:"), `3:3 "callers.next auth" ${NAME}`],
    [replacing("nextauth-server:", "1st:"), `3:3 "callers.1st" ${NAME}`],
    [replacing("nextauth-server:", `${"n".repeat(65)}:`), `3:3 "callers.${"n".repeat(65)}" ${NAME}`],
    [apikeys("[]"), '4:14 "callers.nextauth-server.apikeys" must have at least one entry'],
    [apikeys("{ env: APIKEY }"), '4:14 "callers.nextauth-server.apikeys" must be a list, such as [a, b]'],
    [apikeys("[{ env: APIKEY }, { evn: NEXT }]"), `4:32 "callers.nextauth-server.apikeys[1]" ${SECRET}`],
    [apikeys("[{ env: APIKEY, file: key }]"), `4:15 "callers.nextauth-server.apikeys[0]" ${SECRET}`],
    [apikeys("[APIKEY]"), `4:15 "callers.nextauth-server.apikeys[0]" ${SECRET}`],
    [apikeys("[[{ env: APIKEY }]]"), `4:15 "callers.nextauth-server.apikeys[0]" ${SECRET}`],
    [apikeys("[{ env: [APIKEY] }]"), `4:15 "callers.nextauth-server.apikeys[0]" ${SECRET}`],
    [
      apikeys("[]\n    serverid: [a]").replace("[]", "[{ env: A }]"),
      '5:5 "callers.nextauth-server.serverid" unknown key; did you mean "serverids"?',
    ],
    [
      apikeys("[{ env: A }]\n    serverids: []"),
      '5:16 "callers.nextauth-server.serverids" must have at least one entry',
    ],
    [apikeys('[{ env: A }]\n    serverids: [a, ""]'), '5:20 "callers.nextauth-server.serverids[1]" must not be empty'],
    [
      apikeys("[{ env: A }]\n    serverids: [1]"),
      '5:17 "callers.nextauth-server.serverids[0]" must be text; put it in quotes',
    ],
  ]);
});

describe("a provider", () => {
  const key = (line: string) => withProviderKeys(line);
  const issuer = (url: string) => replacing("https://idp.example", url);
  reports([
    [
      withProvider().replace(/\n$/, "\n").replace("main:", "main: true"),
      '6:9 "providers.main" must be a mapping of keys to values',
    ],
    [replacing("  main:", "  ma.in:"), `6:3 "providers.ma.in" ${NAME}`],
    [replacing("    grant_type: authorization_code\n", ""), '7:5 "providers.main.grant_type" is missing'],
    [replacing("authorization_code", '""'), '10:17 "providers.main.grant_type" must not be empty'],
    [replacing("authorization_code", "[a]"), '10:17 "providers.main.grant_type" must be text'],
    [
      replacing("client_id: token-proxy", "client_id: 12"),
      '8:16 "providers.main.client_id" must be text; put it in quotes',
    ],
    [
      key("token_endpont: https://idp.example/token"),
      '11:5 "providers.main.token_endpont" unknown key; did you mean "token_endpoint"?',
    ],
    [key("clientId: x"), '11:5 "providers.main.clientId" unknown key; did you mean "client_id"?'],
    [
      key("callers: x"),
      '11:5 "providers.main.callers" unknown key; the keys allowed here are issuer, discovery, token_endpoint, client_id, token_endpoint_auth_method, client_secret, client_key, client_assertion, grant_type, scope, params, headers, jwt, tls, expect_subject, timeout, connect_timeout, http2, reuse_connections, max_response_bytes, max_in_flight, user_errors, proxy_errors',
    ],
    [
      key("constructor: x"),
      '11:5 "providers.main.constructor" unknown key; the keys allowed here are issuer, discovery, token_endpoint, client_id, token_endpoint_auth_method, client_secret, client_key, client_assertion, grant_type, scope, params, headers, jwt, tls, expect_subject, timeout, connect_timeout, http2, reuse_connections, max_response_bytes, max_in_flight, user_errors, proxy_errors',
    ],
    [key("discovery: maybe"), '11:16 "providers.main.discovery" must be one of oidc, oauth, none'],
    [
      key("token_endpoint_auth_method: basic"),
      '11:33 "providers.main.token_endpoint_auth_method" must be one of client_secret_basic, client_secret_basic_raw, client_secret_post, client_secret_jwt, private_key_jwt, tls_client_auth, self_signed_tls_client_auth, none',
    ],
    [key("scope: [openid]"), '11:12 "providers.main.scope" must be text'],
    [key("scope:"), '11:11 "providers.main.scope" must be text'],
    [key("params: [a]"), '11:13 "providers.main.params" must be a mapping of keys to values'],
    [
      key("params: { a: { b: c } }"),
      '11:18 "providers.main.params.a" must be text, a list of texts, { env: NAME } or { file: PATH }',
    ],
    [
      key("params: { a: [b, 1] }"),
      '11:18 "providers.main.params.a" must be text, a list of texts, { env: NAME } or { file: PATH }',
    ],
    [
      key("params: { a: 1 }"),
      '11:18 "providers.main.params.a" must be text, a list of texts, { env: NAME } or { file: PATH }',
    ],
    [
      key("headers: { X Tenant: a }"),
      '11:16 "providers.main.headers.X Tenant" must be the name of a header, like X-apikey',
    ],
    [
      key("headers: { X-Tenant: 1 }"),
      '11:26 "providers.main.headers.X-Tenant" must be text, { env: NAME } or { file: PATH }',
    ],
    [key("timeout: 5"), '11:14 "providers.main.timeout" must be a duration with a unit, like 500ms, 5s or 10m'],
    [key("timeout: 5 s"), `11:14 "providers.main.timeout" ${DURATION}`],
    [key("timeout: 0s"), '11:14 "providers.main.timeout" must be between 1ms and 24h'],
    [key("timeout: 25h"), '11:14 "providers.main.timeout" must be between 1ms and 24h'],
    [key("connect_timeout: 1 minute"), `11:22 "providers.main.connect_timeout" ${DURATION}`],
    [key("max_response_bytes: 0"), '11:25 "providers.main.max_response_bytes" must be at least 1'],
    [key("max_response_bytes: 4194305"), '11:25 "providers.main.max_response_bytes" must be at most 4194304'],
    [key("max_response_bytes: 1.5"), '11:25 "providers.main.max_response_bytes" must be a whole number'],
    [key("max_response_bytes: 64k"), '11:25 "providers.main.max_response_bytes" must be a whole number'],
    [key("max_response_bytes: .inf"), '11:25 "providers.main.max_response_bytes" must be a whole number'],
    [key("user_errors: invalid_scope"), '11:18 "providers.main.user_errors" must be a list, such as [a, b]'],
    [key('proxy_errors: [a, ""]'), '11:23 "providers.main.proxy_errors[1]" must not be empty'],
    [issuer("idp.example"), '7:13 "providers.main.issuer" …'],
    [issuer("http://idp.example"), `7:13 "providers.main.issuer" ${HTTPS}`],
    [issuer("https://idp.example?realm=1"), '7:13 "providers.main.issuer" …'],
    [key("token_endpoint: http://idp.example/token"), `11:21 "providers.main.token_endpoint" ${HTTPS}`],
    [key("token_endpoint: /token"), '11:21 "providers.main.token_endpoint" …'],
    [key("scope: 'a {{userid'"), '11:12 "providers.main.scope" …'],
    [key("params: { a: [x, '{{ }}'] }"), '11:22 "providers.main.params.a[1]" …'],
    [key("headers: { X-Tenant: '{{user id}}' }"), '11:26 "providers.main.headers.X-Tenant" …'],
  ]);
});

describe("keys, JWTs and TLS", () => {
  const key = (line: string) => withProviderKeys(line);
  const JSON_VALUE = "must be JSON: text, a number, true, false, null, a list or a mapping";
  const SUBJECT = "must be MEMBER or MEMBER.CLAIM, like access_token.sub, or { member, claim, equals }";
  const signing = (text: string) => withKeys(`signing: ${text}`);
  const signingKey = (text: string) => signing(`{ keys: [{ ${text} }] }`);
  reports([
    [replacing("{ env: CLIENT_SECRET }", "{ vlaue: S }"), `9:20 "providers.main.client_secret" ${SECRET}`],
    [replacing("{ env: CLIENT_SECRET }", "[]"), '9:20 "providers.main.client_secret" must have at least one entry'],
    [key("client_key: []"), '11:17 "providers.main.client_key" must have at least one entry'],
    [
      key("client_key: { env: K }"),
      '11:17 "providers.main.client_key.kid" is missing',
      '11:17 "providers.main.client_key.alg" is missing; write one of ES256, ES384, PS256, RS256, EdDSA',
      '11:17 "providers.main.client_key.private_key" is missing; write { env: NAME } or { file: PATH }',
      '11:19 "providers.main.client_key.env" unknown key; the keys allowed here are kid, alg, private_key, certificate',
    ],
    [
      key("client_key: { kid: k, alg: HS256, private_key: { env: K } }"),
      '11:32 "providers.main.client_key.alg" must be one of ES256, ES384, PS256, RS256, EdDSA',
    ],
    [signing("[]"), '11:10 "signing" must be a mapping of keys to values'],
    [signing("{}"), '11:10 "signing.keys" is missing'],
    [signing("{ keys: [] }"), '11:18 "signing.keys" must have at least one entry'],
    [
      signing("{ issuer: http://idp.example, keys: [{ kid: k, alg: ES256, private_key: { env: K } }] }"),
      `11:20 "signing.issuer" ${HTTPS}`,
    ],
    [signingKey('kid: "", alg: ES256, private_key: { env: K }'), '11:26 "signing.keys[0].kid" must not be empty'],
    [
      signingKey(`kid: ${"k".repeat(257)}, alg: ES256, private_key: { env: K }`),
      '11:26 "signing.keys[0].kid" must have at most 256 characters',
    ],
    [
      signingKey("kid: k, alg: none, private_key: { env: K }"),
      '11:34 "signing.keys[0].alg" must be one of ES256, ES384, PS256, RS256, EdDSA',
    ],
    [
      signingKey("kid: k, private_key: { env: K }"),
      '11:19 "signing.keys[0].alg" is missing; write one of ES256, ES384, PS256, RS256, EdDSA',
    ],
    [
      signingKey("kid: k, alg: ES256"),
      '11:19 "signing.keys[0].private_key" is missing; write { env: NAME } or { file: PATH }',
    ],
    [signingKey("kid: k, alg: ES256, private_key: K"), `11:54 "signing.keys[0].private_key" ${SECRET}`],
    [
      signingKey("kid: k, alg: ES256, private_key: { env: K }, use: enc"),
      '11:71 "signing.keys[0].use" must be one of sign, verify',
    ],
    [key("jwt: { a.b: {} }"), `11:12 "providers.main.jwt.a.b" ${NAME}`],
    [key("jwt: { a: { ttl: 0s } }"), '11:22 "providers.main.jwt.a.ttl" must be between 1ms and 24h'],
    [key("jwt: { a: { backdate: 25h } }"), '11:27 "providers.main.jwt.a.backdate" must be between 0s and 24h'],
    [key("jwt: { a: { claims: { b: '{{c' } } }"), '11:30 "providers.main.jwt.a.claims.b" …'],
    [key("jwt: { a: { header: { b: ['{{ }}'] } } }"), '11:31 "providers.main.jwt.a.header.b[0]" …'],
    [key("jwt: { a: { claims: { b: .nan } } }"), `11:30 "providers.main.jwt.a.claims.b" ${JSON_VALUE}`],
    [
      key("client_assertion: { alg: none }"),
      '11:30 "providers.main.client_assertion.alg" must be one of ES256, ES384, PS256, RS256, EdDSA, HS256, HS384, HS512',
    ],
    [key('client_assertion: { typ: "" }'), '11:30 "providers.main.client_assertion.typ" must not be empty'],
    [key("expect_subject: a.b.c"), `11:21 "providers.main.expect_subject" ${SUBJECT}`],
    [key("expect_subject: { claim: sub }"), `11:21 "providers.main.expect_subject" ${SUBJECT}`],
    [
      key("tls: { binding: a b }"),
      '11:21 "providers.main.tls.binding" must be the name of a binding: letters, digits and _',
    ],
    [
      key("tls: { cert: { env: C } }"),
      '11:12 "providers.main.tls.cert" unknown key; the keys allowed here are certificate, private_key, ca, binding',
    ],
    [key("tls: { ca: ca.pem }"), `11:16 "providers.main.tls.ca" ${SECRET}`],
  ]);
});

describe("get_token and server", () => {
  reports([
    [withKeys("get_token: POST"), '11:12 "get_token" must be a mapping of keys to values'],
    [withKeys("get_token: { method: PUT }"), '11:22 "get_token.method" must be one of POST, GET'],
    [withKeys("get_token: { path: getToken }"), `11:20 "get_token.path" ${PATH}`],
    [withKeys("get_token: { path: / }"), `11:20 "get_token.path" ${PATH}`],
    [withKeys("get_token: { path: //getToken }"), `11:20 "get_token.path" ${PATH}`],
    [withKeys("get_token: { path: /get%54oken }"), `11:20 "get_token.path" ${PATH}`],
    [withKeys('get_token: { path: "/getToken?a=b" }'), `11:20 "get_token.path" ${PATH}`],
    [withKeys('get_token: { path: "/:serverid/getToken" }'), `11:20 "get_token.path" ${PATH}`],
    [withKeys('get_token: { path: "/*" }'), `11:20 "get_token.path" ${PATH}`],
    [withKeys('get_token: { path: "/a{serverid}" }'), `11:20 "get_token.path" ${PATH}`],
    [withKeys("get_token: { value: {} }"), '11:14 "get_token.value" unknown key; did you mean "values"?'],
    [withKeys("get_token: { values: [userid] }"), '11:22 "get_token.values" must be a mapping of keys to values'],
    [
      withKeys("get_token: { values: { userid: body:/userid } }"),
      '11:32 "get_token.values.userid" must be a list of places to look, or { from, type, max_length, required }',
    ],
    [withKeys("get_token: { values: { userid: [] } }"), '11:32 "get_token.values.userid" must have at least one entry'],
    [
      withKeys("get_token: { values: { userid: [1] } }"),
      '11:33 "get_token.values.userid[0]" must be text; put it in quotes',
    ],
    [withKeys("get_token: { values: { userid: [cookie:a] } }"), '11:33 "get_token.values.userid[0]" …'],
    [
      withKeys("get_token: { values: { user.id: [body:/a], userid: [body:/a] } }"),
      `11:24 "get_token.values.user.id" ${NAME}`,
    ],
    [
      withKeys("server: { processes: 2 }"),
      '11:11 "server.processes" removed: run several instances instead, see docs/deploy.md',
    ],
    [withKeys("server: { lisen: a }"), '11:11 "server.lisen" unknown key; did you mean "listen"?'],
    [withKeys('server: { listen: "8080" }'), `11:19 "server.listen" ${ADDRESS}`],
    [
      withKeys("server: { listen: 8080 }"),
      '11:19 "server.listen" must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080',
    ],
    [withKeys('server: { listen: "::1:8080" }'), `11:19 "server.listen" ${ADDRESS}`],
    [
      withKeys("server: { admin: 127.0.0.1:65536 }"),
      '11:18 "server.admin" must be host:port with a port up to 65535, like 127.0.0.1:8080 or [::1]:8080',
    ],
    [
      withKeys("server: { shutdown_grace: 10 }"),
      '11:27 "server.shutdown_grace" must be a duration with a unit, like 500ms, 5s or 10m',
    ],
    [withKeys("routes: { provider: main }"), '11:9 "routes" must be a list, such as [a, b]'],
    [withKeys("routes: []"), '11:9 "routes" must have at least one entry'],
    [withKeys("routes: [{ serverid: a }]"), '11:10 "routes[0].provider" is missing'],
    [withKeys('routes: [{ serverid: "", provider: main }]'), '11:22 "routes[0].serverid" must not be empty'],
    [
      withKeys("routes: [{ servrid: a, provider: main }]"),
      '11:12 "routes[0].servrid" unknown key; did you mean "serverid"?',
    ],
  ]);
});
