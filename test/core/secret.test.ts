// A secret shows as [secret] however it is printed. Only reveal() returns its text.

import { format, inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";

const CANARY = "Zq7xWv4kPj";
const secret = new Secret(CANARY);

it("reveals its text", () => {
  expect(secret.reveal()).toBe(CANARY);
});

it.each<[string, () => string, string]>([
  ["template text", () => `a ${secret} b`, "a [secret] b"],
  ["a joined list", () => [secret, "x"].join(), "[secret],x"],
  ["JSON.stringify", () => JSON.stringify({ a: [{ b: secret }] }), '{"a":[{"b":"[secret]"}]}'],
  ["util.inspect", () => inspect({ a: { b: [secret] } }, { depth: 9 }), "{ a: { b: [ [secret] ] } }"],
  ["%s %o %O %j", () => format("%s %o %O %j", secret, secret, secret, secret), '[secret] [secret] [secret] "[secret]"'],
])("shows as [secret] in %s", (_, show, shown) => {
  expect(show()).toBe(shown);
});

it.each<[string, () => unknown]>([
  ["util.inspect without custom inspection", () => secret],
  ["an error's cause", () => new Error("m", { cause: { secret } })],
  ["its own keys and values", () => [Object.entries(secret), Reflect.ownKeys(secret)]],
  ["a copy", () => ({ ...secret })],
  ["a structured clone", () => structuredClone(secret)],
])("does not show in %s", (_, show) => {
  expect(inspect(show(), { customInspect: false, showHidden: true, depth: 9 })).not.toContain(CANARY);
});
