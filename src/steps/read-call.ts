// Reads a getToken call by its binding: which values it carries, and whether each is what it must be.

import { TokenProxyError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { type Binding, pathParameters, type Source } from "../nextauth/binding.ts";
import { compilePointer } from "../nextauth/json-pointer.ts";
import { type Call, type CallValue, isFault, readValue } from "../nextauth/values.ts";
import { readBody } from "./body.ts";

/**
 * @param path the request's path as it came, percent-encoding included
 * @throws {TokenProxyError} call_invalid or call_too_large
 */
export type ReadCall = (request: Request, path: string) => Promise<Call>;

/** What a call says, in the forms that sources look into; the body is parsed once, as what its type says it is. */
interface Parts {
  headers: Headers;
  segments: string[];
  query: URLSearchParams;
  json?: unknown;
  form?: URLSearchParams;
}

/** Gives the value at one source, or undefined where the call has nothing there. */
type Look = (parts: Parts) => unknown;

const utf8 = new TextDecoder("utf-8", { fatal: true });

const NO_PARAMETERS = new URLSearchParams();

export function createCallReader(binding: Binding): ReadCall {
  const segments = pathParameters(binding.path);
  const looks = Object.entries(binding.values).map(([name, rule]) => ({
    name,
    rule,
    sources: rule.from.map((source) => ({ typed: source.in === "body", look: compileSource(source, segments) })),
  }));
  const all = Object.values(binding.values).flatMap(({ from }) => from);
  const wantsJson = all.some((source) => source.in === "body");
  const wantsForm = all.some((source) => source.in === "form");
  const wantsQuery = all.some((source) => source.in === "query");

  return async (request, path) => {
    const parts: Parts = {
      headers: request.headers,
      segments: segments.size === 0 ? [] : path.split("/"),
      query: wantsQuery ? parseParameters(queryOf(request.url)) : NO_PARAMETERS,
    };
    if (wantsJson || wantsForm) await parseBody(request, wantsJson, wantsForm, parts);

    const values = new Map<string, CallValue>();
    for (const { name, rule, sources } of looks) {
      for (const { typed, look } of sources) {
        const found = look(parts);
        if (found === undefined) continue;
        const value = readValue(name, found, typed, rule);
        if (isFault(value)) throw invalid(`the call's "${name}" ${value.fault}`);
        values.set(name, value);
        break;
      }
      if (rule.required && !values.has(name)) throw invalid(`the call has no "${name}"`);
    }
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
      return (parts) => decodeSegment(parts.segments[index] as string);
    }
  }
}

async function parseBody(request: Request, wantsJson: boolean, wantsForm: boolean, parts: Parts): Promise<void> {
  const type = mediaType(request);
  const isJson = wantsJson && /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type);
  const isForm = wantsForm && type === FORM_CONTENT_TYPE;
  if (!isJson && !isForm) {
    const wanted = [wantsJson ? ["application/json"] : [], wantsForm ? [FORM_CONTENT_TYPE] : []].flat();
    throw invalid(`the call's Content-Type must be ${wanted.join(" or ")}`);
  }
  const text = decodeUtf8(await readBody(request));
  if (isForm) {
    parts.form = parseParameters(text);
    return;
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    throw invalid("the call's body is not JSON"); // without the cause: JSON.parse quotes what it could not read
  }
  if (typeof json !== "object" || json === null || Array.isArray(json))
    throw invalid("the call's body is not a JSON object");
  parts.json = json;
}

/**
 * Reads the body of a request that can only be a form.
 * @throws {TokenProxyError} call_invalid or call_too_large
 */
export async function readForm(request: Request): Promise<URLSearchParams> {
  if (mediaType(request) !== FORM_CONTENT_TYPE) throw invalid(`the call's Content-Type must be ${FORM_CONTENT_TYPE}`);
  return parseParameters(decodeUtf8(await readBody(request)));
}

function mediaType(request: Request): string {
  return (request.headers.get("content-type") ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw invalid("the call's body is not UTF-8");
  }
}

/**
 * URLSearchParams makes U+FFFD of what is no UTF-8 and leaves a broken escape as it is: two different users could become one.
 */
function parseParameters(text: string): URLSearchParams {
  try {
    decodeURIComponent(text);
  } catch {
    throw invalid("a parameter of the call has a broken percent-encoding");
  }
  return new URLSearchParams(text);
}

/** The runtimes read other bytes of a header differently, Node as Latin-1 and workerd as UTF-8. */
function asciiHeader(value: string | null): string | undefined {
  if (value === null) return undefined;
  if (!/^[\x20-\x7e\t]*$/.test(value)) throw invalid("a header of the call is not ASCII");
  return value;
}

/** A token that the call relays, in the header that is made for it (RFC 6750 §2.1). */
function bearerToken(authorization: string | undefined): string | undefined {
  if (authorization === undefined) return undefined;
  const token = /^bearer +(\S+)$/i.exec(authorization)?.[1];
  if (token === undefined) throw invalid("the call's Authorization is not Bearer with one token");
  return token;
}

/** A parameter that stands twice is refused: two readers of the same call might each take another one. */
function single(parameters: URLSearchParams, name: string): string | undefined {
  const found = parameters.getAll(name);
  if (found.length > 1) throw invalid("a parameter of the call stands twice");
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

function invalid(message: string): TokenProxyError {
  return new TokenProxyError("call_invalid", message);
}
