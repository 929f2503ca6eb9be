// nextauth: one server or a list, in which each virtual server belongs to one server.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, withKeys } from "./file.ts";
import { reports } from "./reports.ts";

const URL = "url: https://ns.example";
const KEY = "apikey: { env: N }";
/** Required keys; the next key starts in column 58 of line 11. */
const SERVER = `${URL}, ${KEY}`;

const nextauth = (text: string) => withKeys(`nextauth: ${text}`);
const server = (text: string) => nextauth(`{ ${SERVER}, ${text} }`);
/** A list of servers on lines 12, 13 and so on; the next key starts in column 52. */
const servers = (...texts: string[]) =>
  withKeys("nextauth:", ...texts.map((text) => `  - { ${SERVER}${text === "" ? "" : `, ${text}`} }`));

describe("a nextAuth Server", () => {
  it("requires only url and apikey", () => {
    expect(configOf(nextauth(`{ ${SERVER} }`)).nextauth).toEqual([
      {
        url: "https://ns.example",
        apikey: { env: "N" },
        timeout: 2_000,
        connect_timeout: 1_000,
        session_cache: 0,
      },
    ]);
  });

  it("accepts all its keys", () => {
    const text = nextauth(`
  url: http://127.0.0.1:8080/api
  apikey: { file: apikey }
  su: "42"
  serverid: "c2VydmVyLTE="
  serverids: ["c2VydmVyLTE=", b]
  timeout: 500ms
  session_cache: 60s
  tls: { certificate: { file: c }, private_key: { file: k }, ca: { env: CA } }`);
    expect(configOf(text).nextauth).toEqual([
      {
        url: "http://127.0.0.1:8080/api",
        apikey: { file: "apikey" },
        su: "42",
        serverid: "c2VydmVyLTE=",
        serverids: ["c2VydmVyLTE=", "b"],
        timeout: 500,
        connect_timeout: 500,
        session_cache: 60_000,
        tls: { certificate: { file: "c" }, private_key: { file: "k" }, ca: { env: "CA" } },
      },
    ]);
  });

  it.each(["https://ns.example/", "https://ns.example//"])("drops the slashes at the end of %s", (url) => {
    expect(configOf(nextauth(`{ url: "${url}", ${KEY} }`)).nextauth[0]?.url).toBe("https://ns.example");
  });

  it("can have a connect_timeout as long as its timeout", () => {
    expect(configOf(server("timeout: 3s, connect_timeout: 3s")).nextauth[0]?.connect_timeout).toBe(3_000);
  });

  it("can have a TLS binding for Workers", () => {
    expect(configOf(server("tls: { binding: MTLS }")).nextauth[0]?.tls).toEqual({ binding: "MTLS" });
  });

  it("is optional", () => {
    expect(configOf(withKeys()).nextauth).toEqual([]);
  });
});

describe("several nextAuth Servers", () => {
  it("can each have serverids, and the last one all others", () => {
    const text = servers("serverids: [a, b]", "serverids: [c], serverid: c", "");
    expect(configOf(text).nextauth.map(({ serverids, serverid }) => [serverids, serverid])).toEqual([
      [["a", "b"], undefined],
      [["c"], "c"],
      [undefined, undefined],
    ]);
  });

  it("can be a list of one", () => {
    expect(configOf(servers("")).nextauth).toEqual(configOf(nextauth(`{ ${SERVER} }`)).nextauth);
  });
});

const SECRET = "must be { env: NAME } or { file: PATH }; secrets are never written in the file";
const MAPPING = "must be a mapping of keys to values";
const BOTH = "needs both certificate and private_key, or neither";

describe("a fault", () => {
  reports([
    [nextauth(""), `11:11 "nextauth" ${MAPPING}`],
    [nextauth("[]"), '11:11 "nextauth" must have at least one entry'],
    [nextauth("https://ns.example"), `11:11 "nextauth" ${MAPPING}`],
    [nextauth("[https://ns.example]"), `11:12 "nextauth[0]" ${MAPPING}`],
    [nextauth(`{ ${KEY} }`), '11:11 "nextauth.url" is missing'],
    [nextauth(`{ ${URL} }`), '11:11 "nextauth.apikey" is missing; write { env: NAME } or { file: PATH }'],
    [nextauth(`{ ${URL}, apikey: Zq7xWv4kPj }`), `11:46 "nextauth.apikey" ${SECRET}`],
    [nextauth(`{ url: http://ns.example, ${KEY} }`), '11:18 "nextauth.url" …'],
    [nextauth(`{ url: "https://ns.example?a=b", ${KEY} }`), '11:18 "nextauth.url" …'],
    [nextauth(`{ url: "https://a:b@ns.example", ${KEY} }`), '11:18 "nextauth.url" …'],
    [nextauth(`{ url: ns.example, ${KEY} }`), '11:18 "nextauth.url" …'],
    [server("su: é"), '11:62 "nextauth.su" must be visible ASCII'],
    [server('su: ""'), '11:62 "nextauth.su" must be visible ASCII'],
    [server("su: 42"), '11:62 "nextauth.su" must be text; put it in quotes'],
    [server('serverid: ""'), '11:68 "nextauth.serverid" must not be empty'],
    [server("serverid: 7"), '11:68 "nextauth.serverid" must be text; put it in quotes'],
    [server("serverids: []"), '11:69 "nextauth.serverids" must have at least one entry'],
    [server("serverids: a"), '11:69 "nextauth.serverids" must be a list, such as [a, b]'],
    [server('serverids: [a, ""]'), '11:73 "nextauth.serverids[1]" must not be empty'],
    [server("serverids: [a, b, a]"), '11:76 "nextauth.serverids[2]" is listed above already; remove one of the two'],
    [server("serverid: b, serverids: [a]"), `11:68 "nextauth.serverid" is not in serverids; add it there`],
    [server("timeout: 2"), '11:67 "nextauth.timeout" must be a duration with a unit, like 500ms, 5s or 10m'],
    [server("timeout: 0s"), '11:67 "nextauth.timeout" must be between 1ms and 24h'],
    [
      server("connect_timeout: 2001ms"),
      '11:75 "nextauth.connect_timeout" must not be longer than timeout, which includes it',
    ],
    [server("session_cache: 60001ms"), '11:73 "nextauth.session_cache" must be at most 60s'],
    [server("api_key: x"), '11:58 "nextauth.api_key" unknown key; did you mean "apikey"?'],
    [server("serverId: x"), '11:58 "nextauth.serverId" unknown key; did you mean "serverid"?'],
    [server("tls: { ca: ca.pem }"), `11:69 "nextauth.tls.ca" ${SECRET}`],
    [server("tls: { certificate: { env: C } }"), `11:63 "nextauth.tls" ${BOTH}`],
    [server("tls: { private_key: { env: K } }"), `11:63 "nextauth.tls" ${BOTH}`],
    [
      server("tls: { binding: M, ca: { env: C } }"),
      '11:74 "nextauth.tls.binding" is for Workers; certificate, private_key and ca are for Node; remove one or the other',
    ],
  ]);
});

