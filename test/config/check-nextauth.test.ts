// Rules for the bindings of getToken, the nextAuth Servers and the webNonce exchange.

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { FILE, reports, withKeys, withProviderKeys } from "./file.ts";

const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
const WITH_DEFAULT = NEXTAUTH.replace(" } }", " }, serverid: a }");
/** A binding that reads no serverid. */
const WITHOUT_SERVERID = "values: { userid: [body:/u], nonce: [body:/n] }";

/** TEXT starts in column 12 of line 11. */
const getToken = (text: string) => withKeys(`get_token: ${text}`);
const values = (text: string) => getToken(`{ values: { nonce: [header:X-nonce], ${text} } }`);

describe("unreachable bindings", () => {
  const NEVER = "is unreachable, because a binding above matches the same calls; move it up";
  const GET = "method: GET, values: { userid: [query:u], nonce: [query:n] }";
  reports(
    getToken,
    `
[{}, {}] => 11:17 "get_token[1].path" ${NEVER}
[{ path: "/{x}" }, { path: /a }] => 11:39 "get_token[1].path" ${NEVER}
[{ path: "/{x}" }, { path: /a, ${GET} }] => 11:39 "get_token[1].path" ${NEVER}
[{ path: "/{x}/t" }, { path: "/{y}/t", ${GET} }] => 11:41 "get_token[1].path" ${NEVER}
[{ path: /a }, { path: /b }, { path: /b }, { path: /a }]
  => 11:49 "get_token[2].path" is unreachable, because a binding above matches the same calls; move it up
  => 11:63 "get_token[3].path" ${NEVER}
[{ path: /a }, { path: /a, ${GET} }]
[{ path: /a }, { path: "/{x}" }, { path: "/{x}/" }, { path: "/{x}/{y}" }]
`,
  );
});

describe("the path of a binding", () => {
  const FAULT = "must not be /healthz, nor have /.well-known/, dot segments or a name twice";
  reports(
    getToken,
    `
{ path: /healthz } => 11:20 "get_token.path" ${FAULT}
{ path: /.well-known/jwks.json } => 11:20 "get_token.path" ${FAULT}
{ path: /x/.well-known/y } => 11:20 "get_token.path" ${FAULT}
{ path: /a/../b } => 11:20 "get_token.path" ${FAULT}
{ path: /a/. } => 11:20 "get_token.path" ${FAULT}
{ path: "/{b}/a/{b}" } => 11:20 "get_token.path" ${FAULT}
{ path: /a..b/.c }
{ path: /healthz/a }
`,
  );
});

describe("the method of a binding", () => {
  const NO_BODY = "from it; use query:, header: or path:";
  reports(
    getToken,
    `
{ method: GET }
  => 11:22 "get_token.method" is GET, which has no body, but values reads ${NO_BODY}
[{ path: /a }, { path: /b, method: GET, values: { nonce: [query:n, body:/a], serverid: [form:s] } }]
  => 11:47 "get_token[1].method" is GET, which has no body, but values reads ${NO_BODY}
{ method: GET, values: { userid: [query:u], nonce: [query:n] } }
`,
  );
});

describe("the values of a binding", () => {
  const PATTERN =
    "must be fixed text around one group with at most one *, + or ?, like ^urn:user:(.+)$, of up to 200 characters";
  const CREDENTIALS = "must not be a header with the caller's credentials";
  reports(
    values,
    `
userid: [body:/a], client_id: [body:/b]
  => 11:68 "get_token.values.client_id" is a built-in name of templates; choose another
userid: [body:/a], iat: [body:/b] => 11:68 "get_token.values.iat" is a built-in name of templates; choose another
userid: [body:/u, path:x] => 11:67 "get_token.values.userid[1]" is not a segment of "get_token.path"; add {x} there
userid: [body:/a], x: ["header:X-apikey"] => 11:72 "get_token.values.x[0]" ${CREDENTIALS}
userid: [body:/a], x: ["header:Proxy-Authorization"] => 11:72 "get_token.values.x[0]" ${CREDENTIALS}
userid: [body:/a], x: { from: [body:/b, "header:COOKIE"] } => 11:89 "get_token.values.x.from[1]" ${CREDENTIALS}
userid: [body:/a], x: ["header:Authorization"]
userid: { from: [body:/u], type: integer }
  => 11:82 "get_token.values.userid.type" must be text, the type of nextAuth's userid
userid: [body:/u], accountid: { from: [body:/a], type: text }
  => 11:104 "get_token.values.accountid.type" must be integer, the type of nextAuth's accountid
userid: [body:/u], x: { from: [body:/a], pattern: "^(a+)+$" } => 11:99 "get_token.values.x.pattern" ${PATTERN}
userid: { from: [body:/u], pattern: "^urn:user:(.+)$" }
`,
  );
  reports(
    getToken,
    `
{ path: "/{s}/{u}", values: { serverid: [path:s], userid: [path:u], nonce: [body:/n] } }
{ apikey_header: AUTHORIZATION, values: { userid: [body:/a], nonce: [body:/n], x: ["header:Authorization"] } }
  => 11:95 "get_token.values.x[0]" ${CREDENTIALS}
`,
  );
});

