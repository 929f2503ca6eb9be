// Lists what a call contains, for an operator who matches the binding to it.

import type { Source } from "../nextauth/binding.ts";

type Entries = [name: string, value: unknown][];

const MAX_LISTED = 64;

/** Also what no binding reads. @param body empty if it could not be read */
export function listReceived({ headers, url }: Request, body: string): { source: Source; value: unknown }[] {
  const listOf = (place: Source["in"], entries: Entries) =>
    entries.slice(0, MAX_LISTED).map(([name, value]) => ({ source: { in: place, name }, value }));
  const inBody = /^\s*[[{]/.test(body)
    ? listOf("body", membersOf(body))
    : listOf("form", [...new URLSearchParams(body)]);
  return [...listOf("header", [...headers]), ...listOf("query", [...new URL(url).searchParams]), ...inBody];
}

function membersOf(json: string): Entries {
  const found: Entries = [];
  const add = (value: unknown, pointer: string) => {
    if (typeof value !== "object" || value === null) return found.push([pointer, value]);
    for (const [name, member] of Object.entries(value)) {
      if (found.length < MAX_LISTED) add(member, `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`);
    }
    return found.length;
  };
  try {
    add(JSON.parse(json), "");
  } catch {} // not JSON, or nested too deeply
  return found;
}

/** Names and types, never values. A long name, or one with other signs, may be a value itself. */
export function describeReceived(request: Request, body: string): string {
  const nameOf = (name: string) => name.replaceAll(/[^/]+/g, (part) => (PLAIN.test(part) ? part : "?"));
  const all = listReceived(request, body);
  return all.map(({ source, value }) => `${source.in}:${nameOf(source.name)} (${typeof value})`).join(", ");
}

const PLAIN = /^[A-Za-z][\w.-]{0,29}$|^\d{1,2}$/;
