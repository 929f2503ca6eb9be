// A JWT has the times of its making and an identifier of its own, and no member that the file takes away.

import { describe, expect, it } from "vitest";
import { compileJwt, type JwtSettings, type Signer } from "../../src/oauth/jwt.ts";
import { fakeClock, fakeIds, NOW } from "../support/fakes.ts";

const SECONDS = NOW / 1000;

/** Signs nothing: what it was given is what counts. */
function spy(changes: Partial<Signer> = {}) {
  const signed: { header: object; payload: string }[] = [];
  const signer: Signer = {
    kid: "2026-11",
    x5tS256: undefined,
    async sign(header, payload) {
      signed.push({ header, payload });
      return "a.b.c";
    },
    ...changes,
  };
  return { signer, signed };
}

async function made(settings: Partial<JwtSettings>, changes: Partial<Signer> = {}, passed = 0) {
  const { signer, signed } = spy(changes);
  const clock = fakeClock();
  clock.advance(passed);
  const whole = { header: {}, claims: {}, ttl: 60_000, backdate: 0, ...settings };
  const makeJwt = compileJwt(whole, signer, { clock, ids: fakeIds() });
  const values = new Map<string, string | number>([
    ["accountid", 7],
    ["userid", "<userid>"],
  ]);
  expect(await makeJwt(values)).toBe("a.b.c");
  await makeJwt(values);
  const [first, second] = signed.map(({ header, payload }) => ({ header, claims: JSON.parse(payload) }));
  return { header: first?.header, claims: first?.claims, again: second?.claims };
}

describe("the times", () => {
  it.each([
    ["now, and the ttl later", 60_000, 0, 0, SECONDS, SECONDS + 60],
    ["earlier by the backdate, which takes nothing from the ttl", 60_000, 5_000, 0, SECONDS - 5, SECONDS + 60],
    ["whole seconds, none of them later than they should be", 1_500, 500, 999, SECONDS, SECONDS + 2],
  ])("are %s", async (_, ttl, backdate, passed, iat, exp) => {
    expect((await made({ ttl, backdate }, {}, passed)).claims).toMatchObject({ iat, exp });
  });

  it("can stand in other claims and in the header, as numbers", async () => {
    const { claims, header } = await made({
      header: { at: "{{iat}}" },
      claims: { nbf: "{{iat}}", t: "until {{exp}}" },
    });
    expect(claims).toMatchObject({ nbf: SECONDS, t: `until ${SECONDS + 60}` });
    expect(header).toMatchObject({ at: SECONDS });
  });

  it("give way to those of the file", async () => {
    expect((await made({ claims: { iat: null, exp: 5 } })).claims).toEqual({ exp: 5, jti: "uuid-1" });
  });
});

describe("the jti", () => {
  it("is fresh for every JWT", async () => {
    const { claims, again } = await made({});
    expect([claims.jti, again.jti]).toEqual(["uuid-1", "uuid-2"]);
  });

  it("gives way to the file's, or to none", async () => {
    expect((await made({ claims: { jti: "x-{{userid}}" } })).claims.jti).toBe("x-<userid>");
    expect((await made({ claims: { jti: null } })).claims).not.toHaveProperty("jti");
  });
});

describe("the header", () => {
  it.each<[string, Partial<Signer>, JwtSettings["header"], object]>([
    ["the kid", {}, {}, { kid: "2026-11" }],
    ["the certificate's thumbprint", { x5tS256: "abc" }, {}, { kid: "2026-11", "x5t#S256": "abc" }],
    ["neither for a client secret", { kid: undefined }, {}, {}],
    ["what the file adds", {}, { typ: "JWT", cty: "{{userid}}" }, { kid: "2026-11", typ: "JWT", cty: "<userid>" }],
    ["another kid", {}, { kid: "theirs" }, { kid: "theirs" }],
    ["nothing that the file takes away", { x5tS256: "abc" }, { kid: null, "x5t#S256": null, typ: null }, {}],
  ])("has %s", async (_, key, header, expected) => {
    expect((await made({ header }, key)).header).toEqual(expected);
  });

  it("holds a kid with braces as it is", async () => {
    expect((await made({}, { kid: "a {{userid}}" })).header).toEqual({ kid: "a {{userid}}" });
  });
});

it("null takes away members alone, not what stands deeper", async () => {
  const { claims } = await made({ claims: { sub: null, act: { sub: null }, list: [null], account: "{{accountid}}" } });
  expect(claims).toMatchObject({ act: { sub: null }, list: [null], account: 7 });
  expect(claims).not.toHaveProperty("sub");
});
