// The shape of get_token, nextauth and webnonce_exchange.

import { describe, expect, it } from "vitest";
import { isRequired } from "../../src/nextauth/settings.ts";
import { configOf, faultsOf, reports, withKeys } from "../config/file.ts";
import { reportsShape } from "../config/shape.ts";

const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const MISSING = "is missing; write { env: NAME } or { file: PATH }";
const MAPPING = "must be a mapping of keys to values";
const DURATION = "must be a duration with a unit, like 500ms, 5s or 10m";

describe("a serverid", () => {
  const serverid = (text: string) => withKeys(`routes: [{ serverid: ${text}, provider: main }]`);
  it.each(['".."', '"a\\tb"', "a".repeat(257), '"\\ud800"'])("must be one that a call can have, not %.12s", (text) => {
    expect(faultsOf(serverid(text))).toEqual([expect.stringMatching(/^f\.yaml:11:22 "routes\[0\]\.serverid" /)]);
  });
});

describe("get_token", () => {
  const PATH = "must be a path like /getToken or /servers/{serverid}/getToken";
  reportsShape(
    (text) => withKeys(`get_token: ${text}`),
    `
POST => 11:12 "get_token" ${MAPPING}
[] => 11:12 "get_token" must have at least one entry
[{ path: /a }, 7] => 11:27 "get_token[1]" ${MAPPING}
[{ path: /a }, { pth: /b }] => 11:29 "get_token[1].pth" unknown key; did you mean "path"?
[{ path: /a }, { path: "/servers/{serverid}/b", method: POST }]
{ method: PUT } => 11:22 "get_token.method" must be one of POST, GET
{ path: getToken } => 11:20 "get_token.path" ${PATH}
{ path: / } => 11:20 "get_token.path" ${PATH}
{ path: //getToken } => 11:20 "get_token.path" ${PATH}
{ path: /get%54oken } => 11:20 "get_token.path" ${PATH}
{ path: "/getToken?a=b" } => 11:20 "get_token.path" ${PATH}
{ path: "/:serverid/getToken" } => 11:20 "get_token.path" ${PATH}
{ path: "/*" } => 11:20 "get_token.path" ${PATH}
{ path: "/a{serverid}" } => 11:20 "get_token.path" ${PATH}
{ session: maybe } => 11:23 "get_token.session" must be one of verify, trust
{ apikey_header: X Key }
  => 11:29 "get_token.apikey_header" must be the name of a header, like X-apikey
`,
  );
  const USERID = '"get_token.values.userid';
  reportsShape(
    (text) => withKeys(`get_token: { values: { nonce: [body:/n], userid: ${text} } }`),
    `
[body:/u, "form:u"]
{ from: ["header:u", "query:u"], type: text, max_length: 16384, required: true }
body:/userid => 11:50 ${USERID}" must be a list of places to look, or { from, type, max_length, pattern, required }
[] => 11:50 ${USERID}" must have at least one entry
[1] => 11:51 ${USERID}[0]" must be text; put it in quotes
[cookie:a] => 11:51 ${USERID}[0]" …
[body:d] => 11:51 ${USERID}[0]" …
{} => 11:50 ${USERID}.from" is missing
{ from: [cookie:a] } => 11:59 ${USERID}.from[0]" …
{ from: [body:/u], maxlength: 3 } => 11:69 ${USERID}.maxlength" unknown key; did you mean "max_length"?
{ from: [body:/u], type: number } => 11:75 ${USERID}.type" must be one of text, integer
{ from: [body:/u], max_length: 0 } => 11:81 ${USERID}.max_length" must be at least 1
{ from: [body:/u], max_length: 16385 } => 11:81 ${USERID}.max_length" must be at most 16384
{ from: [body:/u], required: yes } => 11:79 ${USERID}.required" must be true or false
`,
  );
});

