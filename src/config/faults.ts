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

const EMPTY = "is empty; write a value, or indent the lines that belong to it";
const MISPLACED = "belongs to the top level of the file; remove the spaces before it";

interface ShapeFault extends PathFault {
  /** The keys that an unknown key may stand for. */
  meant?: Path[];
}

/**
 * One fault for each mistake: a misspelt key is not missing too.
 * @param issues of a parse of `file` with `errorMessage`
 * @returns the faults, and the paths where the file is not what its author meant
 */
export function shapeFaults(issues: readonly z.core.$ZodIssue[], file: unknown, topLevel: readonly string[]) {
  const all = issues.flatMap((issue): ShapeFault[] => {
    const path = issue.path as Path;
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey(path, key, issue.message.split(" "), file, topLevel));
    }
    if (path.length > 0 && valueAt(file, path) === null)
      return [{ path: written(file, path), message: EMPTY, at: "key" }];
    return [{ path, message: issue.message, at: issue.code === "invalid_key" ? "key" : "value" }];
  });
  const faults = all.filter((fault, index) => !all.some((cause, at) => at !== index && isCausedBy(fault, cause, file)));
  return { faults, doubtful: all.flatMap(({ path, meant = [] }) => [path, ...meant]) };
}

function unknownKey(path: Path, key: string, known: string[], file: unknown, topLevel: readonly string[]): ShapeFault {
  const at = [...path, key];
  const meant = nearest(key, known);
  if (meant === undefined) {
    // It is below the wrong key itself, or what it is in: a provider can have any name.
    const depth = at.findIndex((part, index) => index > 0 && topLevel.includes(String(part)) && !valueAt(file, [part]));
    if (depth !== -1)
      return { path: at.slice(0, depth + 1), message: MISPLACED, at: "key", meant: [[at[depth] as string]] };
  }
  const message =
    REMOVED_KEYS[at.join(".")] ??
    `unknown key${suggestion(key, known) || `; the keys allowed here are ${known.join(", ")}`}`;
  return {
    path: at,
    message,
    at: "key",
    meant: (meant === undefined ? known : [meant]).map((name) => [...path, name]),
  };
}

function isCausedBy(fault: ShapeFault, cause: ShapeFault, file: unknown): boolean {
  const parent = cause.path.slice(0, -1);
  if (cause.message === EMPTY) {
    // The lines that belong to it are not indented, so they look like its neighbours.
    const names = Object.keys((valueAt(file, parent) as object | undefined) ?? {});
    const isBelow = names.indexOf(String(fault.path[parent.length])) > names.indexOf(String(cause.path.at(-1)));
    return isBelow && startsWith(fault.path, parent) && (parent.length > 0 || fault.meant !== undefined);
  }
  if (cause.message === MISPLACED && startsWith(fault.path, cause.path)) return true;
  if (cause.meant === undefined || fault.meant !== undefined) return false;
  const isMissing = valueAt(file, fault.path) === undefined;
  return isSame(fault.path, parent) || (isMissing && cause.meant.some((path) => isSame(path, fault.path)));
}

const startsWith = (path: Path, start: Path) => start.every((part, depth) => path[depth] === part);
const isSame = (a: Path, b: Path) => a.length === b.length && startsWith(a, b);

/** An entry that is not in a list has the index 0 in the paths of zod. */
const written = (file: unknown, path: Path) =>
  path.filter((part, depth) => typeof part === "string" || Array.isArray(valueAt(file, path.slice(0, depth))));

const valueAt = (file: unknown, path: Path): unknown =>
  path.reduce<unknown>(
    (value, part) =>
      typeof part === "number" && !Array.isArray(value)
        ? value
        : (value as Record<string | number, unknown> | null)?.[part],
    file,
  );

/** @returns `; did you mean "client_id"?`, or an empty text if no known name is similar */
export function suggestion(misspelt: string, known: readonly string[]): string {
  const name = nearest(misspelt, known);
  return name === undefined ? "" : `; did you mean "${name}"?`;
}

function nearest(misspelt: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const given = misspelt.toLowerCase();
  const name = closest(given, known);
  const sorted = (text: string) => [...text].sort().join("");
  // Two swapped letters are one typing error, but count as two.
  const isSwap = distance(given, name) === 2 && sorted(given) === sorted(name);
  // A third of the letters may differ: enough for typing errors, too little for another word.
  const limit = Math.max(1, Math.floor(name.length / 3));
  return isSwap || distance(given, name) <= limit ? name : undefined;
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
      return TYPE_MESSAGES[issue.expected]?.(input);
    default:
      return undefined;
  }
}

const notMapping = (input: unknown) => {
  const isGlued = typeof input === "string" && /^[\w.-]+:(?!\/\/)/.test(input);
  const hint = isGlued ? "; a colon needs a space after it" : Array.isArray(input) ? ", not a list" : "";
  return `must be a mapping of keys to values${hint}`;
};
const TYPE_MESSAGES: Readonly<Record<string, (input: unknown) => string>> = {
  string: (input) => `must be text${typeof input === "object" ? "" : "; put it in quotes"}`,
  object: notMapping,
  record: notMapping,
  array: (input) => `must be a list${typeof input === "object" ? '; start each entry with "- "' : ", such as [a, b]"}`,
  int: () => "must be a whole number",
  number: () => "must be a whole number",
  boolean: () => "must be true or false",
};