describe("a fault in a list", () => {
  reports([
    [servers("serverids: [a]", "tymeout: 3s"), '13:52 "nextauth[1].tymeout" unknown key; did you mean "timeout"?'],
    [servers("serverids: [a]", "tls: { ca: x }"), `13:63 "nextauth[1].tls.ca" ${SECRET}`],
    [servers("serverids: [a]", "tls: { certificate: { env: C } }"), `13:57 "nextauth[1].tls" ${BOTH}`],
    [
      servers("", ""),
      '13:5 "nextauth[1]" is unreachable, because a server above it answers for every serverid; move it up',
    ],
    [
      servers("", "serverids: [a]", "serverids: [a]"),
      '13:5 "nextauth[1]" is unreachable, because a server above it answers for every serverid; move it up',
      '14:5 "nextauth[2]" is unreachable, because a server above it answers for every serverid; move it up',
    ],
    [
      servers("serverids: [a]", "serverids: [b, a]"),
      '13:67 "nextauth[1].serverids[1]" is listed above already; remove one of the two',
    ],
    [
      servers("serverids: [a], serverid: a", "serverid: b"),
      '13:62 "nextauth[1].serverid" is a second default; only one server can have serverid',
    ],
    [
      servers("serverids: [a], timeout: 1s, connect_timeout: 2s", "serverids: [b], serverid: c"),
      '12:98 "nextauth[0].connect_timeout" must not be longer than timeout, which includes it',
      `13:78 "nextauth[1].serverid" is not in serverids; add it there`,
    ],
  ]);
});

describe("a nextAuth Server at fault", () => {
  it("neither hides nor causes other faults", () => {
    const text = `${nextauth(`{ ${URL}, apikey: x, su: é }`)}log: { level: loud }\n`;
    expect(faultsOf(text)).toEqual([
      `f.yaml:11:46 "nextauth.apikey" ${SECRET}`,
      'f.yaml:11:53 "nextauth.su" must be visible ASCII',
      'f.yaml:12:15 "log.level" must be one of error, warn, info, debug',
    ]);
    // The faulty server may have a default serverid, so none is demanded elsewhere.
    const needing = ["webnonce_exchange: {}", "get_token: { values: { userid: [body:/u], nonce: [body:/n] } }"];
    for (const more of [...needing, "webnonce_exchange: { serverid: a }"]) {
      expect(faultsOf(`${nextauth("{}")}${more}\n`)).toEqual(faultsOf(nextauth("{}")));
    }
  });
});

describe("a serverid that no call can have is reported", () => {
  reports([
    [server('serverid: ".."'), '11:68 "nextauth.serverid" …'],
    [server('serverid: "a\\tb"'), '11:68 "nextauth.serverid" …'],
    [server(`serverid: ${"a".repeat(257)}`), '11:68 "nextauth.serverid" …'],
    [server('serverid: "\\ud800"'), '11:68 "nextauth.serverid" …'],
    [server('serverids: [a, "."]'), '11:73 "nextauth.serverids[1]" …'],
    [withKeys('routes: [{ serverid: "..", provider: main }]'), '11:22 "routes[0].serverid" …'],
    [
      servers("serverids: [a]", "serverid: a"),
      '13:62 "nextauth[1].serverid" belongs to a server above; set the default there',
    ],
  ]);
});

describe("paths", () => {
  const DOTS = 'must not have a segment "." or "..", which clients and proxies remove';
  reports([
    [withKeys("get_token: { path: /a/../b }"), `11:20 "get_token.path" ${DOTS}`],
    [withKeys("get_token: { path: /a/. }"), `11:20 "get_token.path" ${DOTS}`],
    [withKeys("get_token: { path: /a..b/.c }")],
    [
      withKeys("get_token: { path: /x/.well-known/y }"),
      '11:20 "get_token.path" must not be /healthz or contain /.well-known/, which have other uses',
    ],
  ]);
});
