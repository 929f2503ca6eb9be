// Only an object in UTF-8 counts, and members are found as they are written.

import { expect, it } from "vitest";
import { membersAsWritten, readJsonObject } from "../../src/core/json.ts";

const read = (text: string, encoding: BufferEncoding = "utf8") => readJsonObject(Buffer.from(text, encoding));

it("reads an object, also after a byte order mark", () => {
  expect(read('\ufeff {"a":"é","__proto__":"x"}\n')).toEqual(JSON.parse('{"a":"é","__proto__":"x"}'));
});

it.each(["", "<html></html>", "{}{}", '{"a":1', "[{}]", "null", '"a"', "1"])("refuses %j", (text) => {
  expect(read(text)).toBeUndefined();
});

it("refuses bytes that are not UTF-8", () => {
  expect(read('{"a":"\xff"}', "latin1")).toBeUndefined();
});

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
])("finds a member as written, each time it occurs: %s", (json, found) => {
  expect(() => JSON.parse(json)).not.toThrow();
  expect(membersAsWritten(json, "a")).toEqual(found);
});
