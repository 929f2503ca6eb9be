// Tables of files that the parser and the JSON Schema both accept, or both refuse.

import { Ajv2020 } from "ajv/dist/2020.js";
import { expect } from "vitest";
import { parse } from "yaml";
import { configurationSchema } from "../../src/config/schema.ts";
import { reports } from "./file.ts";

export const validate = new Ajv2020({ strict: true, strictRequired: false, allErrors: true }).compile(
  configurationSchema(),
);

/** Like `reports`; the JSON Schema must accept or refuse each file as the parser does. */
export function reportsShape(fileOf: (text: string) => string, table: string): void {
  reports(fileOf, table, (file, isValid) => {
    expect(validate(parse(file)), "by the JSON Schema").toBe(isValid);
  });
}
