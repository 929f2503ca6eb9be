// Client authentication: keys that a method requires or does not use.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, withProvider } from "./file.ts";

const ISSUER = "issuer: https://idp.example";
const ID = "client_id: token-proxy";
const SECRET = "client_secret: { env: S }";
const KEY = "client_key: { kid: k, alg: ES256, private_key: { env: K } }";
const TLS = "tls: { certificate: { env: C }, private_key: { env: K } }";
const BINDING = "tls: { binding: MTLS }";
const GRANT = "grant_type: urn:example:user";
const SIGNING = `signing:
  issuer: https://proxy.example
  keys:
    - { kid: a, alg: ES256, private_key: { env: A } }
    - { kid: b, alg: PS256, private_key: { env: B }, use: verify }
`;
const method = (name: string) => `token_endpoint_auth_method: ${name}`;

/** A provider with these keys of the client from line 9. */
const client = (...lines: string[]) => withProvider(ISSUER, GRANT, ...lines);

describe("client authentication", () => {
  it.each<[string, string[], string[]]>([
    [
      "no secret and no method",
      [ID],
      ['7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_basic'],
    ],
    [
      "neither credentials nor client_id",
      [],
      [
        '7:5 "providers.main" needs client_id',
        '7:5 "providers.main" needs client_secret for token_endpoint_auth_method: client_secret_basic',
      ],
    ],
    ...["client_secret_basic", "client_secret_basic_raw", "client_secret_post", "client_secret_jwt"].map(
      (name): [string, string[], string[]] => [
        `${name} without a secret`,
        [ID, method(name)],
        [`7:5 "providers.main" needs client_secret for token_endpoint_auth_method: ${name}`],
      ],
    ),
    [
      "private_key_jwt without a key",
      [ID, method("private_key_jwt")],
      ['7:5 "providers.main" needs client_key or signing.keys for token_endpoint_auth_method: private_key_jwt'],
    ],
    ...["tls_client_auth", "self_signed_tls_client_auth"].flatMap((name) =>
      [[], ["tls: { ca: { env: C } }"]].map((tls): [string, string[], string[]] => [
        `${name} with ${tls.length === 0 ? "nothing" : "only a CA"}`,
        [ID, method(name), ...tls],
        [
          `7:5 "providers.main" needs tls.certificate and tls.private_key (on Workers: tls.binding) for token_endpoint_auth_method: ${name}`,
        ],
      ]),
    ),
    ...["private_key_jwt", "none"].map((name): [string, string[], string[]] => [
      `a secret that ${name} does not use`,
      [ID, SECRET, method(name), ...(name === "none" ? [] : [KEY])],
      [`10:5 "providers.main.client_secret" is not used by token_endpoint_auth_method: ${name}; remove one of the two`],
    ]),
    [
      "a secret that tls_client_auth does not use",
      [ID, SECRET, method("tls_client_auth"), TLS],
      [
        '10:5 "providers.main.client_secret" is not used by token_endpoint_auth_method: tls_client_auth; remove one of the two',
      ],
    ],
    [
      "a key that the default method does not use",
      [ID, SECRET, KEY],
      [
        '11:5 "providers.main.client_key" is not used by token_endpoint_auth_method: client_secret_basic; remove one of the two',
      ],
    ],
    [
      "a key that none does not use",
      [ID, KEY, method("none")],
      ['10:5 "providers.main.client_key" is not used by token_endpoint_auth_method: none; remove one of the two'],
    ],
    ...["client_secret_post", "none"].map((name): [string, string[], string[]] => [
      `an assertion that ${name} does not use`,
      [ID, method(name), "client_assertion: { ttl: 30s }", ...(name === "none" ? [] : [SECRET])],
      [
        `11:5 "providers.main.client_assertion" is not used by token_endpoint_auth_method: ${name}; remove one of the two`,
      ],
    ]),
    ["a secret without client_id", [SECRET], ['7:5 "providers.main" needs client_id']],
    ["a key without client_id", [KEY, method("private_key_jwt")], ['7:5 "providers.main" needs client_id']],
    ["a certificate without client_id", [TLS, method("tls_client_auth")], ['7:5 "providers.main" needs client_id']],
    [
      "a colon in a raw client_id",
      ['client_id: "a:b"', SECRET, method("client_secret_basic_raw")],
      [
        '9:16 "providers.main.client_id" must not contain a colon with client_secret_basic_raw; use client_secret_basic',
      ],
    ],
  ])("is reported as wrong: %s", (_, lines, faults) => {
    expect(faultsOf(client(...lines))).toEqual(faults.map((fault) => `f.yaml:${fault}`));
  });

  it.each<[string, string[], string, string?]>([
    ["a public client", [ID, method("none")], "none"],
    ["a client named only by its assertion", [method("none")], "none"],
    ["a public client with a TLS certificate", [ID, method("none"), TLS], "none"],
    ["a secret", [ID, SECRET], "client_secret_basic"],
    ["several secrets", [ID, "client_secret: [{ env: S }, { file: s }]"], "client_secret_basic"],
    ["a colon in an encoded client_id", ['client_id: "a:b"', SECRET], "client_secret_basic"],
    ["a secret in the form", [ID, SECRET, method("client_secret_post")], "client_secret_post"],
    ["a secret for signing", [ID, SECRET, method("client_secret_jwt")], "client_secret_jwt"],
    ["a key", [ID, KEY, method("private_key_jwt")], "private_key_jwt"],
    ["a key under signing", [ID, method("private_key_jwt")], "private_key_jwt", SIGNING],
    ["a certificate", [ID, TLS, method("tls_client_auth")], "tls_client_auth"],
    [
      "a binding with a certificate",
      [ID, BINDING, method("self_signed_tls_client_auth")],
      "self_signed_tls_client_auth",
    ],
  ])("can be given as %s", (_, lines, expected, more = "") => {
    const text = client(...lines) + more;
    expect(configOf(text).providers.main?.token_endpoint_auth_method).toBe(expected);
  });
});

