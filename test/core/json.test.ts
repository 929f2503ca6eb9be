// Members are found as they are written: numbers without rounding, and every member of a name.

import { expect, it } from "vitest";
import { membersAsWritten } from "../../src/core/json.ts";

it.each<[string, string[]]>([
  ['{"a":1}', ["1"]],
  ['{ "b" : "a" , "a"\n:\t-1.50E+3 }', ["-1.50E+3"]],
  ['{"a":9007199254740993,"a":"x"}', ["9007199254740993", '"x"']],
  ['{"\\u0061":true,"a":null}', ["true", "null"]],
  ['{"a":"x\\"a\\":1,"}', ['"x\\"a\\":1,"']],
  ['{"x":{"a":1},"y":[{"a":2},"a"],"z":"a"}', []],
  ['{"a":{"a":[1]},"a":["a"],"a":{}}', ['{"a":[1]}', '["a"]', "{}"]],
  ['{":":"a","a":":","b":","}', ['":"']],
  ['{"a\\\\":1,"a":"\\\\"}', ['"\\\\"']],
  ["{}", []],
])("in %s", (json, found) => {
  expect(() => JSON.parse(json)).not.toThrow();
  expect(membersAsWritten(json, "a")).toEqual(found);
});
