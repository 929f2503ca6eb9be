// Reads a getToken call as its binding describes it, and checks each value.

import { FORM_CONTENT_TYPE } from "../core/form.ts";
import type { Inbound } from "../core/inbound.ts";
import type { Value, Values } from "../core/values.ts";
import { type Binding, pathParameters, type Source } from "../nextauth/binding.ts";
import { valueAt } from "../nextauth/json-pointer.ts";
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
  /** By name. */
  segments: ReadonlyMap<string, string>;
  query: URLSearchParams;
  json?: unknown;
  form?: URLSearchParams;
}

const NO_PARAMETERS = new URLSearchParams();
const NO_SEGMENTS: ReadonlyMap<string, string> = new Map();

export function createCallReader(binding: Binding, defaultServerid?: string): ReadCall {
  const segments = pathParameters(binding.path);
  const rules = Object.entries(binding.values);
  const sources = new Set(Object.values(binding.values).flatMap(({ from }) => from.map((source) => source.in)));
  const bodyTypes = { json: sources.has("body"), form: sources.has("form") };

  return async (request, path) => {
    const places: Places = {
      headers: request.headers,
      segments: segments.size === 0 ? NO_SEGMENTS : segmentsOf(path, segments),
      query: sources.has("query") ? parseParameters(queryOf(request.url)) : NO_PARAMETERS,
      ...(bodyTypes.json || bodyTypes.form ? await parseBody(request, bodyTypes) : {}),
    };
    const values = new Map<string, Value>();
    for (const [name, rule] of rules) {
      for (const source of rule.from) {
        const found = lookUp(source, places);
        if (found === undefined) continue;
        const value = readValue(name, found, source.in === "body", rule);
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

/** @returns the value at one source; undefined if the call has none there */
function lookUp({ in: place, name }: Source, { headers, segments, query, json, form }: Places): unknown {
  switch (place) {
    case "body":
      return valueAt(json, name);
    case "form":
      return form && single(form, name);
    case "query":
      return single(query, name);
    case "header":
      return name === "authorization" ? bearerToken(headers) : asciiHeader(headers, name);
    case "path":
      return decodeSegment(segments.get(name) as string);
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
function asciiHeader(headers: Headers, name: string): string | undefined {
  const value = headers.get(name);
  if (value === null) return undefined;
  if (!/^[\x20-\x7e\t]*$/.test(value)) throw invalid("a header of the call is not ASCII");
  return value;
}

/** A token that the call passes on, in the header made for it (RFC 6750 section 2.1). */
function bearerToken(headers: Headers): string | undefined {
  const authorization = asciiHeader(headers, "authorization");
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

function segmentsOf(path: string, parameters: ReadonlyMap<string, number>): Map<string, string> {
  const all = path.split("/");
  return new Map([...parameters].map(([name, index]) => [name, all[index] as string]));
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
