// Text becomes a Config with defaults, or one error with the line and column of every fault.

import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { configOf, FILE, faultsOf, replacing, reports, trusting, withKeys, withProviderKeys } from "./file.ts";

describe("a valid file", () => {
  it("needs only a version, a caller and a provider", () => {
    expect(configOf(FILE)).toEqual({
      version: 1,
      check: { accept: [] },
      server: {
        listen: { host: "127.0.0.1", port: 8080 },
        admin: { host: "127.0.0.1", port: 9613 },
        admin_hosts: [],
        trusted_proxies: [],
        env_proxy: true,
        max_in_flight: 1_024,
        shutdown_delay: 5_000,
        shutdown_grace: 10_000,
        watch: "credentials",
        readiness: "started",
      },
      callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }], client_certificates: [] } },
      get_token: [
        {
          method: "POST",
          path: "/getToken",
          values: {
            serverid: { from: [{ in: "body", name: "/serverid" }], type: "text", max_length: 256, required: false },
            userid: { from: [{ in: "body", name: "/userid" }], type: "text", max_length: 1_024, required: true },
            accountid: { from: [{ in: "body", name: "/accountid" }], type: "integer", max_length: 16, required: false },
            nonce: {
              from: [
                { in: "header", name: "x-nonce" },
                { in: "body", name: "/nonce" },
              ],
              type: "text",
              max_length: 512,
              required: false,
            },
          },
          session: "trust",
          apikey_header: "x-apikey",
          timeout: 8_000,
          answer: { refusals: "relay", statuses: {} },
        },
      ],
      nextauth: [],
      webnonce_exchange: [],
      providers: {
        main: {
          issuer: "https://idp.example",
          discovery: "oidc",
          client_id: "token-proxy",
          token_endpoint_auth_method: "client_secret_basic",
          client_secret: [{ env: "CLIENT_SECRET" }],
          client_key: [],
          client_assertion: {
            aud: "{{issuer}}",
            typ: "client-authentication+jwt",
            ttl: 60_000,
            backdate: 0,
            header: {},
            claims: {},
          },
          grant_type: "authorization_code",
          params: {},
          headers: {},
          jwt: {},
          answer: { format: "json", require: ["access_token"] },
          cache: false,
          timeout: 5_000,
          connect_timeout: 1_000,
          max_response_bytes: 65_536,
          max_in_flight: 256,
          user_errors: [],
          proxy_errors: [],
        },
      },
      routes: [{ provider: "main" }],
      log: { level: "info", format: "auto", identities: "hash" },
    });
  });

  it("can be JSON, indented by tabs or on one line", () => {
    const value = parse(trusting(FILE));
    expect(configOf(JSON.stringify(value))).toEqual(configOf(FILE));
    expect(configOf(JSON.stringify(value, null, "\t"))).toEqual(configOf(FILE));
  });

  it.each([
    ["a byte order mark", `\ufeff${FILE}`],
    ["CRLF line ends", FILE.replaceAll("\n", "\r\n")],
    ["comments", `# yaml-language-server: $schema=./token-proxy.schema.json\n${FILE}`],
    ["a document start and end", `---\n${trusting(FILE)}...\n`],
  ])("accepts %s", (_, text) => {
    expect(configOf(text)).toEqual(configOf(FILE));
  });

  it("can use a few aliases", () => {
    const text = replacing("{ env: APIKEY }", "&key { env: APIKEY }, *key, *key");
    expect(configOf(text).callers["nextauth-server"]?.apikeys).toEqual(Array(3).fill({ env: "APIKEY" }));
  });

  it.each([
    ["token_endpoint: https://a.example/t", { discovery: "none", token_endpoint: "https://a.example/t" }],
    ["discovery: oauth", { discovery: "oauth" }],
    ["token_endpoint_auth_method: client_secret_post", { token_endpoint_auth_method: "client_secret_post" }],
  ])("has with %s the settings %o", (line, settings) => {
    expect(configOf(withProviderKeys(line)).providers.main).toMatchObject(settings);
  });

  it("keeps the issuer unchanged", () => {
    const text = replacing("https://idp.example", "https://IDP.example:443/Realm/");
    expect(configOf(text).providers.main?.issuer).toBe("https://IDP.example:443/Realm/");
  });

  it("does not share defaults with another file", () => {
    const first = configOf(FILE);
    (first.get_token[0]?.values as Record<string, unknown>).userid = [];
    expect(configOf(FILE).get_token[0]?.values.userid?.from).toEqual([{ in: "body", name: "/userid" }]);
  });
});

