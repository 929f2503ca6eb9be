// Only an object in UTF-8 counts. Callers that need a certain member check it themselves.

import { expect, it } from "vitest";
import { readJsonObject } from "../../src/core/json.ts";

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
