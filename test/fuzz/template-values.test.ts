// Hostile values in every place of a template: what arrives has exactly the intended structure, or
// the call is refused.

import fc from "fast-check";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { describe, expect, it } from "vitest";
import type { TokenProxyError } from "../../src/core/errors.ts";
import type { Value } from "../../src/core/values.ts";
import type { ProviderSettings } from "../../src/oauth/provider-settings.ts";
import type { JsonValue } from "../../src/oauth/template.ts";
import { setUp } from "../oauth/set-up-provider.ts";
import { anyText, forAll, watchRejections } from "./fuzz.ts";

watchRejections();

/** What values.ts lets through: well-formed text, or a safe integer. */
const PIECES = [
  ..." |:/\\\"'%&=?#.,;{}[]<>()@+~-_\t\r\n\0é😀ax7",
  "||",
  "..",
  "%2e",
  "openid",
  "{{b}}",
  "https://",
  '"}',
];
const hostile: fc.Arbitrary<Value> = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: fc.constantFrom(...PIECES), maxLength: 6 }) },
  { weight: 2, arbitrary: fc.string({ unit: fc.constantFrom(..."abc019-._~"), minLength: 1, maxLength: 12 }) },
  anyText.filter((text) => text.isWellFormed()),
  fc.maxSafeInteger(),
);

interface Sent {
  form: URLSearchParams;
  headers: Readonly<Record<string, string>>;
}

interface Place {
  /** With the templates a and b. */
  settings: Partial<ProviderSettings>;
  read(sent: Sent): unknown;
  intended(a: Value, b: Value): unknown;
  /** Whether a value must be accepted, by another reading of the rule than the program's. */
  fits(text: string): boolean;
}

