// Writes a getToken call as the nextAuth Server would, for the command get-token and for tests.

import { UsageError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import type { Value, Values } from "../core/values.ts";
import type { Source } from "./binding.ts";
import { pointerTokens } from "./json-pointer.ts";
import type { Binding } from "./settings.ts";

export interface WrittenCall {
  method: Binding["method"];
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/**
 * Each value goes to the first of its sources that can carry it and that fits the body's type.
 * @throws {UsageError} if the binding cannot carry these values
 */
export function writeCall({ method, path: template, values: bound }: Binding, values: Values): WrittenCall {
  const all = Object.values(bound).flatMap(({ from }) => from);
  const types = (["body", "form"] as const).filter((type) => all.some((source) => source.in === type));
  const sourceOf = (name: string, value: Value, type: Source["in"] | undefined) => {
    const from = Object.hasOwn(bound, name) ? (bound[name]?.from ?? []) : [];
    const fits = (source: Source) => source.in === type || (source.in !== "body" && source.in !== "form");
    return from.find((source) => fits(source) && canCarry(source, value));
  };
  // The body is JSON or a form: the first type in which every value has a source.
  const type = types.find((one) => [...values].every(([name, value]) => sourceOf(name, value, one))) ?? types[0];

  const placed = { header: create(), query: create(), path: create(), form: create(), body: create() };
  for (const [name, value] of values) {
    const source = sourceOf(name, value, type);
    if (source === undefined) {
      const limits = 'headers take visible ASCII, paths no "." or "..", and a body is JSON or a form';
      throw new UsageError(`the binding has no place for this "${name}": ${limits}`);
    }
    const tokens = source.in === "body" ? pointerTokens(source.name) : [source.name];
    const last = tokens.pop() as string;
    let parent: Value | Members = placed[source.in];
    for (const token of tokens) {
      parent = parent[token] ??= create();
      if (typeof parent !== "object") break;
    }
    if (typeof parent === "object") parent[last] ??= value;
    if (typeof parent !== "object" || parent[last] !== value) {
      throw new UsageError(`two values go to ${source.in}:${source.name}: give only one of them`);
    }
  }

  const path = template.replaceAll(/\{(.+?)\}/g, (_, name: string) => {
    if (placed.path[name] !== undefined) return encodeURIComponent(String(placed.path[name]));
    throw new UsageError(`the path needs a value for its segment {${name}}`);
  });
  const query = formOf(placed.query);
  const headers = Object.entries(placed.header).map(([name, value]) => [name, headerText(name, String(value))]);
  const call = { method, path: query === "" ? path : `${path}?${query}`, headers: Object.fromEntries(headers) };
  if (type === undefined) return call;
  const isForm = type === "form";
  const contentType = isForm ? FORM_CONTENT_TYPE : "application/json";
  const body = isForm ? formOf(placed.form) : JSON.stringify(placed.body);
  return { ...call, headers: { "content-type": contentType, ...call.headers }, body };
}

type Members = { [name: string]: Value | Members };

/** Without a prototype, so that every name is an ordinary one. */
const create = (): Members => Object.create(null);

const formOf = (members: Members) => new URLSearchParams(members as Record<string, string>).toString();

/** Headers lose outer spaces on the way, Bearer tokens end at a space, paths lose dot segments. */
function canCarry(source: Source, value: Value): boolean {
  const text = String(value);
  if (source.in === "path") return !/^\.{0,2}$/.test(text);
  if (source.in !== "header") return true;
  return HEADER_VALUE.test(text) && !(source.name === "authorization" && text.includes(" "));
}

/** The header with the caller's API key. */
export function apikeyHeader({ apikey_header: name }: Binding, apikey: string): Record<string, string> {
  return { [name]: headerText(name, apikey) };
}

function headerText(header: string, text: string): string {
  return header === "authorization" ? `Bearer ${text}` : text;
}
