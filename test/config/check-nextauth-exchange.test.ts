// webnonce_exchange requires nextauth, a serverid, an unused path, and a provider that needs only what a webNonce has.

import { describe, expect, it } from "vitest";
import { configOf, FILE, faultsOf, withKeys, withProviderKeys } from "./file.ts";
import { reports } from "./reports.ts";

const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N } }";
const WITH_DEFAULT = NEXTAUTH.replace(" } }", " }, serverid: a }");

/** `webnonce_exchange: TEXT` on line 11, where TEXT starts in column 20; further keys follow. */
const file = (text: string, ...more: string[]) => withKeys(`webnonce_exchange: ${text}`, ...more);
const exchange = (text: string) => file(text, WITH_DEFAULT);

const LIMITS = {
  per_address: { limit: 300, window: 60_000, binding: "WEBNONCE_EXCHANGE_PER_ADDRESS" },
  per_webnonce: { limit: 10, window: 60_000, binding: "WEBNONCE_EXCHANGE_PER_WEBNONCE" },
};

describe("the webNonce exchange", () => {
  it("is off unless configured", () => {
    expect(configOf(withKeys(WITH_DEFAULT)).webnonce_exchange).toBeUndefined();
  });

  it("needs no keys if nextauth has a default serverid", () => {
    expect(configOf(exchange("{}")).webnonce_exchange).toEqual({ path: "/token", rate_limit: LIMITS });
  });

  it("accepts all its keys", () => {
    const text = exchange(`
  path: /oauth2/token/
  provider: main
  serverid: b
  rate_limit: { per_address: { limit: 1, window: 10s, binding: A }, per_webnonce: { limit: 1000000 } }`);
    expect(configOf(text).webnonce_exchange).toEqual({
      path: "/oauth2/token/",
      provider: "main",
      serverid: "b",
      rate_limit: {
        per_address: { limit: 1, window: 10_000, binding: "A" },
        per_webnonce: { ...LIMITS.per_webnonce, limit: 1_000_000 },
      },
    });
  });

  it.each([
    ["a serverid", "{ serverid: a }", [NEXTAUTH]],
    ["a serverid that a server answers for", "{ serverid: b }", [NEXTAUTH.replace(" } }", " }, serverids: [a, b] }")]],
    ["a route for the default serverid", "{}", [WITH_DEFAULT, "routes: [{ serverid: a, provider: main }]"]],
    [
      "a route for all calls",
      "{ serverid: z }",
      [WITH_DEFAULT, "routes: [{ serverid: a, provider: main }, { provider: main }]"],
    ],
    ["a provider without a route", "{ provider: main }", [WITH_DEFAULT, "routes: [{ serverid: b, provider: main }]"]],
    ["the path of getToken with a slash at the end", "{ path: /getToken/ }", [WITH_DEFAULT]],
    ["a prefix of the path of getToken", "{ path: /a }", [WITH_DEFAULT, 'get_token: { path: "/a/{b}" }']],
  ])("accepts %s", (_, text, more) => {
    expect(faultsOf(file(text, ...more))).toEqual([]);
  });

  it("uses the default serverid of any server", () => {
    const servers = `nextauth:
  - { url: https://ns0.example, apikey: { env: N }, serverids: [b] }
  - { url: https://ns1.example, apikey: { env: N }, serverid: a }`;
    const routes = (serverid: string) => `routes: [{ serverid: ${serverid}, provider: main }]`;
    expect(faultsOf(file("{}", servers, routes("a")))).toEqual([]);
    expect(faultsOf(file("{}", servers, routes("b")))).toHaveLength(1);
    expect(faultsOf(file("{ serverid: b }", servers, routes("b")))).toEqual([]);
  });
});

