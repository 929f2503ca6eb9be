// Invalid YAML is reported with line and column; keys, aliases and tags cannot do harm.

import { describe, expect, it } from "vitest";
import { configOf, faultsOf, replacing, withKeys, withProviderKeys } from "./file.ts";

const MAPPING = "the file must be a mapping with version, callers and providers";

describe("invalid YAML", () => {
  it.each<[name: string, text: string, fault: string]>([
    [
      "a text before the first brace",
      'a{\n "a": {\n  "b": 1\n },\n "c": 1\n}\n',
      '1:1 this line needs a key and a colon, like "key: value"',
    ],
    [
      "the first of several faults",
      withProviderKeys("scope: !!nothing x", "client_id: other", "timeout: *t"),
      '11:12 tags ("!…") are not supported; quote a text that starts with "!"',
    ],
    ["__proto__ as a key of the file", withKeys("__proto__: {}"), '11:1 the key "__proto__" is not allowed'],
    ["__proto__ as a name", replacing("main:", "__proto__:"), '6:3 the key "__proto__" is not allowed'],
    ["__proto__ in quotes", withProviderKeys('params: { "__proto__": x }'), '11:15 the key "__proto__" is not allowed'],
    [
      "a mapping as a key",
      withProviderKeys("? { a: b }", ": c"),
      '11:7 a key must be text; quote it, and quote a template: "{{…}}"',
    ],
    [
      "an alias as a key",
      withProviderKeys("scope: &scope openid", "*scope : c"),
      '12:5 a key must be text; quote it, and quote a template: "{{…}}"',
    ],
    ["null as a key", withProviderKeys("~: c"), '11:5 a key must be text; quote it, and quote a template: "{{…}}"'],
    [
      "nothing as a key",
      withProviderKeys("params: { : c }"),
      '11:14 a key must be text; quote it, and quote a template: "{{…}}"',
    ],
    [
      "a number as a key",
      withProviderKeys("params: { 1: a }"),
      '11:15 a key must be text; quote it, and quote a template: "{{…}}"',
    ],
  ])("is reported with its place: %s", (_, text, fault) => {
    expect(faultsOf(text)).toEqual([`f.yaml:${fault.replace(" ", " invalid YAML: ")}`]);
  });

  it.each(["", "# nothing yet\n", "null", "token-proxy.yaml", "- version: 1\n", "# mine\n[]\n"])(
    "a file must be a mapping, not %j",
    (text) => {
      expect(faultsOf(text)).toEqual([`f.yaml:${text.startsWith("# mine") ? 2 : 1}:1 ${MAPPING}`]);
    },
  );
});

describe("keys", () => {
  it("do not change the prototype of objects", () => {
    faultsOf(withKeys('__proto__: { polluted: "yes" }'));
    faultsOf('{"version":1,"__proto__":{"polluted":"yes"},"constructor":{"prototype":{"polluted":"yes"}}}');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it("can be a quoted number or boolean", () => {
    expect(configOf(withProviderKeys('params: { "1": a, "true": b }')).providers.main?.params).toEqual({
      "1": "a",
      true: "b",
    });
  });
});

describe("aliases", () => {
  const TOO_MANY = "f.yaml:1:1 invalid YAML: aliases (*) repeat themselves or more than 100 parts; write the parts out";
  /** Each line refers ten times to the line above. */
  const bomb = "abcdefg".split("").map((name, index) => {
    const above = index === 0 ? "x" : `*${"abcdefg"[index - 1]}`;
    return `${name}: &${name} [${Array(10).fill(above).join(", ")}]`;
  });

  it("that multiply are refused before they are resolved", () => {
    expect(faultsOf(withKeys(...bomb))).toEqual([TOO_MANY]);
  });

  it("that contain themselves are reported", () => {
    expect(faultsOf("version: 1\ncallers: &a\n  x: *a\nproviders: *a\n")).toEqual([TOO_MANY]);
    expect(faultsOf(withProviderKeys("jwt: { user: { claims: &a { x: *a } } }"))).toEqual([TOO_MANY]);
  });
});

describe("tags", () => {
  it.each(["!js/function x", "!!js/undefined ''", "!!binary aGk=", "!!set {}", "!!timestamp 2026-11-23", "!custom x"])(
    "of other types are refused: %s",
    (value) => {
      expect(faultsOf(withProviderKeys(`scope: ${value}`))).toEqual([expect.stringMatching(/^f\.yaml:11:\d+ /)]);
    },
  );

  it("of text turn a number into text", () => {
    expect(configOf(replacing("token-proxy", "!!str 12")).providers.main?.client_id).toBe("12");
  });
});
