// The JSON Schema accepts what the parser accepts, and refuses wrong shapes as the parser does.

import { readdirSync, readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { parseConfig } from "../../src/config/parse.ts";
import { configurationSchema } from "../../src/config/schema.ts";
import { exampleNames, readExample } from "../support/examples.ts";
import { runCli } from "../support/process.ts";

const REFRESH = "node src/cli.ts schema > token-proxy.schema.json && npx biome check --write token-proxy.schema.json";

const schema = configurationSchema();
const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(schema);

function refusedByParser(file: object): boolean {
  try {
    parseConfig(JSON.stringify(file), "f.yaml");
    return false;
  } catch {
    return true;
  }
}

/** The YAML blocks of a page that are complete files. */
function wholeFiles(page: string): [string, string][] {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```ya?ml\n(.*?)^```$/gms)].map(([, text]) => text as string);
  return blocks.filter((text) => /^version: 1\b/m.test(text)).map((text, index) => [`${page} ${index + 1}`, text]);
}

const PAGES = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);

describe("schema", () => {
  it("prints token-proxy.schema.json", async () => {
    const run = runCli(["schema"]);
    expect(await run.exit()).toBe(0);
    expect(run.stderr()).toBe("");
    const kept = JSON.parse(readFileSync("token-proxy.schema.json", "utf8"));
    expect(JSON.stringify(kept), `refresh it by: ${REFRESH}`).toBe(JSON.stringify(JSON.parse(run.stdout())));
  });

  it("is JSON Schema 2020-12 with a name", () => {
    expect(schema).toMatchObject({
      $schema: "https://json-schema.org/draft/2020-12/schema",
      $id: "urn:nextauth-token-proxy:configuration:1",
      title: "Configuration of nextauth-token-proxy",
    });
  });

  it("describes every key", () => {
    expect(undescribed(schema)).toEqual([]);
  });
});

/** The paths of the keys without a description. */
function undescribed(part: unknown, path = ""): string[] {
  if (typeof part !== "object" || part === null) return [];
  const {
    properties = {},
    additionalProperties,
    items,
    anyOf = [],
  } = part as {
    properties?: Record<string, object>;
    additionalProperties?: unknown;
    items?: unknown;
    anyOf?: unknown[];
  };
  return [
    ...Object.entries(properties).flatMap(([key, inner]) => [
      ...("description" in inner ? [] : [`${path}.${key}`]),
      ...undescribed(inner, `${path}.${key}`),
    ]),
    ...undescribed(additionalProperties, `${path}.*`),
    ...[items, ...anyOf].flatMap((inner) => undescribed(inner, path)),
  ];
}

describe("the schema accepts", () => {
  const worker = ["worker/token-proxy.yaml", readFileSync("worker/token-proxy.yaml", "utf8")];
  const texts = [worker, ...exampleNames().map((name) => [name, readExample(name)]), ...PAGES.flatMap(wholeFiles)] as [
    string,
    string,
  ][];

  it.each(texts)("%s", (_, text) => {
    validate(parse(text));
    expect(validate.errors).toBeNull();
  });

  it("including a file in the README", () => {
    expect(texts.filter(([name]) => name.startsWith("README")).length).toBeGreaterThan(0);
  });

  it.each(exampleNames())("%s, which refers to the schema in its first line", (name) => {
    expect(readExample(name).split("\n", 1)).toEqual(["# yaml-language-server: $schema=../token-proxy.schema.json"]);
  });
});

const SECRET = { env: "SECRET" };
const CALLERS = { ns: { apikeys: [SECRET] } };
const PROVIDER = { issuer: "https://idp.example", client_id: "c", client_secret: SECRET, grant_type: "g" };
const KEY = { kid: "k", alg: "ES256", private_key: { file: "k.pem" } };
const NEXTAUTH = { url: "https://ns.example", apikey: SECRET };
const good = (part: object = {}) => ({ version: 1, callers: CALLERS, providers: { p: PROVIDER }, ...part });
const withProvider = (changes: object) => good({ providers: { p: { ...PROVIDER, ...changes } } });
const withServer = (server: object) => good({ server });

