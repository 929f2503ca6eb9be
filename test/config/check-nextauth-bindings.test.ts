// get_token: one binding or a list, values in short or long form, and defaults that depend on the session check.

import { describe, expect, it } from "vitest";
import { configOf, withKeys } from "./file.ts";
import { reports } from "./reports.ts";

const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
const WITH_DEFAULT = NEXTAUTH.replace(" }", ' }, serverid: "c2VydmVyLTE="');

/** `get_token: TEXT` on line 11, where TEXT starts in column 12; further keys follow. */
const file = (text: string, ...more: string[]) => withKeys(`get_token: ${text}`, ...more);
const bindings = (text: string, ...more: string[]) => configOf(file(text, ...more)).get_token;
const requiredOf = (text: string, ...more: string[]) =>
  Object.entries(bindings(text, ...more)[0]?.values ?? {})
    .filter(([, { required }]) => required)
    .map(([name]) => name);

describe("a binding", () => {
  it("verifies the session by default if nextauth is configured", () => {
    const session = (text: string, ...more: string[]) => bindings(text, ...more)[0]?.session;
    expect(session("{}")).toBe("trust");
    expect(session("{}", NEXTAUTH)).toBe("verify");
    expect(session("{ session: trust }", NEXTAUTH)).toBe("trust");
    expect(session("{ session: verify }", NEXTAUTH)).toBe("verify");
  });

  it("requires the userid, or with a session check the nonce", () => {
    expect(requiredOf("{}")).toEqual(["userid"]);
    expect(requiredOf("{}", NEXTAUTH)).toEqual(["nonce"]);
    expect(requiredOf("{ session: trust }", NEXTAUTH)).toEqual(["userid"]);
  });

  it("can be written as a list of one", () => {
    expect(bindings("[{ path: /a }]")).toEqual(bindings("{ path: /a }"));
    expect(bindings("[{}]")).toEqual(configOf(withKeys()).get_token);
  });
});

describe("several bindings", () => {
  it("each have a path, method, values and session", () => {
    const text = `
  - { path: /a, session: trust }
  - { path: "/{s}/b", method: GET, values: { serverid: [path:s], userid: [query:u], nonce: [query:n] } }`;
    expect(bindings(text, NEXTAUTH)).toMatchObject([
      { path: "/a", method: "POST", session: "trust", values: { userid: { required: true } } },
      { path: "/{s}/b", method: "GET", session: "verify", values: { userid: { from: [{ in: "query", name: "u" }] } } },
    ]);
  });

  it("can share a path with two methods", () => {
    const text = "[{ path: /a }, { path: /a, method: GET, values: { userid: [query:u] } }]";
    expect(bindings(text).map(({ path, method }) => [path, method])).toEqual([
      ["/a", "POST"],
      ["/a", "GET"],
    ]);
  });

  it("can go from specific to general paths", () => {
    expect(bindings('[{ path: /a }, { path: "/{x}" }, { path: "/{x}/" }, { path: "/{x}/{y}" }]')).toHaveLength(4);
  });
});

describe("a value", () => {
  const values = (text: string) => bindings(`{ values: { nonce: [header:X-nonce], ${text} } }`)[0]?.values;

  it.each([
    ["serverid", { type: "text", max_length: 256, required: false }],
    ["userid", { type: "text", max_length: 1_024, required: true }],
    ["accountid", { type: "integer", max_length: 16, required: false }],
    ["device", { type: "text", max_length: 16_384, required: false }],
  ])("in short form and with only `from` has the defaults of a %s", (name, rule) => {
    const from = [{ in: "body", name: "/x" }];
    const user = name === "userid" ? "" : ", userid: [body:/u]";
    expect(values(`${name}: [body:/x]${user}`)?.[name]).toEqual({ from, ...rule });
    expect(values(`${name}: { from: [body:/x] }${user}`)?.[name]).toEqual({ from, ...rule });
  });

  it("can set type, max_length and required", () => {
    const text = `userid: { from: [body:/u, "header:X-User"], type: text, max_length: 64, required: true },
      device: { from: [body:/d], type: integer, required: true },
      serverid: { from: [body:/s], max_length: 16384, required: true }`;
    expect(values(text)).toMatchObject({
      userid: {
        from: [
          { in: "body", name: "/u" },
          { in: "header", name: "x-user" },
        ],
        type: "text",
        max_length: 64,
        required: true,
      },
      device: { type: "integer", required: true },
      serverid: { type: "text", max_length: 16_384, required: true },
    });
  });

  it("that getSession provides is optional in a call and in the binding", () => {
    const values = "{ values: { nonce: [body:/n], userid: { from: [body:/u], required: false } } }";
    expect(requiredOf(values, WITH_DEFAULT)).toEqual(["nonce"]);
    expect(requiredOf("{ values: { nonce: [body:/n] } }", WITH_DEFAULT)).toEqual(["nonce"]);
  });
});

