// The credential of a request is read in one way only, or not at all.

import { describe, expect, it } from "vitest";
import { isMalformed, readBearer } from "../../src/resource-server/bearer.ts";

const read = (authorization: string) => readBearer(new Headers({ authorization }));

describe("Authorization", () => {
  it.each(["Bearer abc", "bearer abc", "BEARER abc", "Bearer   abc"])(
    "as %j carries its credential",
    (authorization) => {
      expect(read(authorization)).toBe("abc");
    },
  );

  it.each(["a+/b==", "a.b-c_d~e", "a".repeat(20_000), "é"])("hands on a credential unjudged: %.10j", (credential) => {
    expect(read(`Bearer ${credential}`)).toBe(credential);
  });

  it.each(["", "abc", "Basic YTpi", "Bearerabc", "Negotiate Bearer"])("as %j is none", (authorization) => {
    expect(read(authorization)).toBeUndefined();
  });

  it.each(["Bearer", "Bearer ", "Bearer a b", "Bearer a,b", "Bearer a, b", "Bearer a, Bearer a", "Bearer \tabc"])(
    "as %j is malformed",
    (authorization) => {
      expect(read(authorization)).toSatisfy(isMalformed);
    },
  );

  it("that comes twice is malformed, even where both are the same", () => {
    const headers = new Headers({ authorization: "Bearer abc" });
    headers.append("authorization", "Bearer abc");
    expect(readBearer(headers)).toSatisfy(isMalformed);
  });

  it("that is absent is none", () => {
    expect(readBearer(new Headers())).toBeUndefined();
  });
});
