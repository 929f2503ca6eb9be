// The binding: where in the nextAuth Server's call each value stands. The vendor's format is not public, so the file says it.

import type { ValueRule } from "./values.ts";

/** One place to look. `body` names a JSON pointer (RFC 6901), the others a form parameter, header, query parameter or path segment. */
export interface Source {
  in: "body" | "form" | "header" | "query" | "path";
  name: string;
}

/** One value of a call: where to look for it, first hit wins, and what it must be. */
export interface BoundValue extends ValueRule {
  from: readonly Source[];
  /** Whether a call without it is refused; a value that only some provider needs is asked for there. */
  required: boolean;
}

/** Who vouches for the user of a call: getSession (`verify`), or the authenticated caller alone (`trust`). */
export type SessionMode = "verify" | "trust";

export interface Binding {
  method: "GET" | "POST";
  /** Compared with the request's path as it came, percent-encoding included; `{name}` stands for one segment. */
  path: string;
  values: Readonly<Record<string, BoundValue>>;
  session: SessionMode;
  /** Where the caller's API key stands, in lower case; in `authorization` it stands behind Bearer. */
  apikey_header: string;
}

/** Secure where it can be: with a nextAuth Server to ask, the caller's word alone is not enough. */
export function sessionMode({ session }: { session?: SessionMode | undefined }, hasNextauth: boolean): SessionMode {
  return session ?? (hasNextauth ? "verify" : "trust");
}

/** What a call must have whatever the file says: without a session check its userid, with one the nonce to be checked. */
export function isRequired(name: string, session: SessionMode): boolean {
  return name === (session === "verify" ? "nonce" : "userid");
}

const SOURCE_PATTERN = /^(body|form|header|query|path):(.*)$/s;
/** A header's name (RFC 9110 §5.6.2). */
export const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;

/** @returns the source, or what is wrong with its text as a phrase that follows its path */
export function parseSource(text: string): Source | string {
  const match = SOURCE_PATTERN.exec(text);
  if (match === null) return "must be body:/POINTER, form:NAME, header:NAME, query:NAME or path:NAME";
  const place = match[1] as Source["in"];
  const name = match[2] as string;
  if (name === "") return `must name something after "${place}:"`;
  switch (place) {
    case "body":
      if (!/^(?:\/(?:[^~/]|~[01])*)+$/.test(name)) return "must be a JSON pointer, like body:/userid (RFC 6901)";
      return { in: place, name };
    case "header":
      if (!TOKEN.test(name)) return "must name a header, like header:X-nonce";
      return { in: place, name: name.toLowerCase() };
    default:
      return { in: place, name };
  }
}

/** The names of a path's `{name}` segments, with their place among its segments. */
export function pathParameters(path: string): Map<string, number> {
  const parameters = new Map<string, number>();
  for (const [index, segment] of path.split("/").entries()) {
    const name = segmentName(segment);
    if (name !== undefined) parameters.set(name, index);
  }
  return parameters;
}

function segmentName(segment: string): string | undefined {
  return /^\{(.+)\}$/.exec(segment)?.[1];
}

/** Whether every request to `other` matches `path` too. */
export function covers(path: string, other: string): boolean {
  const segments = path.split("/");
  const others = other.split("/");
  return (
    segments.length === others.length &&
    segments.every(
      (segment, index) => segment === others[index] || (segmentName(segment) !== undefined && others[index] !== ""),
    )
  );
}
