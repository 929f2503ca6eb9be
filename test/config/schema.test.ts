// The shape of the file as a whole, its routes and its log, and the JSON Schema made of it.

import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configurationSchema } from "../../src/config/schema.ts";
import { exampleNames, readExample } from "../support/examples.ts";
import { FILE, replacing, withKeys } from "./file.ts";
import { reportsShape, validate } from "./shape.ts";

const schema = configurationSchema();
const MAPPING = "must be a mapping of keys to values";

describe("the version", () => {
  reportsShape(
    (text) => replacing("version: 1", text),
    `
version: 1
# none => 2:1 "version" is missing; write "version: 1"
version: 2 => 1:10 "version" must be the number 1
version: "1" => 1:10 "version" must be the number 1
`,
  );
});

describe("callers and providers", () => {
  const CALLERS = FILE.slice(FILE.indexOf("callers:"), FILE.indexOf("providers:"));
  reportsShape(
    (text) => replacing(CALLERS, `${text}\n`),
    `
# none => 1:1 "callers" is missing
callers: {} => 2:10 "callers" must have at least one entry
callers: [] => 2:10 "callers" ${MAPPING}, not a list
`,
  );
  reportsShape(
    (text) => FILE.slice(0, FILE.indexOf("providers:")) + text,
    `
# none => 1:1 "providers" is missing
providers: {} => 5:12 "providers" must have at least one entry
providers: { main: true } => 5:20 "providers.main" ${MAPPING}
`,
  );
});

describe("the other keys", () => {
  const ALLOWED = Object.keys(schema.properties ?? {}).join(", ");
  reportsShape(
    withKeys,
    `
callrs: {} => 11:1 "callrs" unknown key; did you mean "callers"?
metrics: {} => 11:1 "metrics" unknown key; the keys allowed here are ${ALLOWED}
<<: { log: {} } => 11:1 "<<" unknown key; the keys allowed here are ${ALLOWED}
log: debug => 11:6 "log" ${MAPPING}
log: ~ => 11:1 "log" is empty; write a value, or indent the lines that belong to it
log: { level: loud } => 11:15 "log.level" must be one of error, warn, info, debug
log: { level: debug, format: pretty, identities: plain, identities_key: { env: K } }
routes: [{ serverid: a, provider: main }]
routes: { provider: main } => 11:9 "routes" must be a list; start each entry with "- "
routes: [] => 11:9 "routes" must have at least one entry
routes: [{ serverid: a }] => 11:10 "routes[0].provider" is missing
routes: [{ serverid: "", provider: main }] => 11:22 "routes[0].serverid" must not be empty
routes: [{ servrid: a, provider: main }] => 11:12 "routes[0].servrid" unknown key; did you mean "serverid"?
`,
  );
});

describe("the JSON Schema", () => {
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

  const pages = ["README.md", ...readdirSync("docs").map((name) => `docs/${name}`)].filter((name) => /md$/.test(name));
  const files: [string, string][] = [
    ["worker/token-proxy.yaml", readFileSync("worker/token-proxy.yaml", "utf8")],
    ...exampleNames().map((name): [string, string] => [name, readExample(name)]),
    ...pages.flatMap(wholeFiles),
  ];
  it.each(files)("accepts %s", (_, text) => {
    validate(parse(text));
    expect(validate.errors).toBeNull();
  });

  it("is named in the first line of each example, and a file in the README is among those above", () => {
    for (const name of exampleNames()) {
      expect(readExample(name)).toMatch(/^# yaml-language-server: \$schema=\.\.\/token-proxy\.schema\.json\n/);
    }
    expect(files.some(([name]) => name.startsWith("README"))).toBe(true);
  });
});

/** The YAML blocks of a page that are complete files. */
function wholeFiles(page: string): [string, string][] {
  const blocks = [...readFileSync(page, "utf8").matchAll(/^```ya?ml\n(.*?)^```$/gms)].map(([, text]) => text as string);
  return blocks.filter((text) => /^version: 1\b/m.test(text)).map((text, index) => [`${page} ${index + 1}`, text]);
}

/** The paths of the keys without a description. */
function undescribed(part: unknown, path = ""): string[] {
  if (typeof part !== "object" || part === null) return [];
  const { properties = {}, additionalProperties, items, anyOf = [] } = part as Record<string, object>;
  return [
    ...Object.entries(properties as object).flatMap(([key, inner]) => [
      ...("description" in inner ? [] : [`${path}.${key}`]),
      ...undescribed(inner, `${path}.${key}`),
    ]),
    ...undescribed(additionalProperties, `${path}.*`),
    ...[items, ...(anyOf as unknown[])].flatMap((inner) => undescribed(inner, path)),
  ];
}