describe("the session of a binding", () => {
  const NONCE = "nonce: [body:/n]";
  const UNCONFIRMED =
    'is verify, the default, which needs "nextauth", the server that confirms each session; add it, or write ' +
    '"session: trust" to believe callers: anyone with an API key can then get a token for any user';
  it("is refused if nothing says whether callers are trusted", () => {
    expect(() => parseConfig(FILE, "f.yaml")).toThrow(`f.yaml:1:1 "get_token.session" ${UNCONFIRMED}`);
  });
  reports(
    getToken,
    `
{ session: verify } => 11:23 "get_token.session" ${UNCONFIRMED}
[{ path: /a, session: trust }, { path: /b, session: verify }] => 11:64 "get_token[1].session" ${UNCONFIRMED}
{ ${WITHOUT_SERVERID} }\\n${NEXTAUTH}
  => 11:22 "get_token.values" must contain serverid, unless "nextauth.serverid" sets a default
{ session: trust, ${WITHOUT_SERVERID} }\\n${NEXTAUTH}
{ ${WITHOUT_SERVERID} }\\n${WITH_DEFAULT}
{ values: { ${NONCE} } } => 11:22 "get_token.values" must contain userid, the user to get a token for
{ session: trust, values: { ${NONCE} } }\\n${WITH_DEFAULT}
  => 11:38 "get_token.values" must contain userid, the user to get a token for
{ values: { userid: [body:/u] } }\\n${WITH_DEFAULT}
  => 10:17 "providers.main.grant_type" uses {{nonce}}, which no call provides; add it to "get_token.values"
  => 11:22 "get_token.values" must contain nonce, the session to verify
`,
  );
});

describe("a nextAuth Server", () => {
  const SERVER = "url: https://ns.example, apikey: { env: N }";
  const BOTH = "needs both certificate and private_key, or neither";
  reports(
    (text) => withKeys(`nextauth: { ${SERVER}, ${text} }`),
    `
timeout: 3s, connect_timeout: 3s
tls: { certificate: { env: C } } => 11:63 "nextauth.tls" ${BOTH}
`,
  );

  /** Each text is a server, on lines 12, 13 and so on; its own keys start in column 52. */
  const servers = (text: string) =>
    withKeys("nextauth:", ...text.split(" / ").map((keys) => `  - { ${`${SERVER}, ${keys}`.replace(/, none$/, "")} }`));
  const SHADOWED = "is unreachable, because a server above answers for its serverids; move it up";
  reports(
    servers,
    `
serverids: [a, b] / serverids: [c], serverid: c / none
none / none => 13:5 "nextauth[1]" ${SHADOWED}
none / serverids: [a] / serverids: [a]
  => 13:5 "nextauth[1]" ${SHADOWED}
  => 14:5 "nextauth[2]" ${SHADOWED}
serverids: [a, b] / serverids: [b] => 13:5 "nextauth[1]" ${SHADOWED}
serverids: [a] / serverids: [b, a]
serverids: [a] / serverid: b, serverids: [c] => 13:62 "nextauth[1].serverid" is not in serverids; add it there
serverids: [a], serverid: a / serverid: b
  => 13:62 "nextauth[1].serverid" is a second default; only one server can have serverid
serverids: [a] / serverids: [b], tls: { certificate: { env: C } }
  => 13:73 "nextauth[1].tls" ${BOTH}
`,
  );
});

describe("the webNonce exchange", () => {
  const TWO_SERVERS =
    "nextauth: [{ url: https://a.example, apikey: { env: N }, serverids: [b] }, { url: https://b.example, apikey: { env: N }, serverid: a }]";
  const OF_A_AND_B = NEXTAUTH.replace(" } }", " }, serverids: [a, b] }");
  const UNREACHABLE = "is unreachable, because a binding of get_token has the same path; choose another";
  const route = (serverid: string) => `routes: [{ serverid: ${serverid}, provider: main }]`;
  reports(
    (text) => withKeys(`webnonce_exchange: ${text}`),
    `
{ serverid: a } => 11:20 "webnonce_exchange" needs "nextauth", the server that knows whose webNonce it is
{}\\n${NEXTAUTH}
  => 11:20 "webnonce_exchange" needs a serverid, here or as "nextauth.serverid", because a webNonce does not contain one
{ serverid: a }\\n${NEXTAUTH}
{ serverid: b }\\n${OF_A_AND_B}
{ serverid: c }\\n${OF_A_AND_B}
  => 11:32 "webnonce_exchange.serverid" is not a serverid of any server under "nextauth"; add it there
{ path: /healthz }\\n${WITH_DEFAULT}
  => 11:28 "webnonce_exchange.path" must not be /healthz, nor have /.well-known/, dot segments or a name twice
{ path: /getToken }\\n${WITH_DEFAULT} => 11:28 "webnonce_exchange.path" ${UNREACHABLE}
{}\\n${WITH_DEFAULT}\\nget_token: [{ path: /a }, { path: "/{b}" }] => 11:20 "webnonce_exchange.path" ${UNREACHABLE}
{ path: /getToken/ }\\n${WITH_DEFAULT}
{ path: /a }\\n${WITH_DEFAULT}\\nget_token: { path: "/a/{b}" }
{ provider: mian }\\n${WITH_DEFAULT}
  => 11:32 "webnonce_exchange.provider" is not a provider of this file; did you mean "main"?
{}\\n${WITH_DEFAULT}\\n${route("a")}
{ provider: main }\\n${WITH_DEFAULT}\\n${route("b")}
{ serverid: z }\\n${WITH_DEFAULT}\\nroutes: [{ serverid: a, provider: main }, { provider: main }]
{}\\n${WITH_DEFAULT}\\n${route("b")}
  => 11:20 "webnonce_exchange" needs a provider, because no route matches its serverid; set provider
{}\\n${TWO_SERVERS}\\n${route("a")}
{ serverid: z }\\n${TWO_SERVERS}\\n${route("z")}
[{}, { path: /b }, {}]\\n${WITH_DEFAULT}
  => 11:39 "webnonce_exchange[2].path" is that of an exchange above; give each a different path
[{ path: /a }, { path: /a, provider: mian }]\\n${WITH_DEFAULT}
  => 11:43 "webnonce_exchange[1].path" is that of an exchange above; give each a different path
  => 11:57 "webnonce_exchange[1].provider" is not a provider of this file; did you mean "main"?
`,
  );
});

