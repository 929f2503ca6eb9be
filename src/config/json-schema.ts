// The JSON Schema of the configuration file, made of the very schema that parses it, for editors and pipelines.

import * as z from "zod";
import { WORDS, WORDS_OF_ANY } from "./json-schema-words.ts";
import { fileSchema } from "./schema.ts";
import { source } from "./schema-primitives.ts";

type Schema = z.core.JSONSchema.BaseSchema;
type Change = Parameters<NonNullable<NonNullable<Parameters<typeof z.toJSONSchema>[1]>["override"]>>[0];

/** Names the kind of file, not a place: nothing is fetched from it. */
const ID = "urn:nextauth-token-proxy:configuration:1";

const IPV6_SHAPES: Readonly<Record<string, string>> = {
  ipv6: "^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*$",
  cidrv6: "^[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}$",
};
const URL_SHAPE = { pattern: "^[Hh][Tt][Tt][Pp][Ss]?://[^#]+$" };
const oneOf = (...keys: string[]) => ({ anyOf: keys.map((key) => ({ required: [key] })) });

/** What the parser asks beyond the types, as far as it can be said of one place: refinements do not show in a JSON Schema. */
const REFINEMENTS: Readonly<Record<string, Schema>> = {
  callers: { minProperties: 1 },
  "callers.*": oneOf("apikeys", "client_certificates"),
  "nextauth.url": URL_SHAPE,
  "signing.issuer": URL_SHAPE,
  providers: { minProperties: 1 },
  "providers.*": oneOf("issuer", "token_endpoint"),
  "providers.*.issuer": URL_SHAPE,
  "providers.*.token_endpoint": URL_SHAPE,
};

/**
 * It accepts every file that the parser accepts, and refuses what has the wrong shape. What one part of a file asks of another, as
 * that a name exists, is for `check` to tell.
 */
export function configurationSchema(): Schema {
  const { $schema, ...schema } = z.toJSONSchema(fileSchema, { io: "input", override: change });
  return {
    ...($schema === undefined ? {} : { $schema }),
    $id: ID,
    title: "Configuration of nextauth-token-proxy",
    ...complete(schema as Schema, ""),
  };
}

/** What zod cannot know of one schema: what is done to a value before its shape is looked at. */
function change({ zodSchema, jsonSchema }: Change): void {
  // Of addresses. Validators complain about formats that they do not know, and zod reads IPv6 by other means than its pattern.
  const ipv6 = IPV6_SHAPES[jsonSchema.format ?? ""];
  if (ipv6 !== undefined) jsonSchema.pattern = ipv6;
  delete jsonSchema.format;
  if ((zodSchema as unknown) === source) jsonSchema.pattern = "^(?:body:/|(?:form|header|query|path):.)";
  const { def } = zodSchema._zod;
  if (def.type === "pipe" && def.in._zod.def.type === "transform") acceptShort(jsonSchema);
}

/** A z.preprocess of ours stands where one may be written for a list of one, or a list for `{ from: LIST }`. */
function acceptShort(schema: Schema): void {
  const long = { ...schema };
  const short = (long.type === "array" ? long.items : long.properties?.from) as Schema | undefined;
  if (short === undefined) throw new Error("a z.preprocess before something that is neither a list nor has from");
  for (const key of Object.keys(schema)) delete schema[key];
  schema.anyOf = [short, long];
}

/** @param path as `providers.*.client_id`: of a list's items that of the list, `*` for any name */
function complete(schema: Schema, path: string): Schema {
  const last = path.slice(path.lastIndexOf(".") + 1);
  const description = WORDS[path] ?? (last === "*" ? undefined : WORDS_OF_ANY[last]);
  const below = (key: string) => (path === "" ? key : `${path}.${key}`);
  const parts = partsOf(schema, path, below);
  return { ...(description === undefined ? {} : { description }), ...schema, ...REFINEMENTS[path], ...parts };
}

function partsOf(
  { properties, additionalProperties, items, anyOf }: Schema,
  path: string,
  below: (key: string) => string,
) {
  const parts: Schema = {};
  if (properties !== undefined) {
    parts.properties = Object.fromEntries(
      Object.entries(properties).map(([key, schema]) => [key, complete(schema as Schema, below(key))]),
    );
  }
  if (typeof additionalProperties === "object") {
    parts.additionalProperties = complete(additionalProperties as Schema, below("*"));
  }
  // What is said of a list, or of several forms, is not said again of each.
  const inner = (schema: Schema) => {
    const { description: _, ...rest } = complete(schema, path);
    return rest;
  };
  if (typeof items === "object" && !Array.isArray(items)) parts.items = inner(items as Schema);
  if (anyOf !== undefined) parts.anyOf = anyOf.map((one) => inner(one as Schema));
  return parts;
}
