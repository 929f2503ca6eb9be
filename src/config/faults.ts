// Messages for faults in the file. They never repeat a value, because it may be a secret.

import type * as z from "zod";
import { nearest } from "../core/suggestion.ts";

export type Path = readonly (string | number)[];

/** A fault whose line and column are not known yet. */
export interface PathFault {
  path: Path;
  message: string;
  /** Which position to report: that of the key or that of its value. */
  at: "key" | "value";
}

/** @param message undefined reports nothing */
export type Report = (path: Path, message: string | undefined, at?: PathFault["at"]) => void;

/** @returns a function that appends to `faults` */
export function reportTo(faults: PathFault[]): Report {
  return (path, message, at = "value") => void (message !== undefined && faults.push({ path, message, at }));
}

/** @returns a report for paths relative to `base` */
export function below(report: Report, ...base: Path): Report {
  return (path, message, at) => report([...base, ...path], message, at);
}

const EMPTY = "is empty; write a value, or indent the lines that belong to it";
const MISPLACED = "belongs to the top level of the file; remove the spaces before it";

interface ShapeFault extends PathFault {
  /** The keys that an unknown key may stand for. */
  meant?: Path[];
}

/**
 * One fault for each mistake: a misspelt key is not missing too.
 * @param issues of a parse of `file` with `errorMessage`
 * @returns the faults, and the missing keys of the file itself that may be misspelt
 */
export function shapeFaults(issues: readonly z.core.$ZodIssue[], file: unknown, topLevel: readonly string[]) {
  const isLacking = (part: unknown) => topLevel.some((name) => name === part && valueAt(file, [name]) === undefined);
  const all = issues.flatMap((issue): ShapeFault[] => {
    const path = pathInFile(file, issue.path as Path);
    if (issue.code === "unrecognized_keys") {
      const known = issue.message.split(" ");
      return issue.keys.map((key) => unknownKey(path, key, known, isLacking));
    }
    if (path.length > 0 && valueAt(file, path) === null) return [{ path, message: EMPTY, at: "key" }];
    return [{ path, message: issue.message, at: issue.code === "invalid_key" ? "key" : "value" }];
  });
  const meant = all.flatMap((fault) => fault.meant ?? []).filter((path) => valueAt(file, path) === undefined);
  return {
    faults: withoutConsequences(all, new Set(meant.map(keyOf)), file),
    misspelt: meant.flatMap(([key, ...below]) => (below.length === 0 ? key : [])),
  };
}

/** @param isLacking whether the file has no such part, although it could */
function unknownKey(parent: Path, key: string, known: string[], isLacking: (part: unknown) => boolean): ShapeFault {
  const path = [...parent, key];
  const meant = nearest(key, known);
  // The key itself, or one that it is below, because a provider or caller can have any name.
  const depth = meant === undefined ? path.findIndex((part, index) => index > 0 && isLacking(part)) : -1;
  if (depth !== -1)
    return { path: path.slice(0, depth + 1), message: MISPLACED, at: "key", meant: [[path[depth] ?? key]] };
  const hint = meant === undefined ? `the keys allowed here are ${known.join(", ")}` : `did you mean "${meant}"?`;
  const candidates = meant === undefined ? known : [meant];
  return { path, message: `unknown key; ${hint}`, at: "key", meant: candidates.map((name) => [...parent, name]) };
}

const keyOf = (path: Path) => JSON.stringify(path);
const parentOf = ({ path }: ShapeFault) => keyOf(path.slice(0, -1));

/**
 * Leaves out what another fault explains: a missing key that is there but misspelt, what is
 * missing in a mapping with an unknown key, and all that follows an empty key or is below a
 * misplaced one.
 */
function withoutConsequences(faults: readonly ShapeFault[], meant: ReadonlySet<string>, file: unknown): ShapeFault[] {
  const incomplete = new Set(faults.filter((fault) => fault.meant !== undefined).map(parentOf));
  const misplaced = new Set(faults.flatMap(({ message, path }) => (message === MISPLACED ? keyOf(path) : [])));
  // The lines that belong to an empty key are not indented, so they look like its neighbours.
  const empty = Map.groupBy(
    faults.filter(({ message }) => message === EMPTY),
    parentOf,
  );
  return faults.filter((fault) => {
    const { path } = fault;
    if (meant.has(keyOf(path)) || (fault.meant === undefined && incomplete.has(keyOf(path)))) return false;
    return !path.some((part, depth) => {
      const parent = path.slice(0, depth);
      if (misplaced.has(keyOf([...parent, part])) && fault.message !== MISPLACED) return true;
      const [first] = empty.get(keyOf(parent)) ?? [];
      if (first === undefined || (depth === 0 && fault.meant === undefined)) return false;
      const names = Object.keys(valueAt(file, parent) as object);
      return names.indexOf(String(part)) > names.indexOf(String(first.path[depth]));
    });
  });
}

type Tree = { [part: string | number]: Tree } | null | undefined;

const valueAt = (file: unknown, path: Path) => path.reduce((value, part) => value?.[part], file as Tree);

/** Without what a short form leaves out: the index of an only entry, and `from`. */
function pathInFile(file: unknown, path: Path): Path {
  let value = file as Tree;
  return path.filter((part) => {
    if (Array.isArray(value) !== (typeof part === "number")) return false;
    value = value?.[part];
    return true;
  });
}

/** The error map of a parse; messages of the schema itself have priority. */
export function errorMessage(issue: z.core.$ZodRawIssue): string | undefined {
  const { input } = issue;
  switch (issue.code) {
    case "unrecognized_keys":
      // unknownKey makes a message for each key.
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
