// Writes a getToken call as the nextAuth Server would, for the command get-token and for tests.

import { UsageError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { HEADER_VALUE } from "../core/headers.ts";
import type { Value } from "../core/values.ts";
import type { Binding, Source } from "./binding.ts";
import { pointerTokens } from "./json-pointer.ts";

export interface WrittenCall {
  method: Binding["method"];
  /** With its query. */
  path: string;
  headers: Record<string, string>;
  body?: string;
}

/** The binding cannot carry these values. */
export class UnwritableCallError extends UsageError {}

/** Each value goes to the first of its sources that can carry it and that fits the body's type. */
export function writeCall(binding: Binding, values: ReadonlyMap<string, Value>): WrittenCall {
  const { values: bound } = binding;
  for (const [name, value] of values) {
    if (!Object.hasOwn(bound, name))
      throw new UnwritableCallError(`"${name}" is not a value of the binding: it has ${Object.keys(bound).join(", ")}`);
    if (bound[name]?.from.some((source) => canCarry(source, value))) continue;
    const limits = 'headers take visible ASCII, paths no "." or ".."';
    throw new UnwritableCallError(`no source of the binding can carry this "${name}": ${limits}`);
  }
  // The body is JSON or a form: the first type in which every value has a source.
  const all = Object.values(bound).flatMap(({ from }) => from);
  const types = (["body", "form"] as const).filter((type) => all.some((source) => source.in === type));
  for (const type of types.length === 0 ? [undefined] : types) {
    const fits = (source: Source) => source.in === type || (source.in !== "body" && source.in !== "form");
    const placed = [...values].map(([name, value]) => ({
      value,
      source: bound[name]?.from.find((source) => canCarry(source, value) && fits(source)),
    }));
    if (placed.every((place): place is Placed => place.source !== undefined)) return write(binding, type, placed);
  }
  throw new UnwritableCallError("some of these values fit only a JSON body and others only a form: give fewer values");
}

type Placed = { source: Source; value: Value };

/** Headers lose outer spaces on the way, Bearer tokens end at a space, paths lose dot segments. */
function canCarry(source: Source, value: Value): boolean {
  const text = String(value);
  if (source.in === "path") return !/^\.{0,2}$/.test(text);
  if (source.in !== "header") return true;
  return HEADER_VALUE.test(text) && !(source.name === "authorization" && text.includes(" "));
}

function write({ method, path: template }: Binding, type: "body" | "form" | undefined, all: Placed[]): WrittenCall {
  const headers: Record<string, string> = Object.create(null);
  const query = new URLSearchParams();
  const form = new URLSearchParams();
  const json: JsonObject = Object.create(null);
  const written = new Map<string, Value>();
  let path = template;
  for (const { source, value } of all) {
    const text = String(value);
    const place = `${source.in}:${source.name}`;
    if (written.get(place) === value) continue;
    if (written.has(place)) throw new UnwritableCallError(`two different values go to ${place}: give only one of them`);
    written.set(place, value);
    if (source.in === "header") headers[source.name] = headerText(source.name, text);
    else if (source.in === "query") query.append(source.name, text);
    else if (source.in === "form") form.append(source.name, text);
    else if (source.in === "path") path = path.replace(`{${source.name}}`, () => encodeURIComponent(text));
    else setAt(json, source.name, value);
  }
  const missing = /\{(.+?)\}/.exec(path)?.[1];
  if (missing !== undefined) throw new UnwritableCallError(`the path needs a value for its segment {${missing}}`);
  const call = { method, path: query.size === 0 ? path : `${path}?${query}` };
  if (type === undefined) return { ...call, headers: { ...headers } };
  const contentType = type === "body" ? "application/json" : FORM_CONTENT_TYPE;
  const body = type === "body" ? JSON.stringify(json) : form.toString();
  return { ...call, headers: { "content-type": contentType, ...headers }, body };
}

type JsonObject = { [name: string]: Value | JsonObject };

/** The objects have no prototype, so every member name is an ordinary one. */
function setAt(document: JsonObject, pointer: string, value: Value): void {
  const tokens = pointerTokens(pointer);
  const last = tokens.pop() as string;
  let parent: Value | JsonObject = document;
  for (const token of tokens) {
    parent = parent[token] ??= Object.create(null) as JsonObject;
    if (typeof parent !== "object") break;
  }
  if (typeof parent !== "object" || parent[last] !== undefined) {
    throw new UnwritableCallError(`both a value and an object go to body:${pointer}: give only one of them`);
  }
  parent[last] = value;
}

/** The header with the caller's API key. */
export function apikeyHeader({ apikey_header: name }: Binding, apikey: string): Record<string, string> {
  return { [name]: headerText(name, apikey) };
}

function headerText(header: string, text: string): string {
  return header === "authorization" ? `Bearer ${text}` : text;
}
