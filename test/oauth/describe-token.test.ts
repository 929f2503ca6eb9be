// The audit has only plain facts of a token, whatever a provider sends under their names.

import { describe, expect, it } from "vitest";
import { describeToken } from "../../src/oauth/describe-token.ts";
import { unsignedJwt } from "../support/fakes.ts";

const DEEP = JSON.parse("[".repeat(6_000) + "]".repeat(6_000));
/** JSON.stringify cannot write it. */
const DEEP_BODY = `{"access_token":"t","scope":${"[".repeat(6_000)}${"]".repeat(6_000)}}`;
const describing = (body: string) => describeToken(new TextEncoder().encode(body));

describe("a token response", () => {
  it("is described by its scope and the facts of a JWT", () => {
    const claims = { aud: ["a", "b"], jti: "j", exp: 1_893_456_000 };
    const access_token = unsignedJwt({ ...claims, sub: "alice" });
    expect(describing(JSON.stringify({ access_token, scope: "openid" }))).toEqual({ ...claims, scope: "openid" });
    expect(describing('{"access_token":"opaque","scope":"openid"}')).toEqual({ scope: "openid" });
  });

  it.each<[string, string, string | undefined]>([
    ["the access_token, even if only another member is a JWT", '{"access_token":"opaque","id_token":"JWT"}', undefined],
    ["the first member that is a JWT, without an access_token", '{"a":1,"b":"opaque","id_token":"JWT"}', "j"],
    ["a body that is only a JWT", " JWT\n", "j"],
    ["nothing in an opaque body", "opaque", undefined],
    ["nothing in an empty object", "{}", undefined],
    ["nothing in a list", '["JWT"]', undefined],
  ])("is described by %s", (_, body, jti) => {
    expect(describing(body.replace("JWT", unsignedJwt({ jti: "j" }))).jti).toBe(jti);
  });

  it("that nests something too deeply for a line is described without it", () => {
    expect(() => JSON.stringify(DEEP)).toThrow(RangeError);
    expect(describing(DEEP_BODY)).toEqual({});
  });

  it.each([{ a: "b" }, [["a"]], [null], true, "x".repeat(5_000), Array(2_000).fill("a")])(
    "is described without what is not plain, or long (%#)",
    (odd) => {
      const access_token = unsignedJwt({ aud: odd, jti: odd, exp: odd });
      expect(describing(JSON.stringify({ access_token, scope: odd }))).toEqual({});
    },
  );
});