const NEVER = "is unreachable, because get_token[0] matches the same calls; move it up or remove it";

describe("unreachable bindings", () => {
  const GET = "method: GET, values: { userid: [query:u], nonce: [query:n] }";
  reports([
    [file("[{}, {}]"), `11:17 "get_token[1].path" ${NEVER}`],
    [file("[{ path: /a }, { path: /a }]"), `11:35 "get_token[1].path" ${NEVER}`],
    [file('[{ path: "/{x}" }, { path: /a }]'), `11:39 "get_token[1].path" ${NEVER}`],
    [file('[{ path: "/{x}" }, { path: "/{y}" }]'), `11:39 "get_token[1].path" ${NEVER}`],
    [file(`[{ path: "/{x}" }, { path: /a, ${GET} }]`), `11:39 "get_token[1].path" ${NEVER}`],
    [file(`[{ path: "/{x}/t" }, { path: "/{y}/t", ${GET} }]`), `11:41 "get_token[1].path" ${NEVER}`],
    [
      file("[{ path: /a }, { path: /b }, { path: /b }, { path: /a }]"),
      '11:49 "get_token[2].path" is unreachable, because get_token[1] matches the same calls; move it up or remove it',
      `11:63 "get_token[3].path" ${NEVER}`,
    ],
  ]);
});

describe("a list of bindings", () => {
  const SOURCE = "…";
  reports([
    [file("[]"), '11:12 "get_token" must have at least one entry'],
    [file("[{ path: /a }, 7]"), '11:27 "get_token[1]" must be a mapping of keys to values'],
    [file("[{ path: /a }, { pth: /b }]"), '11:29 "get_token[1].pth" unknown key; did you mean "path"?'],
    [
      file("[{ path: /a }, { path: /b, method: GET }]"),
      '11:47 "get_token[1].method" is GET, which has no body, but values reads serverid, userid, accountid, nonce from it; use query:, header: or path:',
    ],
    [
      file("[{ path: /a }, { path: /.well-known/b }]"),
      '11:35 "get_token[1].path" must not be /healthz or contain /.well-known/, which have other uses',
    ],
    [
      file('[{ path: /a }, { path: "/{b}/{b}" }]'),
      '11:35 "get_token[1].path" uses a segment name twice; give each segment a different name',
    ],
    [
      file("[{ path: /a }, { path: /b, values: { userid: [body:/u, cookie:a] } }]"),
      `11:67 "get_token[1].values.userid[1]" ${SOURCE}`,
    ],
    [
      file("[{ path: /a }, { path: /b, values: { userid: { from: [cookie:a] } } }]"),
      `11:66 "get_token[1].values.userid.from[0]" ${SOURCE}`,
    ],
    [
      file("[{ path: /a }, { path: /b, values: { userid: [path:u] } }]"),
      '11:58 "get_token[1].values.userid[0]" is not a segment of "get_token.path"; add {u} there',
    ],
  ]);
});

