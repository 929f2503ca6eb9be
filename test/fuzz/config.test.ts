// Any text is accepted, or refused with faults at places inside it; it never causes a crash.

import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createDeps, createPipeline } from "../../src/app.ts";
import { loadCredentials } from "../../src/config/credentials.ts";
import { type ParsedFile, parseConfig } from "../../src/config/parse.ts";
import { ConfigError } from "../../src/core/errors.ts";
import { fakeRuntime } from "../support/app.ts";
import { fileConfig } from "../support/config.ts";
import { fakeCredentialHost } from "../support/fakes.ts";
import { makeKey } from "../support/keys.ts";
import { anyJson, anyText, forAll, mutated, RUNS, watchRejections } from "./fuzz.ts";

watchRejections();

const { pem } = await makeKey("ES256");
let built = 0;

/** With parts that other places repeat. */
const ALIASES = `version: 1
get_token: { session: trust }
callers:
  one: &caller { apikeys: [&key { env: APIKEY }] }
  two: *caller
providers:
  main: &main
    token_endpoint: https://idp.example/token
    client_id: c
    client_secret: *key
    grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
    jwt:
      user:
        header: &header { a: &list [1, 2] }
        claims: &claims { sub: "{{userid}}", list: *list, more: { x: *header } }
signing: { issuer: "https://proxy.example", keys: [{ kid: k, alg: ES256, private_key: { env: KEY } }] }
`;
const FILES = [
  ALIASES,
  ...readdirSync("examples", "utf8")
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => readFileSync(`examples/${name}`, "utf8")),
  readFileSync("worker/token-proxy.yaml", "utf8"),
  JSON.stringify(fileConfig("https://idp.example/token"), null, 2),
];
const PIECES = [
  ..."\n|  |    |- |: |{|}|[|]|,|#|'|\"|\t|!|!!|&a |*a|<<: |? |---\n|...\n|%|@|`|>|\\".split("|"),
  "|",
  "null",
  "~",
  "true",
  "0x1f",
  "-1",
  "5s",
  "{{userid}}",
  "{{x",
  "__proto__: {}\n",
  "\r",
  "\u0000",
  "\ufeff",
  "!!binary aGk=",
  "&a [*a]",
  "*claims",
  "*header",
  "*nobody",
];

/** @returns the file, or undefined if it was refused properly */
function parse(text: string): ParsedFile | undefined {
  try {
    return parseConfig(text, "f.yaml");
  } catch (error) {
    expectFaultsInside(error, text);
    return undefined;
  }
}

function expectFaultsInside(error: unknown, text: string): void {
  if (!(error instanceof ConfigError)) throw error;
  expect(error.faults.length).toBeGreaterThan(0);
  const lines = text.split("\n");
  for (const { line, column, message } of error.faults) {
    expect(message).not.toBe("");
    expect(Number.isInteger(line) && line >= 1 && line <= lines.length).toBe(true);
    expect(Number.isInteger(column) && column >= 1 && column <= (lines[line - 1] as string).length + 1).toBe(true);
  }
}

/** An accepted file makes a program, or lacks a credential, which is a ConfigError too. */
async function build(parsed: ParsedFile, text: string): Promise<void> {
  const isKey = (name: string) => /key|pem/i.test(name) && !/apikey/i.test(name);
  const read = (reference: object) =>
    isKey(JSON.stringify(Object.values(reference))) ? pem : "a-secret-of-more-than-sixteen-letters";
  const host = fakeCredentialHost({}, { read });
  try {
    const credentials = await loadCredentials(parsed, host);
    const deps = await createDeps(parsed.config, credentials, fakeRuntime());
    const app = createPipeline(deps);
    expect((await app.request("/nowhere/at/all")).status).toBe(404);
    built += 1;
  } catch (error) {
    expectFaultsInside(error, text);
  }
}

async function check(text: string): Promise<void> {
  const parsed = parse(text);
  if (parsed !== undefined) await build(parsed, text);
}

