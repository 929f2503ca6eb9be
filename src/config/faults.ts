// Puts what zod found wrong with the file into the words of its faults. Values are never repeated: one may be a secret.

import * as z from "zod";
import type { Path } from "./position.ts";
import { IS_KEY } from "./schema-primitives.ts";
import { suggestion } from "./suggestion.ts";

/** A fault whose place in the text is still to be found. */
export interface PathFault {
  path: Path;
  message: string;
  /** Whether the key is at fault rather than its value. */
  at: "key" | "value";
}

export function fault(path: Path, message: string, at: "key" | "value" = "value"): PathFault {
  return { path, message, at };
}

type JsonSchema = z.core.JSONSchema.BaseSchema;

/** The faults of one parse of `schema`, an unknown key being a fault of its own. */
export function describeIssues(schema: z.ZodType, issues: readonly z.core.$ZodIssue[]): PathFault[] {
  return issues.flatMap((issue): PathFault[] => {
    const path = issue.path as Path;
    if (issue.code === "unrecognized_keys") {
      const known = knownKeys(schema, path);
      return issue.keys.map((key) => ({
        path: [...path, key],
        message: `is not a key of this place${suggestion(key, known)}`,
        at: "key",
      }));
    }
    return [{ path, message: describe(issue), at: isOfKey(issue) ? "key" : "value" }];
  });
}

function isOfKey(issue: z.core.$ZodIssue): boolean {
  return issue.code === "invalid_key" || (issue.code === "custom" && issue.params?.at === IS_KEY.at);
}

function describe(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case "invalid_key":
      return issue.issues[0]?.message ?? issue.message;
    case "too_big":
    case "too_small":
      return issue.origin === "int" || issue.origin === "number" ? numberRange(issue) : issue.message;
    default:
      return issue.message;
  }
}

function numberRange(issue: z.core.$ZodIssueTooBig | z.core.$ZodIssueTooSmall): string {
  return issue.code === "too_big" ? `must be at most ${issue.maximum}` : `must be at least ${issue.minimum}`;
}

/** Message of a value of the wrong type, or none of those that may be; a custom message of the schema stands above it. */
export function describeType(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === "invalid_value") {
    const choice = `${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
    return issue.input === undefined ? `is missing: write ${choice}` : `must be ${choice}`;
  }
  if (issue.code !== "invalid_type") return undefined;
  if (issue.input === undefined) return "is missing";
  switch (issue.expected) {
    case "string":
      return "must be text";
    case "object":
    case "record":
      return "must be a mapping of keys to values";
    case "array":
      return "must be a list";
    case "int":
    case "number":
      return "must be a whole number";
    case "boolean":
      return "must be true or false";
    default:
      return undefined;
  }
}

/** The keys that a mapping at this path may have, read from the JSON Schema of the file. */
function knownKeys(schema: z.ZodType, path: Path): string[] {
  let place: JsonSchema | undefined = z.toJSONSchema(schema, { io: "input", reused: "inline" }) as JsonSchema;
  for (const part of path) {
    place = (place?.properties?.[part] ?? place?.additionalProperties ?? place?.items) as JsonSchema | undefined;
  }
  return Object.keys(place?.properties ?? {});
}