describe("a value in long form", () => {
  /** A value that the file adds; its text starts in column 71. */
  const device = (text: string) => file(`{ values: { userid: [body:/u], nonce: [body:/n], device: { ${text} } } }`);
  const own = (text: string) => file(`{ values: { device: [body:/d], nonce: [body:/n], ${text} } }`);
  reports([
    [device(""), '11:69 "get_token.values.device.from" is missing'],
    [
      device("form: [body:/d]"),
      '11:69 "get_token.values.device.from" is missing',
      '11:71 "get_token.values.device.form" unknown key; did you mean "from"?',
    ],
    [device("from: body:/d"), '11:77 "get_token.values.device.from" must be a list, such as [a, b]'],
    [device("from: []"), '11:77 "get_token.values.device.from" must have at least one entry'],
    [device("from: [1]"), '11:78 "get_token.values.device.from[0]" must be text; put it in quotes'],
    [device("from: [body:d]"), '11:78 "get_token.values.device.from[0]" …'],
    [
      device("from: [body:/d, path:x]"),
      '11:87 "get_token.values.device.from[1]" is not a segment of "get_token.path"; add {x} there',
    ],
    [
      device("from: [header:Cookie]"),
      `11:78 "get_token.values.device.from[0]" must not be a header with the caller's credentials`,
    ],
    [device("from: [body:/d], typ: text"), '11:88 "get_token.values.device.typ" unknown key; did you mean "type"?'],
    [
      device("from: [body:/d], maxlength: 3"),
      '11:88 "get_token.values.device.maxlength" unknown key; did you mean "max_length"?',
    ],
    [device("from: [body:/d], type: number"), '11:94 "get_token.values.device.type" must be one of text, integer'],
    [device("from: [body:/d], max_length: 0"), '11:100 "get_token.values.device.max_length" must be at least 1'],
    [device("from: [body:/d], max_length: 16385"), '11:100 "get_token.values.device.max_length" must be at most 16384'],
    [device("from: [body:/d], max_length: 1.5"), '11:100 "get_token.values.device.max_length" must be a whole number'],
    [
      device("from: [body:/d], type: integer, max_length: 3"),
      '11:115 "get_token.values.device.max_length" is only for text; an integer has at most 16 digits',
    ],
    [device("from: [body:/d], required: yes"), '11:98 "get_token.values.device.required" must be true or false'],
    [
      own("userid: { from: [body:/u], type: integer }"),
      '11:94 "get_token.values.userid.type" must be text, the type of nextAuth\'s userid',
    ],
    [
      own("userid: [body:/u], accountid: { from: [body:/a], type: text }"),
      '11:116 "get_token.values.accountid.type" must be integer, the type of nextAuth\'s accountid',
    ],
    [
      own("userid: [body:/u], accountid: { from: [body:/a], max_length: 3 }"),
      '11:122 "get_token.values.accountid.max_length" is only for text; an integer has at most 16 digits',
    ],
    [
      own("userid: { from: [body:/u], required: false }"),
      '11:98 "get_token.values.userid.required" must not be false; with session: trust, every call needs a userid',
    ],
    [
      own("userid: 7"),
      '11:69 "get_token.values.userid" must be a list of places to look, or { from, type, max_length, required }',
    ],
  ]);
});

describe("a session", () => {
  const USER = "userid: [body:/u]";
  const NONCE = "nonce: [body:/n]";
  const SERVERID = 'must contain serverid, unless "nextauth.serverid" sets a default';
  reports([
    [file("{ session: maybe }"), '11:23 "get_token.session" must be one of verify, trust'],
    [
      file("{ session: verify }"),
      '11:23 "get_token.session" is verify, which needs "nextauth", the server that is asked',
    ],
    [file(`{ values: { ${USER}, ${NONCE} } }`, NEXTAUTH), `11:22 "get_token.values" ${SERVERID}`],
    [file(`{ session: trust, values: { ${USER}, ${NONCE} } }`, NEXTAUTH)],
    [file(`{ values: { ${USER}, ${NONCE} } }`, WITH_DEFAULT)],
    [
      file(`{ session: trust, values: { ${NONCE} } }`, WITH_DEFAULT),
      '11:38 "get_token.values" must contain userid, the user to get a token for',
    ],
    [
      file("{ values: { userid: [body:/u] } }", WITH_DEFAULT),
      '10:17 "providers.main.grant_type" uses {{nonce}}, which no call provides; add it to "get_token.values"',
      '11:22 "get_token.values" must contain nonce, the session to verify',
    ],
    [
      file("{ values: { nonce: { from: [body:/n], required: false } } }", WITH_DEFAULT),
      '11:60 "get_token.values.nonce.required" must not be false; with session: verify, every call needs a nonce',
    ],
    [
      file(`[{ path: /a, session: trust }, { path: /b, values: { ${NONCE} } }]`, NEXTAUTH),
      `11:63 "get_token[1].values" ${SERVERID}`,
    ],
    [
      file(`[{ path: /a, session: trust }, { path: /b, session: verify }]`),
      '11:64 "get_token[1].session" is verify, which needs "nextauth", the server that is asked',
    ],
  ]);
});
