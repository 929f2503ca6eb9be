// docs/configuration.md is generated from the schema, and must be current.

import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { configurationPage } from "../../docs/generate-configuration.ts";

it("docs/configuration.md is what npm run docs writes", () => {
  expect(readFileSync("docs/configuration.md", "utf8"), "run: npm run docs").toBe(configurationPage());
});
