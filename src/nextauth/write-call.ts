// Writes a getToken call by its binding, as the nextAuth Server sends it: for the command get-token, dev mode and tests.

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

/** The binding has no place for a value, or needs one that is not given. The message is for whoever plays the nextAuth Server. */
export class UnwritableCallError extends Error {
  override readonly name = "UnwritableCallError";
}

/**
 * Each value stands at the first of its places that can carry it and that the body's type allows.
 * @throws {UnwritableCallError}
 */
export function writeCall({ method, path, values: bound }: Binding, values: ReadonlyMap<string, Value>): WrittenCall {
  for (const [name, value] of values) {
    if (!Object.hasOwn(bound, name)) throw new UnwritableCallError(`the binding has no value "${name}"`);
    if (!bound[name]?.from.some((source) => carries(source, value))) {
      throw new UnwritableCallError(
        `the binding has no place that can carry this "${name}": a header takes visible ASCII, and no segment is "." or ".."`,
      );
    }
  }
  const sources = Object.values(bound).flatMap(({ from }) => from);
  const bodies = (["body", "form"] as const).filter((kind) => sources.some((source) => source.in === kind));
  const kinds = bodies.length === 0 ? [undefined] : bodies;
  // A body is JSON or a form: the first of the two that has a place for every value.
  for (const kind of kinds) {
    const placed = [...values].map(([name, value]) => ({
      value,
      source: bound[name]?.from.find((source) => carries(source, value) && isOfKind(source, kind)),
    }));
    if (placed.every((place): place is Placed => place.source !== undefined)) return write(method, path, kind, placed);
  }
  throw new UnwritableCallError("the binding has no one type of body in which all of these values have a place");
}

type BodyKind = "body" | "form" | undefined;

interface Placed {
  source: Source;
  value: Value;
}

function isOfKind(source: Source, kind: BodyKind): boolean {
  return (source.in !== "body" && source.in !== "form") || source.in === kind;
}

const HEADER_VALUE = /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/;

/** Whether the proxy would read there what was written: on the way headers lose outer spaces, and paths their dot segments. */
function carries(source: Source, value: Value): boolean {
  if (source.in === "header") {
    // Behind Bearer stands one token, which ends at a space.
    return HEADER_VALUE.test(String(value)) && !(source.name === "authorization" && String(value).includes(" "));
  }
  return source.in !== "path" || !/^\.{0,2}$/.test(String(value));
}

function write(method: Binding["method"], template: string, kind: BodyKind, placed: readonly Placed[]): WrittenCall {
  const headers: Record<string, string> = Object.create(null);
  const query = new URLSearchParams();
  const form = new URLSearchParams();
  const json: JsonObject = Object.create(null);
  let path = template;
  const written = new Map<string, Value>();
  for (const { source, value } of placed) {
    const text = String(value);
    const place = `${source.in}:${source.name}`;
    const before = written.get(place);
    if (before !== undefined) {
      if (before === value) continue;
      throw new UnwritableCallError(`the binding wants two different values at ${place}`);
    }
    written.set(place, value);
    switch (source.in) {
      case "header":
        headers[source.name] = source.name === "authorization" ? `Bearer ${text}` : text;
        break;
      case "query":
        query.append(source.name, text);
        break;
      case "form":
        form.append(source.name, text);
        break;
      case "path":
        path = path.replace(`{${source.name}}`, () => encodeURIComponent(text));
        break;
      case "body":
        setAt(json, source.name, value);
    }
  }
  const missing = /\{(.+?)\}/.exec(path)?.[1];
  if (missing !== undefined) throw new UnwritableCallError(`the path needs a value for its segment {${missing}}`);
  const call = { method, path: query.size === 0 ? path : `${path}?${query}` };
  if (kind === undefined) return { ...call, headers: { ...headers } };
  const isJson = kind === "body";
  return {
    ...call,
    headers: { "content-type": isJson ? "application/json" : "application/x-www-form-urlencoded", ...headers },
    body: isJson ? JSON.stringify(json) : form.toString(),
  };
}

interface JsonObject {
  [name: string]: Value | JsonObject;
}

/** Objects without a prototype, so that no name of a member means anything else. */
function setAt(document: JsonObject, pointer: string, value: Value): void {
  const tokens = pointerTokens(pointer);
  const last = tokens.pop() as string;
  let place = document;
  for (const token of tokens) {
    const next = place[token] ?? Object.create(null);
    if (typeof next !== "object")
      throw new UnwritableCallError(`the binding wants both a value and an object at ${pointer}`);
    place[token] = next;
    place = next;
  }
  if (place[last] !== undefined)
    throw new UnwritableCallError(`the binding wants both a value and an object at ${pointer}`);
  place[last] = value;
}

/** The header that carries the caller's API key. */
export function apikeyHeader({ apikey_header: name }: Binding, apikey: string): Record<string, string> {
  return { [name]: name === "authorization" ? `Bearer ${apikey}` : apikey };
}