describe("nextauth", () => {
  const URL = "url: https://ns.example";
  const KEY = "apikey: { env: N }";
  const nextauth = (text: string) => withKeys(`nextauth: ${text}`);

  it("requires only url and apikey", () => {
    const server = { timeout: 1_500, connect_timeout: 1_000, session_cache: 0, apikey: { env: "N" } };
    expect(configOf(nextauth(`{ ${URL}, ${KEY} }`)).nextauth).toEqual([{ url: "https://ns.example", ...server }]);
    expect(configOf(nextauth(`[{ ${URL}/, ${KEY} }]`)).nextauth).toEqual([{ url: "https://ns.example", ...server }]);
  });

  it("accepts all its keys", () => {
    const tls = "{ certificate: { file: c }, private_key: { file: k }, ca: { env: CA } }";
    const text = `{ url: "http://127.0.0.1:8080/api//", apikey: { file: a }, su: "42", serverid: "c2VydmVyLTE=", serverids: ["c2VydmVyLTE=", b], timeout: 500ms, session_cache: 60s, tls: ${tls} }`;
    expect(configOf(nextauth(text)).nextauth).toEqual([
      {
        url: "http://127.0.0.1:8080/api",
        apikey: { file: "a" },
        su: "42",
        serverid: "c2VydmVyLTE=",
        serverids: ["c2VydmVyLTE=", "b"],
        timeout: 500,
        connect_timeout: 1_000,
        session_cache: 60_000,
        tls: { certificate: { file: "c" }, private_key: { file: "k" }, ca: { env: "CA" } },
      },
    ]);
  });

  reportsShape(
    nextauth,
    `
~ => 11:1 "nextauth" is empty; write a value, or indent the lines that belong to it
[] => 11:11 "nextauth" must have at least one entry
[https://ns.example] => 11:12 "nextauth[0]" ${MAPPING}
[{ ${URL}, ${KEY}, serverids: [a] }, { ${URL}, ${KEY} }]
{ ${KEY} } => 11:11 "nextauth.url" is missing
{ ${URL} } => 11:11 "nextauth.apikey" ${MISSING}
{ ${URL}, apikey: Zq7xWv4kPj } => 11:46 "nextauth.apikey" ${SECRET}
{ url: ns.example, ${KEY} } => 11:18 "nextauth.url" …
{ ${URL}, ${KEY}, su: é } => 11:62 "nextauth.su" must be visible ASCII
{ ${URL}, ${KEY}, serverid: 7 } => 11:68 "nextauth.serverid" must be text; put it in quotes
{ ${URL}, ${KEY}, serverids: [] } => 11:69 "nextauth.serverids" must have at least one entry
{ ${URL}, ${KEY}, timeout: 2 } => 11:67 "nextauth.timeout" ${DURATION}
{ ${URL}, ${KEY}, serverId: x } => 11:58 "nextauth.serverId" unknown key; did you mean "serverid"?
{ ${URL}, ${KEY}, tls: { ca: ca.pem } } => 11:69 "nextauth.tls.ca" ${SECRET}
[{ ${URL}, ${KEY}, tymeout: 3s }] => 11:59 "nextauth[0].tymeout" unknown key; did you mean "timeout"?
`,
  );
  reports(
    nextauth,
    `
{ url: http://ns.example, ${KEY} } => 11:18 "nextauth.url" …
{ url: "https://ns.example?a=b", ${KEY} } => 11:18 "nextauth.url" …
{ url: "https://a:b@ns.example", ${KEY} } => 11:18 "nextauth.url" …
{ ${URL}, ${KEY}, session_cache: 60001ms } => 11:73 "nextauth.session_cache" must be at most 60s
{ ${URL}, ${KEY}, serverid: ".." } => 11:68 "nextauth.serverid" …
{ ${URL}, ${KEY}, serverids: [a, "."] } => 11:73 "nextauth.serverids[1]" …
`,
  );
});

describe("get_token.answer", () => {
  const AT = '"get_token.answer';
  const NO_CODE = "is no error_code of getToken";
  reportsShape(
    (text) => withKeys(`get_token: { answer: ${text}, session: trust }`),
    `
{ refusals: own, statuses: { our_errors: 500, provider_timeout: 599, provider_refused_user: 400 } }
{}
{ refusals: none } => 11:34 ${AT}.refusals" must be one of relay, own
{ statuses: { provider_timout: 502 } }
  => 11:36 ${AT}.statuses.provider_timout" ${NO_CODE}; did you mean "provider_timeout"?
{ statuses: { our_error: 502 } } => 11:36 ${AT}.statuses.our_error" ${NO_CODE}; did you mean "our_errors"?
{ statuses: { teapot: 418 } } => 11:36 ${AT}.statuses.teapot" ${NO_CODE}; docs/match-the-vendor.md lists them
{ statuses: { not_found: 400 } } => 11:36 ${AT}.statuses.not_found" ${NO_CODE}; docs/match-the-vendor.md lists them
{ statuses: { toString: 400 } } => 11:36 ${AT}.statuses.toString" ${NO_CODE}; docs/match-the-vendor.md lists them
{ statuses: { no_route: 200 } } => 11:46 ${AT}.statuses.no_route" must be at least 400
{ statuses: { no_route: 399 } } => 11:46 ${AT}.statuses.no_route" must be at least 400
{ statuses: { no_route: 600 } } => 11:46 ${AT}.statuses.no_route" must be at most 599
{ statuses: { no_route: "404" } } => 11:46 ${AT}.statuses.no_route" must be a whole number
{ statuses: [502] } => 11:34 ${AT}.statuses" ${MAPPING}, not a list
{ status: 502 } => 11:24 ${AT}.status" unknown key; did you mean "statuses"?
`,
  );
});

