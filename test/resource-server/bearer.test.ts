// The Bearer credential of a request is read in exactly one way, and responses keep earlier
// headers.

import { Hono } from "hono";
import { describe, expect, it } from "vitest";
import { createGuard, Refusal, readBearer } from "../../src/resource-server/bearer.ts";

const read = (authorization: string) => readBearer(new Headers({ authorization }));

describe("Authorization", () => {
  it.each([
    ["Bearer abc", "abc"],
    ["BEARER   a+/b==", "a+/b=="],
    ["bearer é", "é"],
    ["", undefined],
    ["Basic YTpi", undefined],
    ["Bearerabc", undefined],
    ["Negotiate Bearer", undefined],
  ])("%j has the credential %s", (authorization, credential) => {
    expect(read(authorization)).toBe(credential);
  });

  it.each(["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer a, Bearer a", "Bearer \tabc"])(
    "%j is malformed",
    (authorization) => {
      expect(() => read(authorization)).toThrow(Refusal);
    },
  );
});

describe("a guarded route", () => {
  const app = (accept: (token: string) => void) =>
    new Hono()
      .use(async (c, next) => {
        c.header("X-Request-Id", "7");
        await next();
      })
      .use(createGuard(readBearer, async (_, token) => accept(token)))
      .get("/", (c) => c.text("ok"))
      .onError((error, c) => c.text(error.message, 500));
  const ask = (accept: (token: string) => void, headers = { authorization: "Bearer abc" }) =>
    app(accept).request("/", { headers });

  it("keeps headers that were set before", async () => {
    const response = await ask(() => {
      throw new Refusal("invalid_token", "it is bad");
    });
    expect(response.headers.get("x-request-id")).toBe("7");
    expect(response.headers.get("www-authenticate")).toBe(
      'Bearer realm="resource server", error="invalid_token", error_description="it is bad"',
    );
  });

  it("does not hide a bug", async () => {
    const response = await ask(() => {
      throw new TypeError("a bug");
    });
    expect([response.status, await response.text()]).toEqual([500, "a bug"]);
  });
});
