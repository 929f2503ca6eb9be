// Reads docs/openapi.yaml, and compares responses with it.

import { readFileSync } from "node:fs";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import type { Answered } from "../support/call.ts";

export const OPENAPI_FILE = "docs/openapi.yaml";

interface Schema {
  $ref?: string;
  anyOf?: Schema[];
  properties?: { error_code?: { enum: string[] } };
}
interface Documented {
  headers: Record<string, object>;
  content: Record<string, { schema: Schema }>;
}

const document = parse(readFileSync(OPENAPI_FILE, "utf8"));
const ajv = new Ajv2020({ strict: false, validateFormats: false }).addSchema(document, "openapi");

export const version: string = document.info.version;

/** Such as "post /getToken". */
export const operations: string[] = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => `${method} ${path}`),
);

/** Follows a `$ref` inside the document. */
function resolve(value: { $ref?: string }): unknown {
  if (value.$ref === undefined) return value;
  const steps = value.$ref.slice(2).split("/");
  return steps.reduce((at, step) => at[step.replaceAll("~1", "/").replaceAll("~0", "~")], document);
}

function responsesOf(operation: string): Record<string, Documented> {
  const [method = "", path = ""] = operation.split(" ");
  const responses = Object.entries<object>(document.paths[path][method].responses);
  return Object.fromEntries(responses.map(([status, response]) => [status, resolve(response) as Documented]));
}

/** A schema's alternatives, each with what it describes: an error_code, or the name of a schema. */
function alternatives(schema: Schema): { kind: string; schema: Schema }[] {
  return (schema.anyOf ?? [schema]).flatMap((one) => {
    const codes = one.properties?.error_code?.enum;
    return (codes ?? [one.$ref?.replace(/.*\//, "") ?? "any"]).map((kind) => ({ kind, schema: one }));
  });
}

/** Everything that may come back, as "503 overloaded" or "2XX application/json Token". */
export function documented(operation: string): string[] {
  return Object.entries(responsesOf(operation)).flatMap(([status, { content }]) =>
    Object.entries(content).flatMap(([type, { schema }]) =>
      alternatives(schema).map(({ kind }) => label(status, type, kind)),
    ),
  );
}

function label(status: string, type: string, kind: string): string {
  return /^[a-z_]+$/.test(kind) && kind !== "any" ? `${status} ${kind}` : `${status} ${type} ${kind}`;
}

/**
 * Which of the documented responses this is; its headers and body must be as described.
 * @throws if it is none of them
 */
export function documentedAs(operation: string, { status, headers, text }: Answered): string {
  const fail = (why: string): never => {
    throw new Error(`${operation}: ${why}: ${status} ${JSON.stringify(headers)} ${text.slice(0, 500)}`);
  };
  const responses = responsesOf(operation);
  const key = [String(status), `${String(status)[0]}XX`].find((name) => name in responses);
  if (key === undefined) return fail("the status is not documented");
  const response = responses[key] as Documented;

  const expected = Object.keys(response.headers).map((name) => name.toLowerCase());
  const found = Object.keys(headers).filter((name) => name !== "content-type" && name !== "content-length");
  if (expected.toSorted().join() !== found.toSorted().join()) return fail(`its headers are not ${expected}`);
  for (const [name, header] of Object.entries(response.headers)) {
    const { schema } = resolve(header) as { schema: Schema };
    if (!ajv.validate(schema, headers[name.toLowerCase()])) return fail(`${name}: ${ajv.errorsText()}`);
  }

  const type = headers["content-type"] ?? "";
  const range = [type, "*/*"].find((name) => name in response.content);
  if (range === undefined) return fail("its type is not documented");
  const body = type === "application/json" ? JSON.parse(text) : text;
  const all = alternatives(response.content[range]?.schema as Schema);
  const one = all.find(({ kind }) => kind === body.error_code) ?? all.find(({ schema }) => !schema.properties);
  if (one === undefined) return fail("its error_code is not documented");
  // References are relative to the document.
  const located = JSON.parse(JSON.stringify(one.schema).replaceAll('"#/', '"openapi#/'));
  if (!ajv.validate(located, body)) return fail(ajv.errorsText());
  return label(key, range, one.kind);
}
