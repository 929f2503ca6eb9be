// The binding: where each value is in the nextAuth Server's call, whose format is not public.

import type { Statuses } from "../core/errors.ts";
import type { ValueRule } from "./values.ts";

/** `name` is a JSON pointer (RFC 6901) for `body`, and a parameter, header or segment otherwise. */
export interface Source {
  in: "body" | "form" | "header" | "query" | "path";
  name: string;
}

export interface BoundValue extends ValueRule {
  from: readonly Source[];
  /** For every call. What one provider needs, that provider checks. */
  required: boolean;
}

export type SessionMode = "verify" | "trust";

/** docs/configuration.md describes each key. */
export interface Binding {
  method: "GET" | "POST";
  /** Compared with the path as sent, percent-encoding included. */
  path: string;
  values: Readonly<Record<string, BoundValue>>;
  session: SessionMode;
  timeout: number; // milliseconds for the whole call
  /** In lower case. */
  apikey_header: string;
  provider?: string | undefined;
  answer: { refusals: "relay" | "own"; statuses: Statuses };
}

/** A call always needs the nonce for the session check or, without one, the userid. */
export function isRequired(name: string, session: SessionMode): boolean {
  return name === (session === "verify" ? "nonce" : "userid");
}

const SOURCE_PATTERN = /^(body|form|header|query|path):(.*)$/s;
const POINTER_PATTERN = /^(?:\/(?:[^~/]|~[01])*)+$/;
/** A header's name (RFC 9110 section 5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

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
