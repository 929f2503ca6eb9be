// Text becomes a Config with defaults, or one error with the line and column of every fault.

import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { configOf, FILE, faultsOf, replacing, withKeys, withProvider, withProviderKeys } from "./file.ts";

describe("a valid file", () => {
  it("needs only a version, a caller and a provider", () => {
    expect(configOf(FILE)).toEqual({
      version: 1,
      server: {
        listen: { host: "127.0.0.1", port: 8080 },
        admin: { host: "127.0.0.1", port: 9613 },
        admin_hosts: [],
        trusted_proxies: [],
        max_in_flight: 1_024,
        shutdown_delay: 5_000,
        shutdown_grace: 10_000,
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
        },
      ],
      nextauth: [],
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
    const value = {
      version: 1,
      callers: { "nextauth-server": { apikeys: [{ env: "APIKEY" }] } },
      providers: {
        main: {
          issuer: "https://idp.example",
          client_id: "token-proxy",
          client_secret: { env: "CLIENT_SECRET" },
          grant_type: "authorization_code",
        },
      },
    };
    expect(configOf(JSON.stringify(value))).toEqual(configOf(FILE));
    expect(configOf(JSON.stringify(value, null, "\t"))).toEqual(configOf(FILE));
  });

  it.each([
    ["a byte order mark", `\ufeff${FILE}`],
    ["CRLF line ends", FILE.replaceAll("\n", "\r\n")],
    ["comments", `# yaml-language-server: $schema=./token-proxy.schema.json\n${FILE}`],
    ["a document start and end", `---\n${FILE}...\n`],
  ])("accepts %s", (_, text) => {
    expect(configOf(text)).toEqual(configOf(FILE));
  });

  it("can use a few aliases", () => {
    const text = replacing("{ env: APIKEY }", "&key { env: APIKEY }, *key, *key");
    expect(configOf(text).callers["nextauth-server"]?.apikeys).toEqual(Array(3).fill({ env: "APIKEY" }));
  });

  it("converts durations to milliseconds and splits addresses", () => {
    const text = `${withProviderKeys("timeout: 2s", "connect_timeout: 250ms")}server:
  listen: "[::1]:0"
  admin: localhost:9000
  shutdown_delay: 0s
  shutdown_grace: 2m
`;
    const { server, providers } = configOf(text);
    expect(server).toEqual({
      listen: { host: "::1", port: 0 },
      admin: { host: "localhost", port: 9000 },
      admin_hosts: [],
      trusted_proxies: [],
      max_in_flight: 1_024,
      shutdown_delay: 0,
      shutdown_grace: 120_000,
    });
    expect(providers.main).toMatchObject({ timeout: 2_000, connect_timeout: 250 });
  });

  it("turns discovery off if token_endpoint is set", () => {
    const text = withProviderKeys("token_endpoint: https://idp.example/token");
    expect(configOf(text).providers.main).toMatchObject({
      discovery: "none",
      token_endpoint: "https://idp.example/token",
    });
  });

  it("keeps the discovery, client authentication and routes that it sets", () => {
    const text = `${withProviderKeys("discovery: oauth", "token_endpoint_auth_method: client_secret_post")}routes:
  - { serverid: "c2VydmVyLTE=", provider: main }
`;
    expect(configOf(text)).toMatchObject({
      providers: { main: { discovery: "oauth", token_endpoint_auth_method: "client_secret_post" } },
      routes: [{ serverid: "c2VydmVyLTE=", provider: "main" }],
    });
  });

  it("keeps the issuer unchanged", () => {
    const text = withProviderKeys("params: { i: '{{issuer}}' }").replace(
      "https://idp.example",
      "https://IDP.example:443/Realm/",
    );
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
      parseConfig(replacing("issuer:", "isuer:"), "token-proxy.yaml");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).faults).toEqual([
        {
          line: 7,
          column: 5,
          path: "providers.main.isuer",
          message: 'unknown key; did you mean "issuer"?',
        },
      ]);
      expect((error as ConfigError).message).toBe(
        'token-proxy.yaml:7:5 "providers.main.isuer" unknown key; did you mean "issuer"?',
      );
    }
  });

  it("are all reported at once, in the order of the file", () => {
    const text = `log: { leve: debug }
version: 2
callers:
  nextauth-server:
    apikey: [{ env: APIKEY }]
    serverids: []
providers:
  main:
    isuer: https://idp.example
    client_id: ""
    client_secret: hunter2
    grant_type: authorization_code
    timeout: 5
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
      'f.yaml:5:5 "callers.nextauth-server.apikey" unknown key; did you mean "apikeys"?',
      'f.yaml:5:5 "callers.nextauth-server" needs apikeys, client_certificates or both; otherwise anyone could call',
      'f.yaml:6:16 "callers.nextauth-server.serverids" must have at least one entry',
      'f.yaml:9:5 "providers.main.isuer" unknown key; did you mean "issuer"?',
      'f.yaml:10:16 "providers.main.client_id" must not be empty',
      'f.yaml:11:20 "providers.main.client_secret" must be { env: NAME } or { file: PATH }; secrets are never written in the file',
      'f.yaml:13:14 "providers.main.timeout" must be a duration with a unit, like 500ms, 5s or 10m',
      'f.yaml:19:12 "providers.second.scope" uses {{usrid}}, which no call provides; did you mean "userid"?',
      'f.yaml:20:15 "providers.second.params.client_id" must not be a parameter here; use the key client_id',
    ]);
  });

  it("have the same places in a file with CRLF", () => {
    expect(faultsOf(replacing("issuer:", "isuer:").replaceAll("\n", "\r\n"))).toEqual([
      'f.yaml:7:5 "providers.main.isuer" unknown key; did you mean "issuer"?',
    ]);
  });

  it("have columns in JSON on one line", () => {
    expect(faultsOf('{"version":1,"callers":{"a":{"apikeys":[]}},"providers":{}}')).toEqual([
      'f.yaml:1:40 "callers.a.apikeys" must have at least one entry',
      'f.yaml:1:57 "providers" must have at least one entry',
    ]);
  });

  it("of an aliased part are reported at the alias", () => {
    const text = replacing("{ env: CLIENT_SECRET }", "*secret").replace("{ env: APIKEY }", "&secret { evn: APIKEY }");
    expect(faultsOf(text)).toEqual([
      'f.yaml:4:23 "callers.nextauth-server.apikeys[0]" must be { env: NAME } or { file: PATH }; secrets are never written in the file',
      'f.yaml:9:20 "providers.main.client_secret" must be { env: NAME } or { file: PATH }; secrets are never written in the file',
    ]);
  });
});

describe("a fault hides no other", () => {
  it("of the shape of the same provider", () => {
    expect(faultsOf(withProviderKeys("scop: openid", "timeout: 5"))).toEqual([
      'f.yaml:11:5 "providers.main.scop" unknown key; did you mean "scope"?',
      'f.yaml:12:14 "providers.main.timeout" must be a duration with a unit, like 500ms, 5s or 10m',
    ]);
  });

  it("in another provider", () => {
    const text = `${withProvider("isuer: https://idp.example", "grant_type: x")}  second:
    issuer: https://idp.example
    client_id: x
    grant_type: x
routes: [{ provider: main }]
`;
    expect(faultsOf(text)).toEqual([
      'f.yaml:7:5 "providers.main.isuer" unknown key; did you mean "issuer"?',
      'f.yaml:10:5 "providers.second" needs client_secret for token_endpoint_auth_method: client_secret_basic',
    ]);
  });

  it("in routes if a provider is at fault", () => {
    expect(faultsOf(`${withProviderKeys("timeout: 5")}routes: [{ provider: mai }]\n`)).toEqual([
      'f.yaml:11:14 "providers.main.timeout" must be a duration with a unit, like 500ms, 5s or 10m',
      'f.yaml:12:22 "routes[0].provider" is not a provider of this file; did you mean "main"?',
    ]);
  });

  it("in server if a caller is at fault", () => {
    const text = replacing("apikeys:", "apikyes:", withKeys("server: { listen: 127.0.0.1:1, admin: 127.0.0.1:1 }"));
    expect(faultsOf(text)).toEqual([
      'f.yaml:4:5 "callers.nextauth-server.apikyes" unknown key; did you mean "apikeys"?',
      'f.yaml:4:5 "callers.nextauth-server" needs apikeys, client_certificates or both; otherwise anyone could call',
      'f.yaml:11:39 "server.admin" must differ from server.listen, because callers must not reach it',
    ]);
  });

  it("and a misspelt key is not also reported as missing", () => {
    const text = replacing("client_secret:", "client_secrt:");
    expect(faultsOf(text)).toEqual([
      'f.yaml:9:5 "providers.main.client_secrt" unknown key; did you mean "client_secret"?',
    ]);
  });
});
