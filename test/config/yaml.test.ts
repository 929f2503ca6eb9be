// Invalid YAML is reported with line and column; keys, aliases and tags cannot do harm.

import { describe, expect, it } from "vitest";
import { configOf, FILE, faultsOf, replacing, withKeys, withProviderKeys } from "./file.ts";

describe("invalid YAML", () => {
  it.each([
    [
      "a tab as indentation",
      "version: 1\n\tcallers: {}\n",
      ["2:1 invalid YAML: a tab is used for indentation; use spaces"],
    ],
    [
      "a quote that is never closed",
      'version: 1\nlog: "info\n',
      ["3:1 invalid YAML: something is missing here, such as a closing bracket, a quote or a comma"],
    ],
    [
      "a key given twice",
      withProviderKeys("client_id: other"),
      ["11:5 invalid YAML: this key occurs twice in the same mapping; remove one of the two"],
    ],
    [
      "a key given twice in JSON",
      '{"version": 1, "version": 1}',
      ["1:16 invalid YAML: this key occurs twice in the same mapping; remove one of the two"],
    ],
    [
      "a value that starts with @",
      withProviderKeys("scope: @all"),
      ["11:12 invalid YAML: a text that starts with this character needs quotes"],
    ],
    [
      "after a fault that makes the parser miss a line break",
      'a{\n "a": {\n  "b": 1\n },\n "c": 1\n}\n',
      [
        "1:1 invalid YAML: syntax error (MULTILINE_IMPLICIT_KEY)",
        "4:3 invalid YAML: syntax error (UNEXPECTED_TOKEN)",
        "5:5 invalid YAML: a key must be text; quote it",
        "6:1 invalid YAML: syntax error (UNEXPECTED_TOKEN)",
      ],
    ],
    [
      "a mapping within a line",
      withProviderKeys("scope: a: b"),
      ["11:12 invalid YAML: syntax error (BLOCK_AS_IMPLICIT_KEY)"],
    ],
  ])("is reported with its place: %s", (_, text, faults) => {
    expect(faultsOf(text)).toEqual(faults.map((fault) => `f.yaml:${fault}`));
  });

  it("is reported for every place, in order", () => {
    const places = faultsOf(withProviderKeys("scope: !!nothing x", "client_id: other", "client_id: another"))
      .map((fault) => /^f\.yaml:(\d+):\d+ invalid YAML: /.exec(fault)?.[1])
      .map(Number);
    expect(places).toEqual([11, 12, 13]);
  });
});

describe("a file without a mapping", () => {
  it.each([
    ["no text", "", "1:1 the file must be a mapping with version, callers and providers"],
    ["a comment", "# nothing yet\n", "1:1 the file must be a mapping with version, callers and providers"],
    ["null", "null", "1:1 the file must be a mapping with version, callers and providers"],
    ["a text", "token-proxy.yaml", "1:1 the file must be a mapping with version, callers and providers"],
    ["a number", "1", "1:1 the file must be a mapping with version, callers and providers"],
    ["a list", "- version: 1\n- callers: {}\n", "1:1 the file must be a mapping with version, callers and providers"],
    ["a list below a comment", "# mine\n[]\n", "2:1 the file must be a mapping with version, callers and providers"],
  ])("is refused: %s", (_, text, fault) => {
    expect(faultsOf(text)).toEqual([`f.yaml:${fault}`]);
  });

  it("with a second document is refused there", () => {
    expect(faultsOf(`${FILE}---\n${FILE}`)).toEqual([
      'f.yaml:11:1 invalid YAML: a second document starts here ("---"); only one is allowed',
    ]);
  });
});

describe("keys", () => {
  const PROTO = 'invalid YAML: the key "__proto__" is not allowed';
  const NO_TEXT = "invalid YAML: a key must be text; quote it";
  it.each([
    ["__proto__ at the top", withKeys("__proto__: { log: { level: debug } }"), `11:1 ${PROTO}`],
    ["__proto__ in a provider", withProviderKeys("__proto__: { timeout: 1s }"), `11:5 ${PROTO}`],
    ["__proto__ as the name of a provider", replacing("main:", "__proto__:"), `6:3 ${PROTO}`],
    ["__proto__ as a parameter", withProviderKeys("params:", "  __proto__: x"), `12:7 ${PROTO}`],
    ["__proto__ in quotes", withProviderKeys('params: { "__proto__": x }'), `11:15 ${PROTO}`],
    ["a mapping", withProviderKeys("? { a: b }", ": c"), `11:7 ${NO_TEXT}`],
    ["a list", withProviderKeys("? [a]", ": c"), `11:7 ${NO_TEXT}`],
    ["an alias", withProviderKeys("scope: &scope openid", "*scope : c"), `12:5 ${NO_TEXT}`],
    ["null", withProviderKeys("~: c"), `11:5 ${NO_TEXT}`],
    ["nothing", withProviderKeys("params: { : c }"), `11:14 ${NO_TEXT}`],
    ["a number", withProviderKeys("params: { 1: a }"), `11:15 ${NO_TEXT}`],
    ["a boolean", withProviderKeys("params: { true: a }"), `11:15 ${NO_TEXT}`],
  ])("are refused unless they are text: %s", (_, text, fault) => {
    expect(faultsOf(text)).toEqual([`f.yaml:${fault}`]);
  });

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
  const bomb = [
    "a: &a [x, x, x, x, x, x, x, x, x, x]",
    "b: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]",
    "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]",
    "d: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]",
    "e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]",
    "f: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]",
    "g: [*f, *f, *f, *f, *f, *f, *f, *f, *f, *f]",
  ];

  it("that multiply are refused before they are resolved", () => {
    expect(faultsOf(withKeys(...bomb))).toEqual([
      "f.yaml:1:1 invalid YAML: aliases (*) repeat themselves or more than 100 parts; write the parts out",
    ]);
  });

  it("that contain themselves are reported", () => {
    const circular = [
      "f.yaml:1:1 invalid YAML: aliases (*) repeat themselves or more than 100 parts; write the parts out",
    ];
    expect(faultsOf("version: 1\ncallers: &a\n  x: *a\nproviders: *a\n")).toEqual(circular);
    expect(faultsOf(withProviderKeys("jwt: { user: { claims: &a { x: *a } } }"))).toEqual(circular);
  });

  it("without an anchor are reported", () => {
    const faults = faultsOf(withProviderKeys("scope: *scopes"));
    expect(faults).toHaveLength(1);
    expect(faults[0]).toMatch(/^f\.yaml:11:12 /);
    expect(faults[0]).not.toContain("too often");
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
