// Writes a getToken call by its binding, as the nextAuth Server sends it: for the command get-token, dev mode and tests.

import type { Binding, Source } from "./binding.ts";
import { pointerTokens } from "./json-pointer.ts";
import type { CallValue } from "./values.ts";

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
 * Each value stands at the first of its places that the body's type allows.
 * @throws {UnwritableCallError}
 */
export function writeCall(
  { method, path, values: bound }: Binding,
  values: ReadonlyMap<string, CallValue>,
): WrittenCall {
  for (const name of values.keys()) {
    if (!Object.hasOwn(bound, name)) throw new UnwritableCallError(`the binding has no value "${name}"`);
  }
  const sources = Object.values(bound).flatMap(({ from }) => from);
  const bodies = (["body", "form"] as const).filter((kind) => sources.some((source) => source.in === kind));
  const kinds = bodies.length === 0 ? [undefined] : bodies;
  // A body is JSON or a form: the first of the two that has a place for every value.
  for (const kind of kinds) {
    const placed = [...values].map(([name, value]) => ({ value, source: placeFor(bound[name]?.from ?? [], kind) }));
    if (placed.every((place): place is Placed => place.source !== undefined)) return write(method, path, kind, placed);
  }
  throw new UnwritableCallError("the binding has no one type of body in which all of these values have a place");
}

type BodyKind = "body" | "form" | undefined;

interface Placed {
  source: Source;
  value: CallValue;
}

function placeFor(from: readonly Source[], kind: BodyKind): Source | undefined {
  return from.find((source) => (source.in !== "body" && source.in !== "form") || source.in === kind);
}

function write(method: Binding["method"], template: string, kind: BodyKind, placed: readonly Placed[]): WrittenCall {
  const headers: Record<string, string> = {};
  const query = new URLSearchParams();
  const form = new URLSearchParams();
  const json: JsonObject = Object.create(null);
  let path = template;
  for (const { source, value } of placed) {
    const text = String(value);
    switch (source.in) {
      case "header":
        headers[source.name] = text;
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
  if (kind === undefined) return { ...call, headers };
  const isJson = kind === "body";
  return {
    ...call,
    headers: { "content-type": isJson ? "application/json" : "application/x-www-form-urlencoded", ...headers },
    body: isJson ? JSON.stringify(json) : form.toString(),
  };
}

interface JsonObject {
  [name: string]: CallValue | JsonObject;
}

/** Objects without a prototype, so that no name of a member means anything else. */
function setAt(document: JsonObject, pointer: string, value: CallValue): void {
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
  place[last] = value;
}