describe("a fault", () => {
  const MAPPING = "must be a mapping of keys to values";
  const PATH = "must be a path like /token";
  const TAKEN = "must not be /healthz or contain /.well-known/, which have other uses";
  const NEVER = "is unreachable, because a binding of get_token has the same path; choose another";
  const limit = (text: string) => exchange(`{ rate_limit: { per_address: { ${text} } } }`);
  reports([
    [file("{}"), '11:1 "webnonce_exchange" needs "nextauth", the server that knows whose webNonce it is'],
    [file("{ serverid: a }"), '11:1 "webnonce_exchange" needs "nextauth", the server that knows whose webNonce it is'],
    [
      file("{}", NEXTAUTH),
      '11:20 "webnonce_exchange" needs a serverid, here or as "nextauth.serverid", because a webNonce does not contain one',
    ],
    [
      file("{ serverid: c }", NEXTAUTH.replace(" } }", " }, serverids: [a, b] }")),
      '11:32 "webnonce_exchange.serverid" is not a serverid of any server under "nextauth"; add it there',
    ],
    [file("", WITH_DEFAULT), `11:20 "webnonce_exchange" ${MAPPING}`],
    [exchange("true"), `11:20 "webnonce_exchange" ${MAPPING}`],
    [exchange("[{}]"), `11:20 "webnonce_exchange" ${MAPPING}`],
    [exchange("{ pth: /x }"), '11:22 "webnonce_exchange.pth" unknown key; did you mean "path"?'],
    [exchange("{ path: token }"), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange("{ path: / }"), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange("{ path: /a//b }"), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange('{ path: "/{x}" }'), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange('{ path: "/a?b" }'), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange("{ path: /t%6fken }"), `11:28 "webnonce_exchange.path" ${PATH}`],
    [exchange("{ path: /healthz }"), `11:28 "webnonce_exchange.path" ${TAKEN}`],
    [exchange("{ path: /.well-known/token }"), `11:28 "webnonce_exchange.path" ${TAKEN}`],
    [exchange("{ path: /getToken }"), `11:28 "webnonce_exchange.path" ${NEVER}`],
    [
      file("{}", WITH_DEFAULT, 'get_token: [{ path: /a }, { path: "/{b}" }]'),
      `11:20 "webnonce_exchange.path" ${NEVER}`,
    ],
    [
      exchange("{ provider: mian }"),
      '11:32 "webnonce_exchange.provider" is not a provider of this file; did you mean "main"?',
    ],
    [
      exchange("{ provider: constructor }"),
      '11:32 "webnonce_exchange.provider" is not a provider of this file; the providers are main',
    ],
    [exchange('{ provider: "" }'), '11:32 "webnonce_exchange.provider" must not be empty'],
    [exchange('{ serverid: "" }'), '11:32 "webnonce_exchange.serverid" must not be empty'],
    [
      file("{}", WITH_DEFAULT, "routes: [{ serverid: b, provider: main }]"),
      '11:1 "webnonce_exchange" needs a provider, because no route matches its serverid; set provider',
    ],
    [exchange("{ rate_limit: 10 }"), `11:34 "webnonce_exchange.rate_limit" ${MAPPING}`],
    [exchange("{ rate_limit: { per_webnonce: 10 } }"), `11:50 "webnonce_exchange.rate_limit.per_webnonce" ${MAPPING}`],
    [
      exchange("{ rate_limit: { per_adress: {} } }"),
      '11:36 "webnonce_exchange.rate_limit.per_adress" unknown key; did you mean "per_address"?',
    ],
    [limit("limit: 0"), '11:58 "webnonce_exchange.rate_limit.per_address.limit" must be at least 1'],
    [limit("limit: 1000001"), '11:58 "webnonce_exchange.rate_limit.per_address.limit" must be at most 1000000'],
    [limit("limit: 1.5"), '11:58 "webnonce_exchange.rate_limit.per_address.limit" must be a whole number'],
    [
      limit("window: 60"),
      '11:59 "webnonce_exchange.rate_limit.per_address.window" must be a duration with a unit, like 500ms, 5s or 10m',
    ],
    [limit("window: 0s"), '11:59 "webnonce_exchange.rate_limit.per_address.window" must be between 1ms and 24h'],
    [
      limit("binding: a-b"),
      '11:60 "webnonce_exchange.rate_limit.per_address.binding" must be the name of a binding: letters, digits and _',
    ],
  ]);
});

describe("the provider of the exchange", () => {
  const BINDING = "get_token: { values: { userid: [body:/u], nonce: [body:/n], device: [body:/d] } }";
  /** A provider that needs the template, and the exchange on line 12. */
  const needing = (template: string, text = "{}") =>
    `${withProviderKeys(`params: { d: "${template}" }`)}webnonce_exchange: ${text}\n${WITH_DEFAULT}\n${BINDING}\n`;
  const NEEDS =
    'uses "providers.main", which needs {{device}}, but a webNonce has no such value; choose another provider';
  const other = "  other: { issuer: https://o.example, client_id: x, client_secret: { env: S }, grant_type: x }\n";
  reports([
    [needing("{{serverid}} {{userid}} {{accountid}} {{nonce}}")],
    [needing("{{attributes.mail}} {{uuid}} {{now}} {{client_id}}")],
    [needing("{{device}}"), `12:1 "webnonce_exchange" ${NEEDS}`],
    [needing("{{device}}", "{ provider: main }"), `12:1 "webnonce_exchange" ${NEEDS}`],
    [
      needing("{{device}} {{userid}} {{divice}}"),
      '11:18 "providers.main.params.d" uses {{divice}}, which no call provides; did you mean "device"?',
    ],
    [
      `${needing("{{device}}", "{ provider: other }").replace("webnonce", `${other}webnonce`)}routes: [{ provider: main }]\n`,
    ],
  ]);

  it("can need a value that no binding reads if the session provides it", () => {
    const binding = "get_token: { session: trust, values: { userid: [body:/u], nonce: [body:/n] } }";
    const text = FILE.replace("authorization_code", 'x\n    params: { a: "{{accountid}}" }');
    expect(faultsOf(`${text}${binding}\n${WITH_DEFAULT}\nwebnonce_exchange: {}\n`)).toEqual([]);
    expect(faultsOf(`${text}${binding}\n`)).toHaveLength(1);
  });
});