const JWT = { header: {}, ttl: 60_000, backdate: 0 };
const TREE: JsonValue = [
  { "{{a}}": "{{a}}", list: ["{{b}}", 1, null], text: "u:{{a}}", deep: { both: "{{a}}||{{b}}" } },
];
const treeOf = (a: Value, b: Value) => [
  { "{{a}}": a, list: [b, 1, null], text: `u:${a}`, deep: { both: `${a}||${b}` } },
];
const noBar = (text: string) => !text.includes("|") && text !== "";
const always = () => true;
const isUnreserved = (text: string) =>
  text !== "" && text !== "." && text !== ".." && encodeURIComponent(text) === text && !/[!'()*]/.test(text);
const isScopeToken = (text: string) =>
  text !== "" && [...text].every((char) => char > " " && char < "\x7f" && char !== '"' && char !== "\\");
const param =
  (name: string) =>
  ({ form }: Sent) =>
    form.getAll(name);
const claimsOf = (jwt: string | null) => {
  const { iat, exp, jti, ...claims } = decodeJwt(String(jwt));
  return claims;
};
const scopesIn = (scope: unknown) => [scope].flat().flatMap((text) => String(text).split(" "));
const urlOf = (text: string | undefined) => {
  const { origin, pathname, searchParams, hash } = new URL(String(text));
  return { origin, path: pathname.split("/").slice(1).map(decodeURIComponent), query: [...searchParams], hash };
};
const urlWith = (a: Value, b: Value) => ({
  origin: "https://api.bank.example",
  path: ["u", String(a), "x"],
  query: [["y", String(b)]],
  hash: "",
});

const PLACES: Record<string, Place> = {
  "a whole parameter": {
    settings: { params: { p: "{{a}}", q: ["1", "u:{{b}}"] } },
    read: ({ form }) => [...form].slice(1),
    intended: (a, b) => [...(a === "" ? [] : [["p", String(a)]]), ["q", "1"], ["q", `u:${b}`]],
    fits: always,
  },
  "a text with several templates": {
    settings: { params: { p: "{{a}}||{{b}}" } },
    read: (sent) => [sent.form.get("p")?.split("||"), sent.form.get("p")?.split(/\|\|(?!\|)/)],
    intended: (a, b) => [
      [String(a), String(b)],
      [String(a), String(b)],
    ],
    fits: noBar,
  },
  "a scope": {
    settings: { scope: "openid x:{{a}}", params: { p: "{{b}}" } },
    read: ({ form }) => form.get("scope")?.split(" "),
    intended: (a) => ["openid", `x:${a}`],
    fits: isScopeToken,
  },
  "a URL": {
    settings: { params: { p: "https://api.bank.example/u/{{a}}/x?y={{b}}" } },
    read: (sent) => urlOf(param("p")(sent)[0]),
    intended: urlWith,
    fits: isUnreserved,
  },
  "a JSON parameter": {
    settings: { params: { p: { json: TREE } } },
    read: ({ form }) => JSON.parse(String(form.get("p"))),
    intended: treeOf,
    fits: noBar,
  },
  "a scope in JSON": {
    settings: { params: { p: { json: { list: [{ scope: ["{{a}}", "x:{{b}}"] }] } } } },
    read: ({ form }) => scopesIn(JSON.parse(String(form.get("p"))).list[0].scope),
    intended: (a, b) => [String(a), `x:${b}`],
    fits: isScopeToken,
  },
  "a header": {
    settings: { headers: { "X-A": "{{a}}", "X-B": "u={{b}}" } },
    read: ({ headers }) => [
      new Headers(headers).get("x-a"),
      new Headers(headers).get("x-b"),
      Object.keys(headers).length,
    ],
    intended: (a, b) => [String(a), `u=${b}`, 7],
    fits: (text) => /^[!-~]+$/.test(text),
  },
  "a URL in a header": {
    settings: { headers: { Referer: "https://api.bank.example/u/{{a}}/x?y={{b}}" } },
    read: ({ headers }) => urlOf(headers.referer),
    intended: urlWith,
    fits: isUnreserved,
  },
  "the claims of a JWT": {
    settings: {
      params: { p: "{{jwt.j}}" },
      jwt: { j: { ...JWT, claims: { tree: TREE, sub: "{{a}}", url: "{{issuer}}/u" } } },
    },
    read: ({ form }) => claimsOf(form.get("p")),
    intended: (a, b) => ({ tree: treeOf(a, b), sub: a, url: "https://idp.example/u" }),
    fits: noBar,
  },
  "a scope in a JWT": {
    settings: {
      params: { p: "{{jwt.j}}" },
      jwt: { j: { ...JWT, claims: { scope: "openid {{a}}", authorization: { scope: "{{b}}" } } } },
    },
    read: ({ form }) => {
      const { scope, authorization } = claimsOf(form.get("p")) as { scope: string; authorization: { scope: unknown } };
      return [scopesIn(scope), scopesIn(authorization.scope)];
    },
    intended: (a, b) => [["openid", String(a)], [String(b)]],
    fits: isScopeToken,
  },
  "the header of a JWT": {
    settings: {
      params: { p: "{{jwt.j}}" },
      jwt: { j: { ...JWT, header: { a: "{{a}}", b: ["u:{{b}}"] }, claims: {} } },
    },
    read: ({ form }) => decodeProtectedHeader(String(form.get("p"))),
    intended: (a, b) => ({ alg: "ES256", kid: "first", a, b: [`u:${b}`] }),
    fits: always,
  },
  "a client assertion": {
    settings: {
      token_endpoint_auth_method: "private_key_jwt",
      client_assertion: {
        ...JWT,
        aud: "{{issuer}}",
        typ: null,
        claims: { tree: TREE, url: "{{issuer}}/u/{{a}}/x?y={{b}}" },
      },
    },
    read: ({ form }) => {
      const { url, ...claims } = claimsOf(form.get("client_assertion"));
      return { ...claims, url: urlOf(url as string) };
    },
    intended: (a, b) => ({
      ...{ iss: "token-proxy", sub: "token-proxy", aud: "https://idp.example", tree: treeOf(a, b) },
      url: { ...urlWith(a, b), origin: "https://idp.example" },
    }),
    fits: isUnreserved,
  },
};

describe.each(Object.entries(PLACES))("%s", (_, { settings, read, intended, fits }) => {
  it("has the intended structure with any value that is not refused", async () => {
    let accepted = 0;
    await forAll(fc.tuple(hostile, hostile), async ([a, b]) => {
      const { upstream, values, request } = setUp({ issuer: "https://idp.example", params: {}, ...settings });
      values.set("a", a).set("b", b);
      const error = await request().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) {
        expect(error).toMatchObject({ code: "call_invalid", cause: undefined });
        const { message } = error as TokenProxyError;
        expect(message).toMatch(
          /^the value of \{\{[ab]\}\} does not fit into "providers\.main\.[\w.-]+": there it must /,
        );
        expect(upstream.requests).toHaveLength(0);
        expect(
          [a, b].every((value) => fits(String(value))),
          `${message}: ${a}, ${b}`,
        ).toBe(false);
        return;
      }
      accepted += 1;
      const [sent] = upstream.requests;
      const form = new URLSearchParams(sent?.body);
      expect(read({ form, headers: sent?.headers ?? {} })).toEqual(intended(a, b));
    });
    expect(accepted).toBeGreaterThan(0);
  });
});