describe("tls", () => {
  it.each([
    ["certificate: { env: C }", '11:10 "providers.main.tls" needs both certificate and private_key, or neither'],
    ["private_key: { env: K }", '11:10 "providers.main.tls" needs both certificate and private_key, or neither'],
    [
      "binding: M, certificate: { env: C }, private_key: { env: K }",
      '11:21 "providers.main.tls.binding" is for Workers; certificate, private_key and ca are for Node; remove one or the other',
    ],
    [
      "binding: M, ca: { env: C }",
      '11:21 "providers.main.tls.binding" is for Workers; certificate, private_key and ca are for Node; remove one or the other',
    ],
  ])("is reported as wrong: { %s }", (tls, fault) => {
    expect(faultsOf(client(ID, SECRET, `tls: { ${tls} }`))).toEqual([`f.yaml:${fault}`]);
  });

  it.each(["ca: { env: C }", "binding: M", "certificate: { env: C }, private_key: { env: K }, ca: { file: ca.pem }"])(
    "may be { %s }",
    (tls) => {
      expect(faultsOf(client(ID, SECRET, `tls: { ${tls} }`))).toEqual([]);
    },
  );
});

describe("the algorithm of an assertion", () => {
  const assertion = (alg: string) => `client_assertion: { alg: ${alg} }`;
  const RSA_KEY = "{ kid: r, alg: RS256, private_key: { env: R } }";
  const JWT = method("private_key_jwt");

  it.each<[string, string[], string, string?]>([
    [
      "a key's algorithm for a secret",
      [ID, SECRET, method("client_secret_jwt"), assertion("ES256")],
      "must be one of HS256, HS384, HS512 for client_secret_jwt",
    ],
    [
      "a secret's algorithm for a key",
      [ID, KEY, JWT, assertion("HS256")],
      "must be one of ES256, ES384, PS256, RS256, EdDSA for private_key_jwt",
    ],
    [
      "one that no client_key has",
      [ID, KEY, JWT, assertion("PS256")],
      "is PS256, but no key under client_key has this alg",
    ],
    [
      "one that no signing key has",
      [ID, JWT, "scope: x", assertion("PS256")],
      "is PS256, but no key under signing.keys has this alg",
      SIGNING,
    ],
  ])("is reported as wrong: %s", (_, lines, fault, more = "") => {
    expect(faultsOf(client(...lines) + more)).toEqual([`f.yaml:12:30 "providers.main.client_assertion.alg" ${fault}`]);
  });

  it.each<[string, string[], string?]>([
    ["HS512 for a secret", [ID, SECRET, method("client_secret_jwt"), assertion("HS512")]],
    [
      "the algorithm of one of several keys",
      [ID, `client_key: [${KEY.slice(12)}, ${RSA_KEY}]`, JWT, assertion("RS256")],
    ],
    ["the algorithm of a key under signing", [ID, JWT, assertion("ES256")], SIGNING],
  ])("may be %s", (_, lines, more = "") => {
    expect(faultsOf(client(...lines) + more)).toEqual([]);
  });
});
