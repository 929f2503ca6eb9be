// Options that cannot be meant stop the start with a TypeError that names them and does not repeat them.

import { describe, expect, it } from "vitest";
import {
  type AccessTokenOptions,
  accessToken,
  type WebNonceSessionOptions,
  webNonceSession,
} from "../../src/resource-server/index.ts";

const SESSION: WebNonceSessionOptions = {
  url: "https://ns-api.bank.example",
  apikey: "apikey-of-the-virtual-server",
  serverid: "c2VydmVyLTE=",
};

describe("webNonceSession", () => {
  it.each<Partial<WebNonceSessionOptions>>([
    {},
    { url: "http://127.0.0.1:8080/api/" },
    { url: "http://localhost:8080" },
    { su: "role", timeout: 1, realm: "Retail accounts" },
    { su: undefined, timeout: undefined, realm: undefined, fetch: undefined },
  ])("takes %j", (options) => {
    expect(webNonceSession({ ...SESSION, ...options })).toBeTypeOf("function");
  });

  it.each<[option: string, values: unknown[]]>([
    [
      "url",
      [undefined, "", "ns-api", "http://ns-api.bank.example", "https://a:b@ns", "https://ns/?a", "https://ns/#a", 7],
    ],
    ["apikey", [undefined, "", "two\nlines", "schlüssel", 7]],
    ["serverid", [undefined, "", "a".repeat(257), "a\u0000"]],
    ["su", ["", "rôle", null]],
    ["timeout", [0, -1, 0.5, Number.NaN, 86_400_001, "2s"]],
    ["realm", ["", 'a"b', "a\\b", "ä", "a\nb"]],
  ])("throws for a faulty %s", (option, values) => {
    for (const value of values) {
      const create = () => webNonceSession({ ...SESSION, [option]: value });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(new RegExp(`^"${option}" (?:must|is|has) `));
    }
  });

  it("says of an empty apikey that it is empty", () => {
    expect(() => webNonceSession({ ...SESSION, apikey: "" })).toThrow('"apikey" is empty');
  });

  it("never repeats a faulty apikey", () => {
    expect(() => webNonceSession({ ...SESSION, apikey: "geheim\n" })).toThrow(/^(?!.*geheim)/s);
  });
});

const TOKEN: AccessTokenOptions = {
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
};
const INTROSPECTION = { endpoint: "https://sso.bank.example/introspect", client_id: "api", client_secret: "geheim" };

describe("accessToken", () => {
  it.each<Partial<AccessTokenOptions>>([
    {},
    { audience: ["a", "b"], algorithms: ["RS256", "PS256", "EdDSA", "Ed25519"], typ: "at+jwt" },
    { jwks_uri: "http://[::1]:8080/jwks", clockTolerance: 0, cacheMaxAge: 0, cooldown: 0 },
    { introspection: INTROSPECTION },
    { introspection: { ...INTROSPECTION, timeout: 100, cacheFor: 60_000 } },
    { typ: undefined, clockTolerance: undefined, introspection: undefined, realm: undefined },
  ])("takes %j", (options) => {
    expect(accessToken({ ...TOKEN, ...options })).toBeTypeOf("function");
  });

  it.each<[option: string, values: unknown[]]>([
    ["issuer", [undefined, "", ["https://sso.bank.example"]]],
    ["audience", [undefined, "", [], [""], ["a", 7]]],
    ["algorithms", [undefined, "ES256", [], ["none"], ["HS256"], ["ES256", "HS512"], ["es256"], [undefined]]],
    ["jwks_uri", [undefined, "", "http://sso.bank.example/jwks", "https://a:b@sso/jwks", "file:///jwks"]],
    ["typ", ["", null]],
    ["clockTolerance", [-1, 301, 5_000, Number.NaN, "5s"]],
    ["cacheMaxAge", [-1, Number.POSITIVE_INFINITY, Number.NaN]],
    ["cooldown", [-1, Number.POSITIVE_INFINITY, Number.NaN]],
    ["realm", ["", 'a"b']],
  ])("throws for a faulty %s", (option, values) => {
    for (const value of values) {
      const create = () => accessToken({ ...TOKEN, [option]: value });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(new RegExp(`^"${option}" must `));
    }
  });

  it.each<[option: string, values: unknown[]]>([
    ["endpoint", [undefined, "http://sso.bank.example/introspect"]],
    ["client_id", [undefined, ""]],
    ["client_secret", [undefined, ""]],
    ["timeout", [0, Number.NaN]],
    ["cacheFor", [-1, Number.POSITIVE_INFINITY]],
  ])("throws for a faulty %s of the introspection", (option, values) => {
    for (const value of values) {
      const create = () => accessToken({ ...TOKEN, introspection: { ...INTROSPECTION, [option]: value } });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(new RegExp(`^"introspection\\.${option}" must `));
    }
  });
});
