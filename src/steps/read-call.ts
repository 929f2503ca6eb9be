// Reads a getToken call as its binding describes it, and checks each value.

import { FORM_CONTENT_TYPE } from "../core/form.ts";
import type { Inbound } from "../core/inbound.ts";
import type { Value, Values } from "../core/values.ts";
import { type Binding, pathParameters, type Source } from "../nextauth/binding.ts";
import { compilePointer } from "../nextauth/json-pointer.ts";
import { isFault, readValue } from "../nextauth/values.ts";
import { invalid, mediaType, parseParameters, readText } from "./body.ts";
import type { CallStep } from "./context.ts";

/** @param defaultServerid for calls that name none */
export function readCall(inbound: Inbound, binding: Binding, defaultServerid: string | undefined): CallStep {
  const read = createCallReader(binding, defaultServerid);
  return async (c, next) => {
    const trace = c.get("trace");
    const values = await read(c.req.raw, c.req.path);
    trace.note({ userid: textOf(values, "userid"), nonce: textOf(values, "nonce") });
    c.set("call", { values, session: binding.session, trace, recipient: inbound.recipient(c.env) });
    await next();
  };
}

function textOf(values: Values, name: "userid" | "nonce"): string | undefined {
  return values.get(name) as string | undefined; // the rules of these names only let text through
}

/**
 * @param path the request's path as sent, with percent-encoding
 * @throws {TokenProxyError} call_invalid or call_too_large
 */
export type ReadCall = (request: Request, path: string) => Promise<Values>;

/** The places of a call where sources look. The body is parsed once, as its Content-Type says. */
interface Places {
  headers: Headers;
  segments: readonly string[];
  query: URLSearchParams;
  json?: unknown;
  form?: URLSearchParams;
}

/** Returns the value at one source, or undefined if the call has none there. */
type Look = (places: Places) => unknown;

const NO_PARAMETERS = new URLSearchParams();

export function createCallReader(binding: Binding, defaultServerid?: string): ReadCall {
  const segments = pathParameters(binding.path);
  const bound = Object.entries(binding.values).map(([name, rule]) => ({
    name,
    rule,
    looks: rule.from.map((source) => ({ typed: source.in === "body", look: compileSource(source, segments) })),
  }));
  const sources = new Set(Object.values(binding.values).flatMap(({ from }) => from.map((source) => source.in)));
  const bodyTypes = { json: sources.has("body"), form: sources.has("form") };

  return async (request, path) => {
    const places: Places = {
      headers: request.headers,
      segments: segments.size === 0 ? [] : path.split("/"),
      query: sources.has("query") ? parseParameters(queryOf(request.url)) : NO_PARAMETERS,
      ...(bodyTypes.json || bodyTypes.form ? await parseBody(request, bodyTypes) : {}),
    };
    const values = new Map<string, Value>();
    for (const { name, rule, looks } of bound) {
      for (const { typed, look } of looks) {
        const found = look(places);
        if (found === undefined) continue;
        const value = readValue(name, found, typed, rule);
        if (isFault(value)) throw invalid(`the call's "${name}" ${value.fault}`);
        values.set(name, value);
        break;
      }
      if (rule.required && !values.has(name)) throw invalid(`the call has no "${name}"`);
    }
    if (defaultServerid !== undefined && !values.has("serverid")) values.set("serverid", defaultServerid);
    return values;
  };
}

function compileSource(source: Source, segments: ReadonlyMap<string, number>): Look {
  const { name } = source;
  switch (source.in) {
    case "body": {
      const point = compilePointer(name);
      return ({ json }) => point(json);
    }
    case "form":
      return ({ form }) => (form === undefined ? undefined : single(form, name));
    case "query":
      return ({ query }) => single(query, name);
    case "header":
      if (name === "authorization") return ({ headers }) => bearerToken(asciiHeader(headers.get(name)));
      return ({ headers }) => asciiHeader(headers.get(name));
    case "path": {
      const index = segments.get(name) as number;
      return (places) => decodeSegment(places.segments[index] as string);
    }
  }
}

async function parseBody(
  request: Request,
  accepted: { json: boolean; form: boolean },
): Promise<Pick<Places, "json" | "form">> {
  const type = mediaType(request);
  if (accepted.form && type === FORM_CONTENT_TYPE) return { form: parseParameters(await readText(request)) };
  if (accepted.json && /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type)) {
    return { json: parseObject(await readText(request)) };
  }
  const types = [accepted.json ? "application/json" : "", accepted.form ? FORM_CONTENT_TYPE : ""].filter(Boolean);
  throw invalid(`the call's Content-Type must be ${types.join(" or ")}`);
}

function parseObject(text: string): object {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("the call's body is not JSON"); // without the cause: JSON.parse quotes its input
  }
  if (typeof json === "object" && json !== null && !Array.isArray(json)) return json;
  throw invalid("the call's body is not a JSON object");
}

/** Node reads other bytes as Latin-1, workerd as UTF-8. */
function asciiHeader(value: string | null): string | undefined {
  if (value === null) return undefined;
  if (!/^[\x20-\x7e\t]*$/.test(value)) throw invalid("a header of the call is not ASCII");
  return value;
}

/** A token that the call passes on, in the header made for it (RFC 6750 section 2.1). */
function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw invalid("the call's Authorization is not Bearer with one token");
  return token;
}

/** Two readers of the same call could each pick another one of two values. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const found = parameters.getAll(name);
  if (found.length > 1) throw invalid("a parameter of the call occurs twice");
  return found[0];
}

function decodeSegment(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw invalid("the call's path has a broken percent-encoding");
  }
}

function queryOf(url: string): string {
  const start = url.indexOf("?");
  return start === -1 ? "" : url.slice(start + 1);
}