const names = [...new Set(FILES.join("\n").match(/[a-z_]+(?=:)/g))];

/** Every place in a value, as a path. */
function placesOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, part]) => placesOf(part, [...path, name]))];
}

function withPart(value: unknown, [name, ...rest]: readonly string[], part: unknown): unknown {
  if (name === undefined || typeof value !== "object" || value === null) return part;
  const copy = (Array.isArray(value) ? [...value] : { ...value }) as Record<string, unknown>;
  copy[name] = withPart(copy[name], rest, part);
  return copy;
}

describe("a configuration file", () => {
  it("whose valid text was changed", async () => {
    await forAll(mutated(fc.constantFrom(...FILES), PIECES), check, 1.5);
  });

  it("with aliases", async () => {
    expect(parse(ALIASES)).toBeDefined();
    const words = ALIASES.split(/([\w.*&/-]+)/); // each word at an odd place
    const put = fc.constantFrom("*claims", "*header", "*list", "*nobody", "*main", "*key", "&key", "<<", "x");
    const changes = fc.array(fc.tuple(fc.nat((words.length - 3) >> 1), put), { minLength: 1, maxLength: 2 });
    await forAll(
      changes.map((all) => all.reduce((text, [at, word]) => text.with((at << 1) + 1, word), words).join("")),
      check,
    );
  });

  it("that consists of YAML's special characters", async () => {
    const word = fc.oneof(fc.constantFrom(...PIECES, ...names.map((name) => `${name}: `), ...names), anyText);
    await forAll(
      fc.array(word, { maxLength: 30 }).map((words) => words.join("")),
      check,
    );
  });

  it("that is any JSON", async () => {
    await forAll(
      anyJson(...names).map((value) => JSON.stringify(value)),
      check,
    );
  });

  it("with one arbitrary part", async () => {
    const signing = {
      issuer: "https://proxy.example",
      keys: [{ kid: "k", alg: "ES256", private_key: { env: "KEY" } }],
    };
    const whole = fileConfig("https://idp.example/token", {
      provider: {
        jwt: { user: { header: { typ: "JWT" }, claims: { sub: "{{userid}}", aud: ["a"] }, ttl: "1m" } },
        grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
        token_endpoint_auth_method: "private_key_jwt",
        client_secret: undefined,
        client_key: { kid: "c", alg: "ES256", private_key: { env: "KEY" } },
        client_assertion: { aud: "{{token_endpoint}}" },
        answer: { format: "json", require: ["access_token"] },
        expect_subject: "access_token.sub",
        headers: { "X-User": "{{userid}}" },
        tls: { ca: { file: "ca.pem" } },
        scope: "a b",
      },
      file: {
        signing,
        get_token: [
          {
            ...{ path: "/a/{userid}", values: { userid: ["path:userid"], nonce: { from: ["header:X-nonce"] } } },
            ...{ provider: "main", answer: { refusals: "own", statuses: { our_errors: 500, no_route: 421 } } },
          },
        ],
        nextauth: [{ url: "https://ns.example", apikey: { env: "N" }, serverid: "s", serverids: ["s"] }],
        webnonce_exchange: [
          { path: "/token", rate_limit: { per_address: { limit: 3, window: "1m" } } },
          { path: "/b" },
        ],
        routes: [{ serverid: "s", provider: "main" }, { provider: "main" }],
        log: { level: "info" },
      },
    });
    expect(parse(JSON.stringify(whole))).toBeDefined();
    const changed = fc
      .array(fc.tuple(fc.constantFrom(...placesOf(whole)), anyJson(...names)), { minLength: 1, maxLength: 2 })
      .map((changes) => changes.reduce<unknown>((value, [path, part]) => withPart(value, path, part), whole));
    await forAll(
      changed.map((value) => JSON.stringify(value, null, 1)),
      check,
      1.5,
    );
  });
  it("is accepted often enough to test that too", () => {
    console.log(`${built} files were accepted`);
    expect(built).toBeGreaterThan(RUNS / 10);
  });
});
