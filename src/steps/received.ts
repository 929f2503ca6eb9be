// Lists what a call contains, for an operator who matches the binding to it.

import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { readJsonObject } from "../core/json.ts";
import type { Source } from "../nextauth/binding.ts";
import { mediaType } from "./body.ts";

type Entries = [name: string, value: unknown][];

const MAX_LISTED = 64;
const MAX_DEPTH = 16;

/** Also what no binding reads. @param body empty if it could not be read */
export function listReceived(request: Request, body: string): { source: Source; value: unknown }[] {
  const listOf = (place: Source["in"], entries: Entries) =>
    entries.slice(0, MAX_LISTED).map(([name, value]) => ({ source: { in: place, name }, value }));
  const isForm = mediaType(request) === FORM_CONTENT_TYPE;
  return [
    ...listOf("header", [...request.headers]),
    ...listOf("query", [...new URL(request.url).searchParams]),
    ...(isForm
      ? listOf("form", [...new URLSearchParams(body)])
      : listOf("body", membersOf(readJsonObject(body) ?? {}))),
  ];
}

function membersOf(value: unknown, pointer = "", depth = 0): Entries {
  if (typeof value !== "object" || value === null) return [[pointer, value]];
  if (depth === MAX_DEPTH) return [];
  const pointerTo = (name: string) => `${pointer}/${name.replaceAll("~", "~0").replaceAll("/", "~1")}`;
  return Object.entries(value).flatMap(([name, member]) => membersOf(member, pointerTo(name), depth + 1));
}

/** Names and types, never values. A long name, or one with other signs, may be a value itself. */
export function describeReceived(request: Request, body: string): string {
  const nameOf = (name: string) => name.replaceAll(/[^/]+/g, (part) => (PLAIN.test(part) ? part : "?"));
  const all = listReceived(request, body);
  return all.map(({ source, value }) => `${source.in}:${nameOf(source.name)} (${typeof value})`).join(", ");
}

const PLAIN = /^[A-Za-z][\w.-]{0,29}$|^\d{1,2}$/;
