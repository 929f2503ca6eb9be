// Messages for faults in the file. They never repeat a value, because it may be a secret.

import { closest, distance } from "fastest-levenshtein";
import type * as z from "zod";

export type Path = readonly (string | number)[];

/** A fault whose line and column are not known yet. */
export interface PathFault {
  path: Path;
  message: string;
  /** Which position to report: that of the key or that of its value. */
  at: "key" | "value";
}

export type Report = (path: Path, message: string, at?: PathFault["at"]) => void;

/** @returns a function that appends to `faults` */
export function reportTo(faults: PathFault[]): Report {
  return (path, message, at = "value") => faults.push({ path, message, at });
}

/** @returns a report for paths relative to `base` */
export function below(report: Report, ...base: Path): Report {
  return (path, message, at) => report([...base, ...path], message, at);
}

/** Keys that older versions had. */
const REMOVED_KEYS: Readonly<Record<string, string>> = {
  "server.processes": "removed: run several instances instead, see docs/deploy.md",
};

/** @param issues of a parse with `errorMessage` */
export function faultsOfIssues(issues: readonly z.core.$ZodIssue[]): PathFault[] {
  return issues.flatMap((issue): PathFault[] => {
    const path = issue.path as Path;
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      return issue.keys.map((key) => {
        const at = [...path, key];
        const hint = suggestion(key, known) || `; the keys allowed here are ${known.join(", ")}`;
        return { path: at, message: REMOVED_KEYS[at.join(".")] ?? `unknown key${hint}`, at: "key" };
      });
    }
    return [{ path, message: issue.message, at: issue.code === "invalid_key" ? "key" : "value" }];
  });
}

/** @returns `; did you mean "client_id"?`, or an empty text if no known name is similar */
export function suggestion(misspelt: string, known: readonly string[]): string {
  if (known.length === 0) return "";
  const given = misspelt.toLowerCase();
  const nearest = closest(given, known);
  const sorted = (text: string) => [...text].sort().join("");
  // Two swapped letters are one typing error, but count as two.
  const isSwap = distance(given, nearest) === 2 && sorted(given) === sorted(nearest);
  // A third of the letters may differ: enough for typing errors, too little for another word.
  const limit = Math.max(1, Math.floor(nearest.length / 3));
  return isSwap || distance(given, nearest) <= limit ? `; did you mean "${nearest}"?` : "";
}

/** The error map of a parse; messages of the schema itself have priority. */
export function errorMessage(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "unrecognized_keys":
      // faultsOfIssues makes a message for each key.
      return Object.keys((issue.inst as z.ZodObject)._zod.def.shape).join(" ");
    case "invalid_key":
      return issue.issues[0]?.message;
    case "invalid_value": {
      const choice = `${issue.values.length > 1 ? "one of " : ""}${issue.values.map(String).join(", ")}`;
      return input === undefined ? `is missing; write ${choice}` : `must be ${choice}`;
    }
    case "too_big":
      return `must be at most ${issue.maximum}`;
    case "too_small":
      return issue.origin === "array" ? "must have at least one entry" : `must be at least ${issue.minimum}`;
    case "invalid_type":
      if (input === undefined) return "is missing";
      if (issue.expected !== "string") return TYPE_MESSAGES[issue.expected];
      return `must be text${typeof input === "number" || typeof input === "boolean" ? "; put it in quotes" : ""}`;
    default:
      return undefined;
  }
}

const TYPE_MESSAGES: Readonly<Record<string, string>> = {
  object: "must be a mapping of keys to values",
  record: "must be a mapping of keys to values",
  array: "must be a list, such as [a, b]",
  int: "must be a whole number",
  number: "must be a whole number",
  boolean: "must be true or false",
};
