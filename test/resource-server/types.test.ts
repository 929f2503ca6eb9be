// Handlers know the types of the variables that the middlewares set.

import { Hono } from "hono";
import type { JWTPayload } from "jose";
import { expectTypeOf, it } from "vitest";
import { type AccessTokenOptions, accessToken, webNonceSession } from "../../src/resource-server/index.ts";

const session = webNonceSession({ url: "https://ns-api.bank.example", apikey: "apikey", serverid: "c2VydmVyLTE=" });
const token = accessToken({
  issuer: "https://sso.bank.example",
  audience: "https://api.bank.example",
  algorithms: ["ES256"],
  jwks_uri: "https://sso.bank.example/jwks",
});

it("a handler after webNonceSession and accessToken knows userid, accountid and claims", () => {
  new Hono().use(session).get("/", (c) => {
    expectTypeOf(c.get("accountid")).toEqualTypeOf<number | undefined>();
    expectTypeOf(c.var).not.toHaveProperty("claims");
    return c.body(null);
  });
  new Hono().get("/", session, token, (c) => {
    expectTypeOf(c.var.userid).toEqualTypeOf<string>();
    expectTypeOf(c.var.claims).toEqualTypeOf<JWTPayload>();
    return c.body(null);
  });
});

it("accessToken allows no symmetric algorithm and not none", () => {
  expectTypeOf<"HS256">().not.toExtend<AccessTokenOptions["algorithms"][number]>();
  expectTypeOf<"none">().not.toExtend<AccessTokenOptions["algorithms"][number]>();
  expectTypeOf<readonly ["ES256"]>().toExtend<AccessTokenOptions["algorithms"]>();
});
