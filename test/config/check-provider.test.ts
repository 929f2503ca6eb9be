// Keys of a provider that require or exclude each other.

import { describe } from "vitest";
import { replacing, reports, withProvider, withProviderKeys } from "./file.ts";

const ID = "client_id: token-proxy";
const SECRET = "client_secret: { env: S }";
const KEY = "client_key: { kid: k, alg: ES256, private_key: { env: K } }";
const TLS = "tls: { certificate: { env: C }, private_key: { env: K } }";
const SIGNING = `signing:
  keys:
    - { kid: a, alg: ES256, private_key: { env: A } }
    - { kid: b, alg: PS256, private_key: { env: B }, use: verify }
`;

/** The keys of a text, each on a line of its own. */
const lines = (text: string) => text.split(" / ").filter((line) => line !== "none");

/** A provider whose own keys start on line 9. */
const client = (text: string) =>
  withProvider("issuer: https://idp.example", "grant_type: urn:example:user", ...lines(text));
const withMethod = (text: string) => client(`token_endpoint_auth_method: ${text}`);

describe("the token endpoint", () => {
  const ISSUER = "issuer: https://idp.example";
  const ENDPOINT = "token_endpoint: https://idp.example/token";
  const NEEDED = "needs token_endpoint, or issuer (without discovery: none) to discover it";
  reports(
    (text) => withProvider(...lines(text), ID, SECRET, "grant_type: urn:example:user"),
    `
none => 7:5 "providers.main" ${NEEDED}
${ISSUER} / discovery: none => 7:5 "providers.main" ${NEEDED}
${ISSUER}
${ENDPOINT}
${ENDPOINT} / discovery: none
${ISSUER} / ${ENDPOINT}
${ISSUER} / metadata_url: https://idp.internal/metadata
${ISSUER} / metadata_url: http://idp.internal/metadata
  => 8:19 "providers.main.metadata_url" must be an https URL (http only on loopback)
${ISSUER} / ${TLS}
issuer: http://127.0.0.1:8080 / ${TLS}
  => 8:25 "providers.main.tls.certificate" is only sent over TLS, but the provider's URL is http; write an https URL
${ISSUER} / timeout: 1s / connect_timeout: 1s
${ISSUER} / timeout: 500ms
`,
  );
});

describe("client authentication", () => {
  const UNUSED = "is not used by token_endpoint_auth_method";
  const NO_CERTIFICATE =
    '7:5 "providers.main" needs tls.certificate and tls.private_key (on Workers: tls.binding) for token_endpoint_auth_method';
  reports(
    client,
    `
none
  => 7:5 "providers.main" needs client_id
  => 7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_basic
${ID} / ${SECRET}
client_id: "a:b" / ${SECRET}
${ID} / ${SECRET} / ${KEY}
  => 11:5 "providers.main.client_key" ${UNUSED}: client_secret_basic; remove one of the two
`,
  );
  reports(
    withMethod,
    `
client_secret_basic_raw / ${ID}
  => 7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_basic_raw
client_secret_basic_raw / client_id: "a:b" / ${SECRET}
  => 10:16 "providers.main.client_id" must not contain a colon with client_secret_basic_raw; use client_secret_basic
client_secret_post / ${ID}
  => 7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_post
client_secret_post / ${ID} / ${SECRET}
client_secret_jwt / ${ID}
  => 7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_jwt
client_secret_jwt / ${ID} / ${SECRET}
private_key_jwt / ${ID}
  => 7:5 "providers.main" needs client_key or signing.keys for token_endpoint_auth_method: private_key_jwt
private_key_jwt / ${KEY} => 7:5 "providers.main" needs client_id
private_key_jwt / ${ID} / ${SECRET} / ${KEY}
  => 11:5 "providers.main.client_secret" ${UNUSED}: private_key_jwt; remove one of the two
private_key_jwt / ${ID} / ${KEY}
tls_client_auth / ${ID} => ${NO_CERTIFICATE}: tls_client_auth
tls_client_auth / ${ID} / tls: { ca: { env: C } } => ${NO_CERTIFICATE}: tls_client_auth
tls_client_auth / ${TLS} => 7:5 "providers.main" needs client_id
tls_client_auth / ${ID} / ${SECRET} / ${TLS}
  => 11:5 "providers.main.client_secret" ${UNUSED}: tls_client_auth; remove one of the two
tls_client_auth / ${ID} / ${TLS}
self_signed_tls_client_auth / ${ID} => ${NO_CERTIFICATE}: self_signed_tls_client_auth
self_signed_tls_client_auth / ${ID} / tls: { binding: MTLS }
none / ${ID} / ${SECRET} => 11:5 "providers.main.client_secret" ${UNUSED}: none; remove one of the two
none / ${ID} / ${KEY} => 11:5 "providers.main.client_key" ${UNUSED}: none; remove one of the two
none / ${ID} / ${TLS}
none
`,
  );
  reports((text) => withMethod(text) + SIGNING, `private_key_jwt / ${ID}`);
});

describe("a client assertion in a file", () => {
  const FILE_AND_AUD = "client_assertion: { file: f, aud: a }";
  const WRONG_METHOD =
    '11:25 "providers.main.client_assertion.file" is for private_key_jwt without client_key; remove one of the two';
  const NO_AUD = "must be the only audience of the JWT in file, without templates";
  reports(
    withMethod,
    `
private_key_jwt / ${ID} / ${FILE_AND_AUD}
private_key_jwt / ${FILE_AND_AUD}
private_key_jwt / ${ID} / client_assertion: { file: f } => 11:23 "providers.main.client_assertion.aud" ${NO_AUD}
private_key_jwt / ${ID} / client_assertion: { file: f, aud: "{{issuer}}" }
  => 11:39 "providers.main.client_assertion.aud" ${NO_AUD}
private_key_jwt / ${ID} / ${FILE_AND_AUD} / ${KEY} => ${WRONG_METHOD}
client_secret_jwt / ${ID} / ${FILE_AND_AUD} / ${SECRET} => ${WRONG_METHOD}
`,
  );
});

