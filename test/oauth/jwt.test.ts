// A JWT has its own times and jti, and the members that the file adds, replaces or removes.

import { describe, expect, it } from "vitest";
import { compileJwt, type JwtSigner } from "../../src/oauth/jwt.ts";
import type { JwtSettings } from "../../src/oauth/settings.ts";
import { fakeClock, fakeIds, NOW } from "../support/fakes.ts";

const SECONDS = NOW / 1000;
const VALUES = new Map<string, string | number>(Object.entries({ accountid: 7, userid: "<userid>" }));

/** Signs two JWTs. @returns what the signer got */
async function sign(settings: Partial<JwtSettings>, key: Partial<JwtSigner> = {}, passed = 0) {
  const signed: { header: object; claims: Record<string, unknown> }[] = [];
  const signer: JwtSigner = {
    kid: "2026-11",
    x5tS256: undefined,
    async sign(header, payload) {
      signed.push({ header, claims: JSON.parse(payload) });
      return "a.b.c";
    },
    ...key,
  };
  const clock = fakeClock();
  clock.advance(passed);
  const complete = { header: {}, claims: {}, ttl: 60_000, backdate: 0, ...settings };
  const signJwt = compileJwt(complete, signer, { clock, ids: fakeIds() }, "providers.main.jwt.user");
  expect([await signJwt(VALUES), await signJwt(VALUES)]).toEqual(["a.b.c", "a.b.c"]);
  const [first, second] = signed;
  return { header: first?.header, claims: first?.claims, second: second?.claims };
}

describe("the claims", () => {
  it.each([
    ["iat now and exp after the ttl", 60_000, 0, 0, SECONDS, SECONDS + 60],
    ["an iat that the backdate moves, but not exp", 60_000, 5_000, 0, SECONDS - 5, SECONDS + 60],
    ["whole seconds, rounded down", 1_500, 500, 999, SECONDS, SECONDS + 2],
  ])("have %s", async (_, ttl, backdate, passed, iat, exp) => {
    expect((await sign({ ttl, backdate }, {}, passed)).claims).toEqual({ iat, exp, jti: "uuid-1" });
  });

  it("have a new jti for each JWT", async () => {
    const { claims, second } = await sign({});
    expect([claims?.jti, second?.jti]).toEqual(["uuid-1", "uuid-2"]);
  });

  it("have a new uuid in each JWT of a request, so that a jti of the file is never used twice", async () => {
    const { claims, second } = await sign({ claims: { jti: "x-{{uuid}}" } });
    expect(claims?.jti).toMatch(/^x-uuid-\d+$/);
    expect(second?.jti).not.toBe(claims?.jti);
  });

  it("may use the times, as numbers or in text, and so may the header", async () => {
    const { claims, header } = await sign({
      header: { at: "{{iat}}" },
      claims: { nbf: "{{iat}}", t: "until {{exp}}" },
    });
    expect(claims).toMatchObject({ nbf: SECONDS, t: `until ${SECONDS + 60}` });
    expect(header).toMatchObject({ at: SECONDS });
  });

  it("are replaced or removed by the file", async () => {
    expect((await sign({ claims: { iat: null, exp: 5, jti: "x-{{userid}}" } })).claims).toEqual({
      exp: 5,
      jti: "x-<userid>",
    });
    expect((await sign({ claims: { jti: null } })).claims).not.toHaveProperty("jti");
  });

  it("keep a null below the top level", async () => {
    const nested = { act: { sub: null }, list: [null] };
    const { claims } = await sign({ claims: { sub: null, ...nested, account: "{{accountid}}" } });
    expect(claims).toMatchObject({ ...nested, account: 7 });
    expect(claims).not.toHaveProperty("sub");
  });
});

it.each<[string, Partial<JwtSigner>, JwtSettings["header"], object]>([
  ["the kid", {}, {}, { kid: "2026-11" }],
  ["a kid with braces, unchanged", { kid: "a {{userid}}" }, {}, { kid: "a {{userid}}" }],
  ["the certificate's thumbprint", { x5tS256: "abc" }, {}, { kid: "2026-11", "x5t#S256": "abc" }],
  ["no kid for a client secret", { kid: undefined }, {}, {}],
  ["members of the file", {}, { typ: "JWT", cty: "{{userid}}" }, { kid: "2026-11", typ: "JWT", cty: "<userid>" }],
  ["the file's kid", {}, { kid: "theirs" }, { kid: "theirs" }],
  ["nothing that the file removes", { x5tS256: "abc" }, { kid: null, "x5t#S256": null, typ: null }, {}],
])("the header has %s", async (_, key, header, expected) => {
  expect((await sign({ header }, key)).header).toEqual(expected);
});
