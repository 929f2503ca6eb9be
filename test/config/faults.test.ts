// A misspelt name suggests the intended one; another word suggests nothing.

import { expect, it } from "vitest";
import { suggestion } from "../../src/config/faults.ts";

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

it.each(["metrics", "x", "", "something_else_entirely"])("%j means nothing", (name) => {
  expect(suggestion(name, KNOWN)).toBe("");
});

it("suggests nothing without known names", () => {
  expect(suggestion("issuer", [])).toBe("");
});
