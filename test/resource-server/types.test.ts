// Handlers know the types of the variables that the middlewares set.

import { Hono } from "hono";
import type { JWTPayload } from "jose";
import { describe, expectTypeOf, it } from "vitest";
import { type AccessTokenOptions, accessToken, webNonceSession } from "../../src/resource-server/index.ts";

const session = webNonceSession({ url: "https://ns-api.bank.example", apikey: "apikey", serverid: "c2VydmVyLTE=" });
const token = accessToken({
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
});

describe("a handler after", () => {
  it("webNonceSession knows userid and accountid", () => {
    new Hono().use(session).get("/", (c) => {
      expectTypeOf(c.var.userid).toEqualTypeOf<string>();
      expectTypeOf(c.get("accountid")).toEqualTypeOf<number | undefined>();
      return c.body(null);
    });
    new Hono().get("/", session, (c) => {
      expectTypeOf(c.var).toHaveProperty("userid").toEqualTypeOf<string>();
      expectTypeOf(c.var).not.toHaveProperty("claims");
      return c.body(null);
    });
  });

  it("accessToken knows the claims", () => {
    new Hono().use(token).get("/", (c) => {
      expectTypeOf(c.var.claims).toEqualTypeOf<JWTPayload>();
      return c.body(null);
    });
  });

  it("both knows all of them", () => {
    new Hono().get("/", session, token, (c) => {
      expectTypeOf(c.var.userid).toEqualTypeOf<string>();
      expectTypeOf(c.var.claims).toEqualTypeOf<JWTPayload>();
      return c.body(null);
    });
  });
});

describe("the options", () => {
  it("of accessToken allow no symmetric algorithm and not none", () => {
    expectTypeOf<"HS256">().not.toExtend<AccessTokenOptions["algorithms"][number]>();
    expectTypeOf<"none">().not.toExtend<AccessTokenOptions["algorithms"][number]>();
    expectTypeOf<readonly ["ES256"]>().toExtend<AccessTokenOptions["algorithms"]>();
  });
});
