// The first rule that matches an error and its description counts.

import { describe, expect, it } from "vitest";
import { compileErrorRules, type ErrorRules } from "../../src/oauth/error-rules.ts";

const find = (rules: Partial<ErrorRules>, error: string, description = "") =>
  compileErrorRules({ user_errors: [], proxy_errors: [], ...rules })(error, description);

describe("a description", () => {
  const isMatch = (pattern: string, text: string) =>
    find({ user_errors: [{ error: "x", description: ["other", pattern] }] }, "x", text) !== undefined;

  it.each([
    ["User not found", "User not found"],
    ["User is not*", "User is not enabled"],
    ["User is not*", "User is not"],
    ["*expired", "Jwt expired"],
    ["*kid*could not be found*", "key with kid '2', which could not be found."],
    ["a*b*b", "abb"],
    ["a*a", "aa"],
    ["*", ""],
    ["**", "x"],
    ["a.c*", "a.c d"],
  ])("%j matches %j", (pattern, text) => expect(isMatch(pattern, text)).toBe(true));

  it.each([
    ["User not found", "User not found."],
    ["User is not*", "The User is not enabled"],
    ["User is not*", "user is not enabled"],
    ["*expired", "Jwt expired at"],
    ["*b*a*", "a b"],
    ["a*a", "a"],
    ["a*b*b", "ab"],
    ["a.c*", "abc"],
    ["other pattern", ""],
  ])("%j does not match %j", (pattern, text) => expect(isMatch(pattern, text)).toBe(false));

  it("takes no time that grows with the square of the text", () => {
    const text = "a".repeat(1_000_000);
    expect(isMatch(`${"a*".repeat(50)}b`, text)).toBe(false); // a regular expression would not end
  });
});

describe("the first match", () => {
  const both: Partial<ErrorRules> = {
    kind: "keycloak",
    user_errors: ["a", { error: "b", description: ["User *"] }],
    proxy_errors: [
      "b",
      { error: "a", description: ["Client *"] },
      { error: "invalid_grant", description: ["User is*"] },
    ],
  };

  it("is an entry with a description before a code, whatever its list", () => {
    expect(find(both, "a")).toMatchObject({ about: "user", by: "file" });
    expect(find(both, "a", "Client x")).toMatchObject({ about: "proxy", by: "file" });
    expect(find(both, "b", "User x")).toMatchObject({ about: "user", by: "file" });
    expect(find(both, "b", "Client x")).toMatchObject({ about: "proxy", by: "file" });
  });

  it("is an entry of the file before what the kind knows", () => {
    expect(find(both, "invalid_grant", "User is not enabled")).toMatchObject({ about: "proxy", by: "file" });
    expect(find(both, "invalid_grant", "User not found")).toMatchObject({ about: "user", by: "kind" });
  });

  it("may not exist", () => {
    expect(find(both, "c", "User x")).toBeUndefined();
    expect(find({}, "invalid_grant", "User not found")).toBeUndefined();
  });
});
