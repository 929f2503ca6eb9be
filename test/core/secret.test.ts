// A secret shows as [secret] however it is printed, and as itself only when it is asked for.

import { Console } from "node:console";
import { Writable } from "node:stream";
import { format, inspect } from "node:util";
import { expect, it } from "vitest";
import { Secret } from "../../src/core/secret.ts";

const CANARY = "Zq7xWv4kPj";
const secret = new Secret(CANARY);

function printed(...values: unknown[]): string {
  let text = "";
  const stdout = new Writable({
    write(chunk, _, done) {
      text += chunk;
      done();
    },
  });
  new Console({ stdout }).log(...values);
  return text.trimEnd();
}

it("reveals its text, and that only", () => {
  expect(secret.reveal()).toBe(CANARY);
  expect(new Secret("").reveal()).toBe("");
});

it.each<[string, () => string, string]>([
  ["String()", () => String(secret), "[secret]"],
  ["template text", () => `a ${secret} b`, "a [secret] b"],
  ["a list", () => [secret, "x"].join(), "[secret],x"],
  ["JSON.stringify", () => JSON.stringify(secret), '"[secret]"'],
  ["JSON.stringify, nested", () => JSON.stringify({ a: [{ b: secret }] }), '{"a":[{"b":"[secret]"}]}'],
  ["util.inspect", () => inspect(secret), "[secret]"],
  ["util.inspect, nested", () => inspect({ a: { b: [secret] } }, { depth: 9 }), "{ a: { b: [ [secret] ] } }"],
  ["util.inspect of a Map", () => inspect(new Map([["k", secret]])), "Map(1) { 'k' => [secret] }"],
  ["console.log", () => printed(secret), "[secret]"],
  ["console.log, nested", () => printed({ a: secret }), "{ a: [secret] }"],
  [
    "console.log with %s %o %O %j",
    () => printed("%s %o %O %j", secret, secret, secret, secret),
    '[secret] [secret] [secret] "[secret]"',
  ],
  ["util.format with %s, nested", () => format("%s", [secret]), "[ [secret] ]"],
  ["an error's message", () => new Error(`failed: ${secret}`).message, "failed: [secret]"],
])("shows as [secret] in %s", (_, show, shown) => {
  expect(show()).toBe(shown);
});

it.each<[string, () => unknown]>([
  ["util.inspect without its own way", () => inspect(secret, { customInspect: false, showHidden: true, depth: 9 })],
  ["an error's cause", () => inspect(new Error("m", { cause: { secret } }), { depth: 9 })],
  ["its keys and values", () => [Object.entries(secret), Reflect.ownKeys(secret)]],
  ["a copy", () => ({ ...secret })],
  ["a structured clone", () => structuredClone(secret)],
])("does not show in %s", (_, show) => {
  expect(inspect(show(), { customInspect: false, showHidden: true, depth: 9 })).not.toContain(CANARY);
});
