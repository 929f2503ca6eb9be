// The pieces of which the schema of the configuration file is made: durations, addresses, names, templates, secrets.

import * as z from "zod";
import { parseSource } from "../nextauth/binding.ts";
import { isFault, readValue } from "../nextauth/values.ts";
import type { JsonValue } from "../oauth/template.ts";
import { parseTemplate, TemplateSyntaxError } from "../oauth/template.ts";
import { ADDRESS_PATTERN, parseAddress } from "./address.ts";
import { DURATION_PATTERN, parseDuration } from "./duration.ts";

/** A day: no wait of this program is longer, and Node's timers take no more than 24.8 days. */
const MAX_DURATION_MS = 86_400_000;
const DURATION_MESSAGE = "must be a duration with a unit, like 500ms, 5s or 10m";
const durationWithin = (least: number, most: number, range: string) =>
  z
    .string(DURATION_MESSAGE)
    .regex(DURATION_PATTERN, DURATION_MESSAGE)
    .transform((written, context) => {
      const ms = parseDuration(written) as number;
      if (ms < least || ms > most) {
        context.addIssue({ code: "custom", message: `must be ${range}` });
        return z.NEVER;
      }
      return ms;
    });

export const duration = durationWithin(1, MAX_DURATION_MS, "between 1ms and 24h");
export const durationOrNone = durationWithin(0, MAX_DURATION_MS, "at most 24h");
export const durationUpTo = (most: number, written: string) => durationWithin(1, most, `between 1ms and ${written}`);

export const address = z
  .string()
  .regex(ADDRESS_PATTERN, "must be host:port, like 127.0.0.1:8080 or [::1]:8080")
  .transform((text, context) => {
    const parsed = parseAddress(text);
    if (parsed === undefined) {
      context.addIssue({ code: "custom", message: "must have a port from 0 to 65535" });
      return z.NEVER;
    }
    return parsed;
  });

export const text = z.string().min(1, "must not be empty");

/** Text in which a template may stand. */
export const templated = z.string().superRefine((value, context) => {
  try {
    parseTemplate(value);
  } catch (error) {
    if (!(error instanceof TemplateSyntaxError)) throw error;
    context.addIssue({ code: "custom", message: error.message });
  }
});

/** A claim or a header member: any JSON, templates in its texts. */
export const json: z.ZodType<JsonValue> = z.lazy(() =>
  z.union(
    [templated, z.number(), z.boolean(), z.null(), z.array(json), z.record(z.string(), json)],
    "must be JSON, with properly written templates in its texts",
  ),
);

export const urlWith = (faultOf: (url: string) => string | undefined) =>
  z.string().superRefine((value, context) => {
    const fault = faultOf(value);
    if (fault !== undefined) context.addIssue({ code: "custom", message: fault });
  });

export const secretReference = z.union(
  [
    z.strictObject({
      env: z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, "must be the name of a variable: letters, digits and _"),
    }),
    z.strictObject({ file: z.string().min(1, "must be a path") }),
  ],
  { error: secretFault("must be { env: NAME } or { file: PATH }: a secret never stands in the file itself") },
);

/** Only where something else stands than a reference may it be the secret itself: the other faults are told as what they are. */
function secretFault(otherwise: string): (issue: { input?: unknown }) => string {
  return ({ input }) => {
    if (input === undefined) return "is missing: write { env: NAME } or { file: PATH }";
    if (typeof input !== "object" || input === null || Array.isArray(input)) return otherwise;
    return "env" in input === "file" in input ? "must have exactly one of env and file" : otherwise;
  };
}

/** One, or several: the first is used, and the next is tried where the provider refuses it. */
export const oneOrMore = <Item extends z.ZodType>(
  item: Item,
  message: string,
  faultOf: (issue: { input?: unknown }) => string = () => message,
) => z.union([item.transform((one) => [one]), z.array(item).min(1, message)], { error: faultOf });

/** As oneOrMore for mappings: each fault of one is told at its own place. */
export const listOrOne = <Item extends z.ZodType>(item: Item, message: string) =>
  z.preprocess((written) => (Array.isArray(written) ? written : [written]), z.array(item).min(1, message));

const SECRETS_MESSAGE =
  "must be { env: NAME } or { file: PATH }, or a list of them: a secret never stands in the file itself";
export const secretReferences = oneOrMore(secretReference, SECRETS_MESSAGE, secretFault(SECRETS_MESSAGE));

/** Names that the file gives to callers, providers and values: they go into logs, metrics and templates. */
const NAME = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const NAME_MESSAGE = "must be a name of letters, digits, _ and -, starting with a letter or _";
export const IS_KEY = { at: "key" } as const;

/** A mapping of such names. Not by the record's own schema for keys: what stands below a bad name would not be looked at. */
export const named = <Value extends z.ZodType>(value: Value) =>
  z
    .record(z.string(), value)
    .superRefine(
      (written, context) => {
        for (const key of Object.keys(written)) {
          if (NAME.test(key)) continue;
          context.addIssue({ code: "custom", path: [key], message: NAME_MESSAGE, params: IS_KEY });
        }
      },
      { when: ({ value }) => typeof value === "object" && value !== null && !Array.isArray(value) },
    )
    .meta({ propertyNames: { type: "string", pattern: NAME.source } });

/** As calls may have it: what none can have would never match. */
export const serverid = text.superRefine((value, context) => {
  const read = readValue("serverid", value, false);
  if (value !== "" && isFault(read)) context.addIssue({ code: "custom", message: read.fault });
});

export const source = z.string().transform((value, context) => {
  const parsed = parseSource(value);
  if (typeof parsed === "string") {
    context.addIssue({ code: "custom", message: parsed });
    return z.NEVER;
  }
  return parsed;
});
