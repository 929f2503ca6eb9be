// Keys of a provider that require or exclude each other.

import { describe, expect, it } from "vitest";
import { faultsOf, replacing, withProvider, withProviderKeys } from "./file.ts";

const ISSUER = "issuer: https://idp.example";
const ENDPOINT = "token_endpoint: https://idp.example/token";
const ID = "client_id: token-proxy";
const SECRET = "client_secret: { env: S }";
const GRANT = "grant_type: urn:example:user";

describe("the token endpoint", () => {
  it.each<[string, string[], string[]]>([
    [
      "neither issuer nor token_endpoint",
      [ID, SECRET, GRANT],
      ['7:5 "providers.main" needs issuer (to discover the token endpoint) or token_endpoint'],
    ],
    [
      "discovery beside a token_endpoint",
      [ISSUER, ENDPOINT, "discovery: oidc", ID, SECRET, GRANT],
      ['9:16 "providers.main.discovery" has no effect with token_endpoint; remove one of the two'],
    ],
    [
      "no discovery and no token_endpoint",
      [ISSUER, "discovery: none", ID, SECRET, GRANT],
      ['8:16 "providers.main.discovery" is none, so token_endpoint is required'],
    ],
    [
      "discovery without issuer",
      ["discovery: oauth", ID, SECRET, GRANT],
      ['7:5 "providers.main" needs issuer (to discover the token endpoint) or token_endpoint'],
    ],
    [
      "a connect_timeout longer than timeout",
      [ISSUER, ID, SECRET, GRANT, "timeout: 1s", "connect_timeout: 1001ms"],
      ['12:22 "providers.main.connect_timeout" must not be longer than timeout, which includes it'],
    ],
  ])("is reported as wrong: %s", (_, lines, faults) => {
    expect(faultsOf(withProvider(...lines))).toEqual(faults.map((fault) => `f.yaml:${fault}`));
  });

  it.each([
    ["an issuer", [ISSUER]],
    ["a token_endpoint", [ENDPOINT]],
    ["a token_endpoint with discovery: none", [ENDPOINT, "discovery: none"]],
    ["a token_endpoint, and an issuer for {{issuer}}", [ISSUER, ENDPOINT]],
    ["a connect_timeout as long as timeout", [ISSUER, "timeout: 1s", "connect_timeout: 1s"]],
    ["a timeout below the default of connect_timeout", [ISSUER, "timeout: 500ms"]],
  ])("can be given as %s", (_, lines) => {
    expect(faultsOf(withProvider(...lines, ID, SECRET, GRANT))).toEqual([]);
  });
});

describe("params", () => {
  it.each([
    ["grant_type", "grant_type"],
    ["scope", "scope"],
    ["client_id", "client_id"],
    ["client_secret", "client_secret with token_endpoint_auth_method: client_secret_post"],
    ["client_assertion", "token_endpoint_auth_method"],
    ["client_assertion_type", "token_endpoint_auth_method"],
  ])("must not contain %s, which another key sets", (name, own) => {
    expect(faultsOf(withProviderKeys(`params: { ${name}: x }`))).toEqual([
      `f.yaml:11:15 "providers.main.params.${name}" must not be a parameter here; use the key ${own}`,
    ]);
  });

  it("can contain names of Object.prototype", () => {
    expect(faultsOf(withProviderKeys("params: { constructor: x, toString: y }"))).toEqual([]);
  });

  it.each([
    ["subject_token", "params: { subject_token: x }"],
    ["actor_token", "params: { actor_token: x, subject_token: x, subject_token_type: y }"],
  ])("must contain the type of a %s (RFC 8693)", (name, params) => {
    const text = replacing(
      "authorization_code",
      "urn:ietf:params:oauth:grant-type:token-exchange",
      withProviderKeys(params),
    );
    expect(faultsOf(text)).toEqual([
      `f.yaml:11:15 "providers.main.params.${name}" needs "params.${name}_type" as well (RFC 8693 section 2.1)`,
    ]);
    expect(faultsOf(withProviderKeys(params))).toEqual([]);
  });
});

