// The JSON Schema of the configuration file, generated from the schema that parses it.

import * as z from "zod";
import { fileSchema } from "./schema.ts";

export type JsonSchema = z.core.JSONSchema.BaseSchema;
type Override = NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>["override"]>;

/** An identifier only; nothing is fetched from it. */
const ID = "urn:nextauth-token-proxy:configuration:1";

const IPV6_PATTERNS: Readonly<Record<string, string>> = {
  ipv6: "^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$",
  cidrv6: "^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}$",
};

/** It accepts every valid file. Rules between keys are not part of it; `check` reports those. */
export function configurationSchema(): JsonSchema {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: "input", override });
  return { $schema, $id: ID, title: "Configuration of nextauth-token-proxy", ...schema } as JsonSchema;
}

const override: Override = ({ zodSchema, jsonSchema }) => {
  // Validators reject unknown formats, and zod does not check IPv6 by the pattern it gives.
  const pattern = IPV6_PATTERNS[jsonSchema.format ?? ""];
  if (pattern !== undefined) jsonSchema.pattern = pattern;
  delete jsonSchema.format;
  const { def } = zodSchema._zod;
  if (def.type === "pipe" && def.in._zod.def.type === "transform") allowShortForm(jsonSchema);
};

/** Adds what z.preprocess accepts: an entry instead of a list, or a list instead of `{ from }`. */
function allowShortForm(schema: JsonSchema): void {
  const long = { ...schema };
  const short = (long.type === "array" ? long.items : long.properties?.from) as JsonSchema | undefined;
  if (short === undefined) throw new Error("a z.preprocess in front of neither a list nor a mapping with from");
  for (const key of Object.keys(schema)) delete schema[key];
  schema.anyOf = [short, long];
}