describe("webnonce_exchange", () => {
  const exchange = (text: string) =>
    withKeys(`webnonce_exchange: ${text}`, "nextauth: { url: https://ns.example, apikey: { env: N }, serverid: a }");

  it("is off unless configured, and needs no keys", () => {
    expect(configOf(withKeys()).webnonce_exchange).toEqual([]);
    expect(configOf(exchange("{}")).webnonce_exchange).toEqual([
      {
        path: "/token",
        timeout: 8_000,
        rate_limit: {
          per_address: { limit: 300, window: 60_000, binding: "WEBNONCE_EXCHANGE_PER_ADDRESS" },
          per_webnonce: { limit: 10, window: 60_000, binding: "WEBNONCE_EXCHANGE_PER_WEBNONCE" },
        },
      },
    ]);
  });

  const PATH = "must be a path like /token";
  const LIMIT = '"webnonce_exchange.rate_limit.per_address';
  reportsShape(
    exchange,
    `
{ path: /oauth2/token/, provider: main, serverid: b, rate_limit: { per_webnonce: { limit: 1000000 } } }
~ => 11:1 "webnonce_exchange" is empty; write a value, or indent the lines that belong to it
[{}, { path: /b }]
[] => 11:20 "webnonce_exchange" must have at least one entry
[{}, 7] => 11:25 "webnonce_exchange[1]" ${MAPPING}
[{ path: / }] => 11:29 "webnonce_exchange[0].path" ${PATH}
{ pth: /x } => 11:22 "webnonce_exchange.pth" unknown key; did you mean "path"?
{ path: token } => 11:28 "webnonce_exchange.path" ${PATH}
{ path: / } => 11:28 "webnonce_exchange.path" ${PATH}
{ path: /a//b } => 11:28 "webnonce_exchange.path" ${PATH}
{ path: "/{x}" } => 11:28 "webnonce_exchange.path" ${PATH}
{ path: "/a?b" } => 11:28 "webnonce_exchange.path" ${PATH}
{ path: /t%6fken } => 11:28 "webnonce_exchange.path" ${PATH}
{ provider: "" } => 11:32 "webnonce_exchange.provider" must not be empty
{ serverid: "" } => 11:32 "webnonce_exchange.serverid" must not be empty
{ rate_limit: 10 } => 11:34 "webnonce_exchange.rate_limit" ${MAPPING}
{ rate_limit: { per_adress: {} } }
  => 11:36 "webnonce_exchange.rate_limit.per_adress" unknown key; did you mean "per_address"?
{ rate_limit: { per_address: 10 } } => 11:49 ${LIMIT}" ${MAPPING}
{ rate_limit: { per_address: { limit: 1000001 } } } => 11:58 ${LIMIT}.limit" must be at most 1000000
{ rate_limit: { per_address: { window: 60 } } } => 11:59 ${LIMIT}.window" ${DURATION}
{ rate_limit: { per_address: { binding: a-b } } }
  => 11:60 ${LIMIT}.binding" must be the name of a binding: letters, digits and _
`,
  );
});

describe("the session mode", () => {
  it("decides whether a call needs a userid or a nonce", () => {
    const required = (session: "verify" | "trust") =>
      ["serverid", "userid", "accountid", "nonce", "extra"].filter((name) => isRequired(name, session));
    expect(required("trust")).toEqual(["userid"]);
    expect(required("verify")).toEqual(["nonce"]);
  });
});
