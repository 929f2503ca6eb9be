// accessToken accepts a good token in a good request, and refuses anything else before it does any
// work.

import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type AccessTokenOptions, accessToken } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectNoCredential, expectRefusal, INVALID } from "./fake-fetch.ts";
import { CLAIMS, fakeIssuer, INTROSPECTION, issuerKey, resourceServer, sign } from "./fake-issuer.ts";

const key = await issuerKey("2026-11");
const issuer = fakeIssuer(key);

beforeAll(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
});
afterAll(() => {
  vi.useRealTimers();
});
beforeEach(() => {
  issuer.jwks.requests.length = 0;
});

const ask = (authorization: string | undefined) => resourceServer(issuer)(authorization);

describe("a request", () => {
  it("with a good token gets the claims", async () => {
    const response = await ask(`Bearer ${await sign(key)}`);
    expect([response.status, await response.json()]).toEqual([200, CLAIMS]);
  });

  it("without a token gets 401 without an error code", async () => {
    await expectNoCredential(await ask(undefined));
  });

  it("with a token longer than 16 kB gets 401, and no key is fetched", async () => {
    const token = await sign(key, { groups: "x".repeat(13_000) });
    expect(token.length).toBeGreaterThan(16_384);
    await expectRefusal(await ask(`Bearer ${token}`), INVALID);
    expect(issuer.jwks.requests).toEqual([]);
  });
});

const OPTIONS: AccessTokenOptions = {
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
};
const INTROSPECT = { endpoint: INTROSPECTION, client_id: "api", client_secret: "geheim" };

describe("the options", () => {
  it.each<Partial<AccessTokenOptions>>([
    {},
    { audience: ["a", "b"], algorithms: ["RS256", "PS256", "EdDSA", "Ed25519"], typ: "at+jwt" },
    { jwks_uri: "http://[::1]:8080/jwks", clockTolerance: 0, cacheMaxAge: 0, cooldown: 0 },
    { typ: undefined, clockTolerance: undefined, introspection: undefined },
  ])("can be %j", (options) => {
    expect(accessToken({ ...OPTIONS, ...options })).toBeTypeOf("function");
  });

  it.each<[option: string, values: unknown[]]>([
    ["issuer", [undefined, "", ["https://sso.bank.example"]]],
    ["audience", [undefined, "", [], [""], ["a", 7]]],
    ["algorithms", [undefined, "ES256", [], ["none"], ["HS256"], ["ES256", "HS512"], ["es256"], [undefined]]],
    ["jwks_uri", [undefined, "http://sso.bank.example/jwks"]],
    ["typ", ["", null]],
    ["clockTolerance", [-1, 301, 5_000, Number.NaN, "5"]],
    ["cacheMaxAge", [-1, Number.POSITIVE_INFINITY, "10m"]],
    ["cooldown", [-1, Number.POSITIVE_INFINITY]],
    ["introspection.timeout", [0, Number.NaN]],
    ["introspection.endpoint", [undefined, "http://sso.bank.example/introspect"]],
    ["introspection.client_id", [undefined, ""]],
    ["introspection.client_secret", [undefined, ""]],
  ])("are refused for a faulty %s", (option, values) => {
    const name = option.replace("introspection.", "");
    for (const value of values) {
      const faulty = { [name]: value };
      const changes = option === name ? faulty : { introspection: { ...INTROSPECT, ...faulty } };
      const create = () => accessToken({ ...OPTIONS, ...changes });
      expect(create).toThrow(TypeError);
      expect(create).toThrow(`"${option}" must `);
    }
  });
});