describe("the provider of a binding", () => {
  const DEVICE =
    'uses "providers.main", which needs {{device}}, but none of these calls has it; choose another provider';
  const WITH = "{ path: /a, provider: main, values: { nonce: [body:/n], device: [body:/d] } }";
  const NEEDING = withProviderKeys('params: { d: "{{device}}" }');
  reports(
    (text) => `${NEEDING}get_token: [${WITH}, { ${text} }]\n${WITH_DEFAULT}\n`,
    `
path: /b
provider: mian => 12:104 "get_token[1].provider" is not a provider of this file; did you mean "main"?
provider: main => 12:104 "get_token[1].provider" ${DEVICE}
provider: main, values: { nonce: [body:/n], device: [query:d] }
`,
  );
  // The session and the default serverid supply what the binding does not read.
  const SESSION = withProviderKeys('params: { a: "{{serverid}}", b: "{{accountid}}" }');
  reports(
    (session) =>
      `${SESSION}get_token: { provider: main, ${WITHOUT_SERVERID}, session: ${session} }\n${WITH_DEFAULT}\nwebnonce_exchange: {}\n`,
    `
verify
trust => 12:24 "get_token.provider" uses "providers.main", which needs {{accountid}}, but none of these calls has it; choose another provider
`,
  );
  // Without a default, a trusted call has only what its binding reads.
  reports(
    (values) =>
      `${withProviderKeys('params: { s: "{{serverid}}" }')}get_token: [{ path: /a, session: trust, provider: main }, { path: /b, session: trust, provider: main, values: { ${values} } }]\n`,
    `
userid: [body:/u], nonce: [body:/n], serverid: [body:/s]
userid: [body:/u], nonce: [body:/n] => 12:97 "get_token[1].provider" uses "providers.main", which needs {{serverid}}, but none of these calls has it; choose another provider
`,
  );
});

describe("the provider of the webNonce exchange", () => {
  const BINDING = "get_token: { values: { userid: [body:/u], nonce: [body:/n], device: [body:/d] } }";
  /** A provider that needs the template, and the exchange on line 12. */
  const needing = (template: string, keys = "{}") =>
    `${withProviderKeys(`params: { d: "${template}" }`)}webnonce_exchange: ${keys}\n${WITH_DEFAULT}\n${BINDING}\n`;
  const DEVICE =
    'uses "providers.main", which needs {{device}}, but none of these calls has it; choose another provider';
  reports(
    needing,
    `
{{serverid}} {{userid}} {{accountid}} {{nonce}}
{{attributes.mail}} {{uuid}} {{now}} {{client_id}}
{{device}} => 12:20 "webnonce_exchange" ${DEVICE}
{{device}} {{divice}}
  => 11:18 "providers.main.params.d" uses {{divice}}, which no call provides; did you mean "device"?
`,
  );
  const other = "  other: { issuer: https://o.example, client_id: x, client_secret: { env: S }, grant_type: x }\n";
  reports(
    (provider) =>
      `${needing("{{device}}", `{ provider: ${provider} }`).replace("webnonce", `${other}webnonce`)}routes: [{ provider: main }]\n`,
    `
main => 13:20 "webnonce_exchange" ${DEVICE}
other
`,
  );
  // No binding reads the accountid, but the session of a webNonce provides it.
  reports(
    (keys) =>
      `${FILE.replace("authorization_code", 'x\n    params: { a: "{{accountid}}" }')}get_token: { session: trust, ${WITHOUT_SERVERID} }\n${WITH_DEFAULT}\n${keys}\n`,
    `
webnonce_exchange: {}
# none => 11:18 "providers.main.params.a" uses {{accountid}}, which no call provides; add it to "get_token.values"
`,
  );
});
