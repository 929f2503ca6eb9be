// A misspelt name brings up the one that was meant, and another word brings up nothing.

import { expect, it } from "vitest";
import { suggestion } from "../../src/config/suggestion.ts";

const KNOWN = [
  "version",
  "server",
  "callers",
  "apikeys",
  "client_id",
  "client_secret",
  "token_endpoint",
  "issuer",
  "level",
  "main",
];

it.each([
  ["client_secrt", "client_secret"],
  ["token_endpont", "token_endpoint"],
  ["callrs", "callers"],
  ["apikey", "apikeys"],
  ["ISSUER", "issuer"],
  ["clientId", "client_id"],
  ["client-id", "client_id"],
  ["versoin", "version"],
  ["levle", "level"],
  ["mian", "main"],
  ["leve", "level"],
])("%s means %s", (misspelt, meant) => {
  expect(suggestion(misspelt, KNOWN)).toBe(`; did you mean "${meant}"?`);
});

it.each(["metrics", "x", "", "something_else_entirely"])("%j means none of them", (name) => {
  expect(suggestion(name, KNOWN)).toBe("");
});

it("suggests nothing where nothing is known", () => {
  expect(suggestion("issuer", [])).toBe("");
});