describe("the algorithm of a client assertion", () => {
  const RSA_KEY = "{ kid: r, alg: RS256, private_key: { env: R } }";
  const ALG = '"providers.main.client_assertion.alg"';
  const withAlg = (text: string) => {
    const [alg, method, ...rest] = text.split(" / ");
    return client(
      [`client_assertion: { alg: ${alg} }`, `token_endpoint_auth_method: ${method}`, ID, ...rest].join(" / "),
    );
  };
  reports(
    withAlg,
    `
ES256 / client_secret_jwt / ${SECRET} => 9:30 ${ALG} must be one that client_secret_jwt has here: HS256, HS384, HS512
HS512 / client_secret_jwt / ${SECRET}
HS256 / private_key_jwt / ${KEY}
  => 9:30 ${ALG} must be one that private_key_jwt has here: ES256
PS256 / private_key_jwt / ${KEY} => 9:30 ${ALG} must be one that private_key_jwt has here: ES256
RS256 / private_key_jwt / client_key: [${KEY.slice(12)}, ${RSA_KEY}]
`,
  );
  reports(
    (text) => withAlg(text) + SIGNING,
    `
PS256 / private_key_jwt => 9:30 ${ALG} must be one that private_key_jwt has here: ES256
ES256 / private_key_jwt
`,
  );
});

describe("an answer of any format", () => {
  const UNREADABLE =
    "cannot be checked with answer.format: any, because the body may not be JSON; remove one of the two";
  reports(
    (text) => withProviderKeys(`answer: { ${text}`),
    `
format: any }
format: any, require: [a] } => 11:37 "providers.main.answer.require" ${UNREADABLE}
format: any }\\n    expect_subject: access_token.sub => 12:5 "providers.main.expect_subject" ${UNREADABLE}
format: any }\\n    forbid_members: [a] => 12:5 "providers.main.forbid_members" ${UNREADABLE}
require: [id_token] }\\n    expect_subject: id_token.sub
`,
  );
});

describe("tls", () => {
  reports(
    (text) => withProviderKeys(`tls: { ${text} }`),
    `
certificate: { env: C } => 11:10 "providers.main.tls" needs both certificate and private_key, or neither
private_key: { env: K } => 11:10 "providers.main.tls" needs both certificate and private_key, or neither
ca: { env: C }
certificate: { env: C }, private_key: { env: K }, ca: { file: ca.pem }
`,
  );
});

describe("params", () => {
  const OTHER_KEY = "is set by this proxy; use the key of that name, or token_endpoint_auth_method";
  const params = (text: string) => withProviderKeys(`params: { ${text} }`);
  reports(
    params,
    `
grant_type: x => 11:15 "providers.main.params.grant_type" ${OTHER_KEY}
scope: x => 11:15 "providers.main.params.scope" ${OTHER_KEY}
client_id: x => 11:15 "providers.main.params.client_id" ${OTHER_KEY}
client_secret: x => 11:15 "providers.main.params.client_secret" ${OTHER_KEY}
client_assertion: x => 11:15 "providers.main.params.client_assertion" ${OTHER_KEY}
client_assertion_type: x => 11:15 "providers.main.params.client_assertion_type" ${OTHER_KEY}
constructor: x, toString: y, subject_token: z
`,
  );
  const TYPE = "as well (RFC 8693 section 2.1)";
  reports(
    (text) => replacing("authorization_code", "urn:ietf:params:oauth:grant-type:token-exchange", params(text)),
    `
subject_token: x => 11:15 "providers.main.params.subject_token" needs "params.subject_token_type" ${TYPE}
actor_token: x, subject_token: x, subject_token_type: y
  => 11:15 "providers.main.params.actor_token" needs "params.actor_token_type" ${TYPE}
`,
  );
});

describe("headers", () => {
  const RESERVED =
    "Accept accept-encoding AUTHORIZATION Connection Content-Encoding Content-Length Content-Type Cookie Expect Host HTTP2-Settings " +
    "Keep-Alive Proxy-Authorization Proxy-Connection TE Trailer Transfer-Encoding Upgrade User-Agent";
  const ASCII = "must be visible ASCII, without spaces at the start or end";
  reports(
    (text) => withProviderKeys(`headers: { ${text} }`),
    `
${RESERVED.split(" ")
  .map((name) => `${name}: x => 11:16 "providers.main.headers.${name}" is set by this proxy; remove it`)
  .join("\n")}
X-A: "", X-B: Café, X-C: " {{userid}}", X-D: "a{{userid}}"
  => 11:21 "providers.main.headers.X-A" ${ASCII}
  => 11:30 "providers.main.headers.X-B" ${ASCII}
  => 11:41 "providers.main.headers.X-C" ${ASCII}
X-Tenant: a b, X-Key: { env: K }
`,
  );
});

describe("a JWT that the request does not contain", () => {
  reports(
    (text) => withProviderKeys(`jwt: { user: { ttl: 60s } } ${text}`),
    `
\\n    params: { assertion: "{{jwt.user}}" }
  => 10:17 "providers.main.grant_type" needs "signing", because the request contains a JWT signed by this proxy
# none => 11:12 "providers.main.jwt.user" is not used; write {{jwt.user}} in params or headers, or correct grant_type
`,
  );
});
