// A path of the configuration is written as people read it, and found in the text.

import { describe, expect, it } from "vitest";
import { LineCounter, parseDocument } from "yaml";
import { formatPath, locate, type Path, writtenPath } from "../../src/config/position.ts";

it.each<[Path, string]>([
  [[], ""],
  [["version"], "version"],
  [["providers", "main", "params", "audience", 1], "providers.main.params.audience[1]"],
  [["routes", 0, "provider"], "routes[0].provider"],
])("%j is written %j", (path, text) => {
  expect(formatPath(path)).toBe(text);
});

describe("the place of a path", () => {
  const lines = new LineCounter();
  const document = parseDocument("# first\na: 1\nb:\n  - x\n  - c: &c { d: 2 }\n  - *c\ne:\n3: f\n", {
    lineCounter: lines,
  });

  it.each<[Path, "key" | "value", number, number]>([
    [[], "value", 2, 1],
    [["a"], "value", 2, 4],
    [["a"], "key", 2, 1],
    [["b"], "value", 4, 3],
    [["b", 0], "value", 4, 5],
    [["b", 1, "c"], "key", 5, 5],
    [["b", 1, "c", "d"], "value", 5, 16],
    [["b", 1, "c", "missing"], "value", 5, 11],
    [["b", 2, "d"], "value", 6, 5],
    [["e"], "key", 7, 1],
    [["3"], "value", 8, 4],
    [["missing"], "value", 2, 1],
    [["a", "below", "text"], "value", 2, 4],
    [["b", 9], "value", 4, 3],
  ])("%j as a %s is %i:%i", (path, at, line, column) => {
    expect(locate(document, lines, path, at)).toEqual({ line, column });
  });

  it("is the start of the text where the file holds nothing", () => {
    const counter = new LineCounter();
    expect(locate(parseDocument("", { lineCounter: counter }), counter, ["a"], "value")).toEqual({
      line: 1,
      column: 1,
    });
  });
});

it.each<[Path, Path]>([
  [["secret", 0], ["secret"]],
  [
    ["key", 0, "private_key"],
    ["key", "private_key"],
  ],
  [
    ["keys", 1, "private_key"],
    ["keys", 1, "private_key"],
  ],
  [
    ["alias", 0, "env"],
    ["alias", "env"],
  ],
  [["missing", 0], ["missing"]],
  [[], []],
])("the path %j is written %j where one stands for a list of one", (path, written) => {
  const document = parseDocument("secret: &s { env: A }\nkey: { private_key: x }\nkeys: [{}, {}]\nalias: *s\n");
  expect(writtenPath(document, path)).toEqual(written);
});

it("the path of an aliased list keeps its index", () => {
  const document = parseDocument("one: &one [{ env: A }, { env: B }]\nother: *one\n");
  expect(writtenPath(document, ["other", 1])).toEqual(["other", 1]);
});
