// A misspelt name suggests the intended one; another word suggests nothing.

import { expect, it } from "vitest";
import { suggestion } from "../../src/core/suggestion.ts";

const KNOWN = ["version", "callers", "apikeys", "client_id", "client_secret", "token_endpoint", "issuer", "main"];

it.each([
  ["client_secrt", "client_secret"],
  ["apikey", "apikeys"],
  ["ISSUER", "issuer"],
  ["clientId", "client_id"],
  ["client-id", "client_id"],
  ["versoin", "version"],
  ["mian", "main"],
])("%s means %s", (misspelt, meant) => {
  expect(suggestion(misspelt, KNOWN)).toBe(`; did you mean "${meant}"?`);
});

it.each(["metrics", "x", "", "something_else_entirely"])("%j means nothing", (name) => {
  expect(suggestion(name, KNOWN)).toBe("");
});

it("nothing is suggested without known names", () => {
  expect(suggestion("issuer", [])).toBe("");
});