describe("faults", () => {
  it("have line, column, path and message, also in the error's text", () => {
    try {
      parseConfig(trusting(replacing("issuer:", "isuer:")), "token-proxy.yaml");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      const message = 'unknown key; did you mean "issuer"?';
      expect((error as ConfigError).faults).toEqual([
        { line: 7, column: 5, path: "providers.main.isuer", message, excerpt: "    7 |     isuer: …\n      |     ^" },
      ]);
      expect((error as ConfigError).message).toBe(
        'token-proxy.yaml:7:5 "providers.main.isuer" unknown key; did you mean "issuer"?',
      );
    }
  });

  it("are all reported at once, in the order of the file", () => {
    const text = `log: { leve: debug }
version: 2
callers: { ns: { apikey: [{ env: APIKEY }] } }
providers:
  main: { isuer: https://idp.example, client_id: "", grant_type: authorization_code }
  second:
    issuer: https://idp.example
    client_id: x
    client_secret: { env: S }
    grant_type: authorization_code
    scope: "{{usrid}}"
    params: { client_id: x }
`;
    expect(faultsOf(text)).toEqual([
      'f.yaml:1:1 "routes" is missing; with several providers, it says which one a call uses',
      'f.yaml:1:8 "log.leve" unknown key; did you mean "level"?',
      'f.yaml:2:10 "version" must be the number 1',
      'f.yaml:3:18 "callers.ns.apikey" unknown key; did you mean "apikeys"?',
      'f.yaml:5:11 "providers.main.isuer" unknown key; did you mean "issuer"?',
      'f.yaml:5:50 "providers.main.client_id" must not be empty',
      'f.yaml:11:12 "providers.second.scope" uses {{usrid}}, which no call provides; did you mean "userid"?',
      `f.yaml:12:15 "providers.second.params.client_id" is set by this proxy; use the key of that name, or token_endpoint_auth_method`,
    ]);
  });

  it("in an aliased part are reported there and at the alias", () => {
    const MESSAGE = "must be a duration with a unit, like 500ms, 5s or 10m";
    expect(faultsOf(withProviderKeys("jwt: { a: &jwt { ttl: 5 }, b: *jwt }"))).toEqual([
      `f.yaml:11:27 "providers.main.jwt.a.ttl" ${MESSAGE}`,
      `f.yaml:11:35 "providers.main.jwt.b.ttl" ${MESSAGE}`,
    ]);
  });
});

describe("a fault hides no other", () => {
  const DURATION = "must be a duration with a unit, like 500ms, 5s or 10m";
  reports(
    withProviderKeys,
    `
scop: openid\\n    timeout: 5
  => 11:5 "providers.main.scop" unknown key; did you mean "scope"?
  => 12:14 "providers.main.timeout" ${DURATION}
timeout: 5\\nroutes: [{ provider: mai }]
  => 11:14 "providers.main.timeout" ${DURATION}
  => 12:22 "routes[0].provider" is not a provider of this file; did you mean "main"?
timeout: 5\\n  second: { issuer: https://idp.example, client_id: x, grant_type: x }\\nroutes: [{ provider: main }]
  => 11:14 "providers.main.timeout" ${DURATION}
  => 12:11 "providers.second" needs client_secret for token_endpoint_auth_method: client_secret_basic
`,
  );
  // A misspelt key is not missing too.
  reports(
    (key) => replacing("client_secret:", `${key}:`),
    `client_secrt => 9:5 "providers.main.client_secrt" unknown key; did you mean "client_secret"?`,
  );
  // A faulty server may have the default serverid that others need.
  const NO_URL = '11:11 "nextauth.url" is missing';
  reports(
    (more) => `${withKeys("nextauth: { apikey: { env: N } }")}${more}\n`,
    `
webnonce_exchange: {} => ${NO_URL}
webnonce_exchange: { serverid: a } => ${NO_URL}
get_token: { values: { userid: [body:/u], nonce: [body:/n] } } => ${NO_URL}
`,
  );
});