describe("headers", () => {
  it.each([
    "Accept",
    "accept-encoding",
    "AUTHORIZATION",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Expect",
    "Host",
    "HTTP2-Settings",
    "Keep-Alive",
    "Proxy-Authorization",
    "Proxy-Connection",
    "TE",
    "Trailer",
    "Transfer-Encoding",
    "Upgrade",
    "User-Agent",
  ])("must not contain %s in any case", (name) => {
    expect(faultsOf(withProviderKeys(`headers: { ${name}: x }`))).toEqual([
      `f.yaml:11:16 "providers.main.headers.${name}" is set by this proxy; remove it`,
    ]);
  });

  it("must not contain one name in two cases", () => {
    expect(faultsOf(withProviderKeys("headers: { X-Tenant: a, x-tenant: b }"))).toEqual([
      'f.yaml:11:29 "providers.main.headers.x-tenant" occurs twice; header names are case-insensitive',
    ]);
  });

  it("must not contain invalid header values", () => {
    expect(
      faultsOf(withProviderKeys('headers: { X-A: "", X-B: Café, X-C: " {{userid}}", X-D: "a{{userid}}" }')),
    ).toEqual([
      'f.yaml:11:21 "providers.main.headers.X-A" must be visible ASCII, without spaces at the start or end',
      'f.yaml:11:30 "providers.main.headers.X-B" must be visible ASCII, without spaces at the start or end',
      'f.yaml:11:41 "providers.main.headers.X-C" must be visible ASCII, without spaces at the start or end',
    ]);
  });

  it("can contain other names and secrets", () => {
    expect(faultsOf(withProviderKeys("headers: { X-Tenant: a b, X-Key: { env: K } }"))).toEqual([]);
  });
});

it("an error code is in user_errors or proxy_errors, not in both", () => {
  const text = withProviderKeys("user_errors: [a, invalid_scope]", "proxy_errors: [b, invalid_scope]");
  expect(faultsOf(text)).toEqual([
    'f.yaml:12:23 "providers.main.proxy_errors[1]" is also in user_errors; remove one of the two',
  ]);
});

describe("templates", () => {
  it.each([
    ["scope", 'scope: "{{usrid}}"', "11:12", "providers.main.scope"],
    ["a parameter", 'params: { a: "{{usrid}}" }', "11:18", "providers.main.params.a"],
    ["a parameter's list", 'params: { a: [x, "{{usrid}}"] }', "11:22", "providers.main.params.a[1]"],
    ["a header", 'headers: { X-A: "{{usrid}}" }', "11:21", "providers.main.headers.X-A"],
  ])("with an unknown name are reported in %s", (_, line, place, path) => {
    expect(faultsOf(withProviderKeys(line))).toEqual([
      `f.yaml:${place} "${path}" uses {{usrid}}, which no call provides; did you mean "userid"?`,
    ]);
  });

  it.each(["toString", "constructor", "hasOwnProperty", "something_else"])(
    "with an unknown name that resembles no other get a hint where to add it: %s",
    (name) => {
      expect(faultsOf(withProviderKeys(`scope: "{{${name}}}"`))).toEqual([
        `f.yaml:11:12 "providers.main.scope" uses {{${name}}}, which no call provides; add it to "get_token.values"`,
      ]);
    },
  );

  it("with several unknown names are reported for each", () => {
    expect(faultsOf(withProviderKeys('scope: "{{usrid}} {{userid}} {{nonse}}"'))).toEqual([
      'f.yaml:11:12 "providers.main.scope" uses {{usrid}}, which no call provides; did you mean "userid"?',
      'f.yaml:11:12 "providers.main.scope" uses {{nonse}}, which no call provides; did you mean "nonce"?',
    ]);
  });

  it("can use the provider's names and every value of the call", () => {
    const names = ["client_id", "issuer", "token_endpoint", "now", "uuid", "serverid", "userid", "accountid", "nonce"];
    const params = names.map((name) => `  ${name}_: "{{${name}}}"`);
    expect(faultsOf(withProviderKeys("params:", ...params))).toEqual([]);
  });

  it("must not use an issuer or a client_id that is not set", () => {
    const text = withProvider(ENDPOINT, GRANT, "token_endpoint_auth_method: none", 'scope: "{{issuer}} {{client_id}}"');
    expect(faultsOf(text)).toEqual([
      'f.yaml:10:12 "providers.main.scope" uses {{issuer}}, but issuer is not set',
      'f.yaml:10:12 "providers.main.scope" uses {{client_id}}, but client_id is not set',
    ]);
  });

  it("are not looked for in secrets, which are sent unchanged", () => {
    expect(faultsOf(withProviderKeys('params: { a: { env: A }, b: { file: "{{usrid}}" } }'))).toEqual([]);
  });

  it("of the defaults of a grant type are checked too", () => {
    const text = withProviderKeys().concat("get_token: { values: { userid: [body:/userid] } }\n");
    expect(faultsOf(text)).toEqual([
      'f.yaml:10:17 "providers.main.grant_type" uses {{nonce}}, which no call provides; add it to "get_token.values"',
    ]);
  });

  it("in params replace the defaults of a grant type", () => {
    const text = withProviderKeys('params: { code: "{{userid}}" }').concat(
      "get_token: { values: { userid: [body:/userid] } }\n",
    );
    expect(faultsOf(text)).toEqual([]);
  });
});