describe("the schema and the parser accept", () => {
  it.each<[string, object]>([
    ["the least", good()],
    ["one binding", good({ get_token: { path: "/t" } })],
    ["a list of bindings", good({ get_token: [{ path: "/a" }, { path: "/servers/{serverid}/b", method: "POST" }] })],
    ["values in short", good({ get_token: { values: { userid: ["body:/u", "form:u"] } } })],
    ["values in full", good({ get_token: { values: { userid: { from: ["path:u"], required: true } }, path: "/{u}" } })],
    ["one nextAuth Server", good({ nextauth: NEXTAUTH })],
    [
      "several",
      good({
        nextauth: [
          { ...NEXTAUTH, serverids: ["a"] },
          { ...NEXTAUTH, serverids: ["b"] },
        ],
      }),
    ],
    ["one secret", withProvider({ client_secret: { file: "s" } })],
    ["a list of secrets", withProvider({ client_secret: [{ file: "s" }, SECRET] })],
    [
      "one key",
      withProvider({ token_endpoint_auth_method: "private_key_jwt", client_secret: undefined, client_key: KEY }),
    ],
    [
      "a list of keys",
      withProvider({ token_endpoint_auth_method: "private_key_jwt", client_secret: undefined, client_key: [KEY] }),
    ],
    ["params of three kinds", withProvider({ params: { a: "{{userid}}", b: ["x", "y"], c: SECRET } })],
    ["expect_subject in short", withProvider({ expect_subject: "access_token.sub" })],
    ["expect_subject in full", withProvider({ expect_subject: { member: "m", equals: "{{userid}}" } })],
    [
      "an assertion without typ",
      withProvider({
        token_endpoint_auth_method: "client_secret_jwt",
        client_assertion: { typ: null, alg: "HS256", claims: { deep: [{ a: null }, 1, true] } },
      }),
    ],
    ["durations", withProvider({ timeout: "1500ms", connect_timeout: "1s" })],
    [
      "an IPv6 address",
      withServer({
        listen: "[::1]:8080",
        admin_hosts: ["metrics.bank.example"],
        trusted_proxies: ["10.0.0.0/8", "::1", "192.0.2.1", "::ffff:10.0.0.1", "fd00::/8"],
      }),
    ],
    [
      "a fingerprint with colons",
      good({ callers: { a: { client_certificates: [{ sha256: "AB:".repeat(31).concat("cd") }] } } }),
    ],
    ["an exchange", good({ nextauth: { ...NEXTAUTH, serverid: "s" }, webnonce_exchange: {} })],
    ["loopback without TLS, its scheme in capitals", withProvider({ issuer: "HTTP://127.0.0.1:9000/x" })],
  ])("%s", (_, written) => {
    const file = JSON.parse(JSON.stringify(written));
    expect(() => parseConfig(JSON.stringify(file), "f.yaml")).not.toThrow();
    validate(file);
    expect(validate.errors).toBeNull();
  });
});

describe("the schema and the parser refuse", () => {
  it.each<[string, object]>([
    ["an unknown key", good({ provider: {} })],
    ["an unknown key of a provider", withProvider({ cleint_id: "c" })],
    ["an unknown key of a binding in a list", good({ get_token: [{ pth: "/t" }] })],
    ["no version", { ...good(), version: undefined }],
    ["another version", good({ version: 2 })],
    ["a version as text", good({ version: "1" })],
    ["no callers", { ...good(), callers: undefined }],
    ["no caller under callers", good({ callers: {} })],
    ["a caller with nothing to prove itself", good({ callers: { ns: {} } })],
    ["no provider", good({ providers: {} })],
    ["a provider that is nowhere", withProvider({ issuer: undefined })],
    ["no grant_type", withProvider({ grant_type: undefined })],
    ["a name with a dot", good({ callers: { "n.s": CALLERS.ns } })],
    ["a list for a mapping", good({ callers: [CALLERS.ns] })],
    ["a number for text", withProvider({ client_id: 7 })],
    ["text for a number", withProvider({ max_in_flight: "256" })],
    ["a number out of range", withServer({ max_in_flight: 0 })],
    ["a fraction", withServer({ max_in_flight: 1.5 })],
    ["null", good({ server: null })],
    ["a secret in the file", withProvider({ client_secret: "s3cret" })],
    ["a secret in a list", withProvider({ client_secret: ["s3cret"] })],
    ["an API key in the file", good({ callers: { ns: { apikeys: ["0123456789abcdef"] } } })],
    ["a reference of two kinds", withProvider({ client_secret: { env: "A", file: "b" } })],
    ["a reference of no kind", withProvider({ client_secret: { value: "x" } })],
    ["a variable that can have no such name", withProvider({ client_secret: { env: "A-B" } })],
    ["a key in the file", good({ signing: { keys: [{ ...KEY, private_key: "-----BEGIN PRIVATE KEY-----" }] } })],
    ["no keys", good({ signing: { keys: [] } })],
    ["an unknown algorithm", good({ signing: { keys: [{ ...KEY, alg: "none" }] } })],
    ["a duration without a unit", withProvider({ timeout: "5" })],
    ["a duration as a number", withProvider({ timeout: 5 })],
    ["a duration of days", withServer({ shutdown_grace: "1d" })],
    ["an address without a port", withServer({ listen: "127.0.0.1" })],
    ["a range that is none", withServer({ trusted_proxies: ["10.0.0.0/33"] })],
    ["a host name with a port", withServer({ admin_hosts: ["bank.example:9613"] })],
    ["TLS without its key", withServer({ tls: { certificate: SECRET } })],
    ["a path that is none", good({ get_token: { path: "getToken" } })],
    ["a place that is none", good({ get_token: { values: { userid: ["cookie:u"] } } })],
    ["no place", good({ get_token: { values: { userid: [] } } })],
    ["no binding", good({ get_token: [] })],
    ["a short fingerprint", good({ callers: { a: { client_certificates: [{ sha256: "ab" }] } } })],
    ["an issuer that is no URL", withProvider({ issuer: "idp.example" })],
    ["an issuer of another scheme", withProvider({ issuer: "ftp://idp.example" })],
    ["an unknown method of authentication", withProvider({ token_endpoint_auth_method: "basic" })],
    ["a header that can have no such name", withProvider({ headers: { "X Y": "z" } })],
    ["an unknown level", good({ log: { level: "trace" } })],
    ["routes that are empty", good({ routes: [] })],
  ])("%s", (_, written) => {
    const file = JSON.parse(JSON.stringify(written));
    expect(refusedByParser(file)).toBe(true);
    expect(validate(file)).toBe(false);
  });
});
