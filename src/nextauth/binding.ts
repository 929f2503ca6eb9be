// The binding: where each value is in the nextAuth Server's call, whose format is not public.

import { TOKEN } from "../core/headers.ts";

/** `name` is a JSON pointer (RFC 6901) for `body`, and a parameter, header or segment otherwise. */
export interface Source {
  in: "body" | "form" | "header" | "query" | "path";
  name: string;
}

const SOURCE_PATTERN = /^(body|form|header|query|path):(.*)$/s;
const POINTER_PATTERN = /^(?:\/(?:[^~/]|~[01])*)+$/;

/** @returns the source, or the fault as a phrase that follows the key in the file */
export function parseSource(text: string): Source | string {
  const match = SOURCE_PATTERN.exec(text);
  if (match === null) return "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME";
  const [, place, name] = match as unknown as [string, Source["in"], string];
  if (name === "") return `must name something after "${place}:"`;
  if (place === "body" && !POINTER_PATTERN.test(name)) return "must be a JSON pointer, like body:/userid (RFC 6901)";
  if (place === "header" && !TOKEN.test(name)) return "must name a header, like header:X-nonce";
  return { in: place, name: place === "header" ? name.toLowerCase() : name };
}

/** The names of a path's `{name}` segments, with the index of the segment. */
export function pathParameters(path: string): Map<string, number> {
  const entries = [...path.split("/").entries()].filter(([, segment]) => PARAMETER.test(segment));
  return new Map(entries.map(([index, segment]) => [segment.slice(1, -1), index]));
}

const PARAMETER = /^\{.+\}$/;

/** Whether every request to `other` also matches `path`. */
export function covers(path: string, other: string): boolean {
  const segments = path.split("/");
  const others = other.split("/");
  const matches = (segment: string, index: number) =>
    segment === others[index] || (PARAMETER.test(segment) && others[index] !== "");
  return segments.length === others.length && segments.every(matches);
}
