// Only a token that is for this server and of this time lets a request pass; whatever cannot be one is refused before any work.

import { base64url } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { AccessTokenOptions } from "../../src/resource-server/index.ts";
import { NOW } from "../support/fakes.ts";
import { expectNoCredential, expectRefusal, INVALID, MALFORMED } from "./fake-fetch.ts";
import { AUDIENCE, CLAIMS, fakeIssuer, ISSUER, issuerKey, NOW_SECONDS, resourceServer, sign } from "./fake-issuer.ts";

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

const ask = (authorization: string | undefined, options: Partial<AccessTokenOptions> = {}) =>
  resourceServer(issuer, options)(authorization);

describe("a token", () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>, Partial<AccessTokenOptions>]>([
    ["for this server", {}, {}, {}],
    ["for this server among others", { aud: ["https://other.example", AUDIENCE] }, {}, {}],
    ["for one of this server's names", {}, {}, { audience: ["https://other.example", AUDIENCE] }],
    ["without iat and nbf", { iat: undefined }, {}, {}],
    ["of the right type", {}, { typ: "at+jwt" }, { typ: "at+jwt" }],
    ["of the right type, written out", {}, { typ: "application/AT+JWT" }, { typ: "at+jwt" }],
    ["that has expired within the tolerance", { exp: NOW_SECONDS - 4 }, {}, {}],
    ["that begins within the tolerance", { nbf: NOW_SECONDS + 5, iat: NOW_SECONDS + 5 }, {}, {}],
    ["that begins now", { nbf: NOW_SECONDS, iat: NOW_SECONDS }, {}, { clockTolerance: 0 }],
  ])("%s passes with its claims", async (_, claims, header, options) => {
    const answer = await ask(`Bearer ${await sign(key, claims, header)}`, options);
    expect(answer.status).toBe(200);
    expect(await answer.json()).toEqual(JSON.parse(JSON.stringify({ ...CLAIMS, ...claims })));
  });

  it("passes with the name of the scheme in lower case", async () => {
    expect((await ask(`bearer ${await sign(key)}`)).status).toBe(200);
  });

  it.each<[string, Record<string, unknown>, Record<string, unknown>, Partial<AccessTokenOptions>]>([
    ["for another server", { aud: "https://other.example" }, {}, {}],
    ["for another server with a like name", { aud: `${AUDIENCE}/` }, {}, {}],
    ["for no server", { aud: undefined }, {}, {}],
    ["of another issuer", { iss: "https://other.example" }, {}, {}],
    ["of an issuer with a like name", { iss: `${ISSUER}/` }, {}, {}],
    ["of several issuers", { iss: [ISSUER] }, {}, {}],
    ["of no issuer", { iss: undefined }, {}, {}],
    ["that has expired", { exp: NOW_SECONDS - 5 }, {}, {}],
    ["that expires now", { exp: NOW_SECONDS }, {}, { clockTolerance: 0 }],
    ["that never expires", { exp: undefined }, {}, {}],
    ["whose exp is text", { exp: String(NOW_SECONDS + 300) }, {}, {}],
    ["that is not valid yet", { nbf: NOW_SECONDS + 6 }, {}, {}],
    ["whose nbf is text", { nbf: String(NOW_SECONDS) }, {}, {}],
    ["issued in the future", { iat: NOW_SECONDS + 6 }, {}, {}],
    ["issued in a second", { iat: NOW_SECONDS + 1 }, {}, { clockTolerance: 0 }],
    ["of another type", {}, { typ: "JWT" }, { typ: "at+jwt" }],
    ["of no type", {}, {}, { typ: "at+jwt" }],
  ])("%s is refused", async (_, claims, header, options) => {
    const token = await sign(key, claims, header);
    await expectRefusal(await ask(`Bearer ${token}`, options), { ...INVALID, without: token.slice(-20) });
  });

  it.each(["opaque", "a.b", "a.b.c", "..", "e30.e30.", "é.é.é", `${base64url.encode("[]")}.e30.e30`, "a.b.c.d.e"])(
    "that is no JWT (%s) is refused before any key is fetched",
    async (token) => {
      await expectRefusal(await ask(`Bearer ${token}`), INVALID);
      expect(issuer.jwks.requests).toEqual([]);
    },
  );

  it("longer than 16 kB is refused before any work", async () => {
    const token = await sign(key, { groups: "x".repeat(13_000) });
    expect(token.length).toBeGreaterThan(16_384);
    await expectRefusal(await ask(`Bearer ${token}`), INVALID);
    expect(issuer.jwks.requests).toEqual([]);
  });
});

describe("a request", () => {
  it.each([undefined, "Basic YTpi", ""])(
    "with %j for Authorization is refused without an error code",
    async (header) => {
      await expectNoCredential(await ask(header));
    },
  );

  it.each(["Bearer", "Bearer ", "Bearer a b", "Bearer a, Bearer b"])("with %j is malformed", async (authorization) => {
    await expectRefusal(await ask(authorization), MALFORMED);
  });
});