describe("routes", () => {
  const NEXTAUTH = "nextauth: { url: https://ns.example, apikey: { env: N }, serverid: a }";
  const UNREACHABLE = "is unreachable, because a route above matches the same calls; move it up";
  const second = withKeys(
    "  second: { issuer: https://idp.example, client_id: x, client_secret: { env: S }, grant_type: x }",
  );
  reports(
    (text) => `${second}${text}\n`,
    `
# none => 1:1 "routes" is missing; with several providers, it says which one a call uses
routes: [{ serverid: a, provider: second }, { provider: main }]
routes: [{ serverid: a }] => 12:10 "routes[0].provider" is missing
get_token: { provider: second, session: trust }
get_token: [{ provider: second, session: trust }, { path: /a, session: trust }]
  => 1:1 "routes" is missing; with several providers, it says which one a call uses
get_token: { provider: second }\\n${NEXTAUTH}\\nwebnonce_exchange: [{ provider: main }]
get_token: { provider: second }\\n${NEXTAUTH}\\nwebnonce_exchange: {}
  => 1:1 "routes" is missing; with several providers, it says which one a call uses
get_token: { provider: sceond, session: trust }
  => 12:24 "get_token.provider" is not a provider of this file; did you mean "second"?
`,
  );
  reports(
    (text) => withKeys(`routes: [${text}]`),
    `
{ serverid: a, provider: mai }, { provider: retail }
  => 11:35 "routes[0].provider" is not a provider of this file; did you mean "main"?
  => 11:54 "routes[1].provider" is not a provider of this file; the providers are main
{ provider: __proto__ } => 11:22 "routes[0].provider" is not a provider of this file; the providers are main
{ provider: main }, { serverid: a, provider: main } => 11:30 "routes[1]" ${UNREACHABLE}
{ provider: main }, { provider: main } => 11:30 "routes[1]" ${UNREACHABLE}
{ serverid: a, provider: main }, { serverid: a, provider: main } => 11:43 "routes[1]" ${UNREACHABLE}
`,
  );
});

describe("serverids without a binding that reads one", () => {
  const NEVER = 'never matches, because no call has a serverid; add one to "get_token.values"';
  const binding = "get_token: { values: { userid: [body:/u], nonce: [body:/n] } }";
  reports(
    (serverids) =>
      `${withKeys(binding).replace("providers:", `    serverids: ${serverids}\nproviders:`)}routes: [{ serverid: a, provider: main }, { provider: main }]\n`,
    `
[a]
  => 5:16 "callers.nextauth-server.serverids" ${NEVER}
  => 13:22 "routes[0].serverid" ${NEVER}
`,
  );
  reports((routes) => withKeys(binding, routes), "routes: [{ provider: main }]");
});

describe("signing", () => {
  const key = (kid: string, more = "") => `{ kid: ${kid}, alg: ES256, private_key: { env: K }${more} }`;
  reports(
    (keys) => withKeys(`signing: { keys: [${keys}] }`),
    `
${key("a")}, ${key("b")}, ${key("a", ", use: verify")}
  => 11:18 "signing.keys" has a kid twice; each key needs a different kid
${key("a", ", use: verify")} => 11:18 "signing.keys" has no key that signs; remove "use: verify" from one of the keys
${key("a", ", use: verify")}, ${key("b")}
`,
  );
});

describe("an audit", () => {
  reports(
    (log) => withKeys(`log: { ${log} }`),
    `
audit: { file: a.jsonl }
  => 11:15 "log.audit" could not tell users apart after a restart; set "log.identities_key", or "log.identities" to plain
audit: { file: a.jsonl }, identities: plain
audit: { file: a.jsonl, required: false }, identities_key: { env: K }
`,
  );
});
