// Reads a getToken call as its binding describes it, and checks each value.

import { asCallError } from "../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../core/form.ts";
import { readJsonObject } from "../core/json.ts";
import type { Runtime } from "../core/ports.ts";
import { textOf, type Value, type Values } from "../core/values.ts";
import { pathParameters, type Source } from "../nextauth/binding.ts";
import { pointerTokens, valueAt } from "../nextauth/json-pointer.ts";
import type { Binding } from "../nextauth/settings.ts";
import { isFault, readValue, ruleOf } from "../nextauth/values.ts";
import { decode, invalid, mediaType, parseParameters, type ReadBody } from "./body.ts";
import type { CallStep } from "./context.ts";
import { describeReceived } from "./received.ts";

export function readCall(
  { log }: Pick<Runtime, "log">,
  readBody: ReadBody,
  binding: Binding,
  defaultServerid: string | undefined,
): CallStep {
  const read = createCallReader(binding, defaultServerid);
  const { session, provider, values: rules } = binding;
  const limit = { key: "get_token.timeout", ms: binding.timeout };
  return async (c, next) => {
    const trace = c.get("trace");
    const { raw, path } = c.req;
    let body: Promise<string> | undefined;
    const readText = () => (body ??= readBody(c));
    const describeInvalid = async (error: unknown) => {
      if (asCallError(error).code !== "call_invalid") return;
      const received = describeReceived(raw, (await body?.catch(() => "")) ?? "");
      log("debug", "call cannot be read", { request_id: c.get("requestId"), received });
    };
    const values = await read(raw, path, readText).catch(async (error) => {
      await describeInvalid(error);
      throw error;
    });
    trace.note({ userid: textOf(values, "userid"), nonce: textOf(values, "nonce") });
    c.set("call", { values, session, useridRule: rules.userid, provider, limit, trace });
    await next();
    if (c.error !== undefined) await describeInvalid(c.error); // a value is missing, or its pattern
  };
}

/** The parts of a call in which sources are looked up; the body is parsed by its Content-Type. */
interface Places {
  headers: Headers;
  segments: readonly string[];
  query: URLSearchParams;
  json?: object;
  form?: URLSearchParams;
}

type ReadText = () => Promise<string>;

const NO_PARAMETERS = new URLSearchParams();

/** Throws call_invalid, and what `readText` throws. The path is as sent, with percent-encoding. */
export function createCallReader(binding: Binding, defaultServerid?: string) {
  const segmentOf = pathParameters(binding.path);
  const rules = Object.entries(binding.values).map(([name, rule]) => ({
    name,
    // get-token.ts applies the pattern of the userid after getSession, which returns whole userids.
    rule: name === "userid" && rule.pattern ? { ...rule, ...ruleOf(name), pattern: undefined } : rule,
    lookups: rule.from.map((source) => ({ typed: source.in === "body", lookUp: compileSource(source, segmentOf) })),
  }));
  const sources = new Set(rules.flatMap(({ rule }) => rule.from.map((source) => source.in)));

  return async (request: Request, path: string, readText: ReadText): Promise<Values> => {
    const places: Places = {
      headers: request.headers,
      segments: path.split("/"),
      query: sources.has("query") ? parseParameters(request.url.replace(/^[^?]*\??/, "")) : NO_PARAMETERS,
      ...(await parseBody(request, sources, readText)),
    };
    const values = new Map<string, Value>();
    for (const { name, rule, lookups } of rules) {
      for (const { typed, lookUp } of lookups) {
        const found = lookUp(places);
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

/** @returns a function that reads the value at a source; undefined if the call has none there */
function compileSource({ in: place, name }: Source, segmentOf: ReadonlyMap<string, number>) {
  const pointer = place === "body" ? pointerTokens(name) : [];
  const segment = segmentOf.get(name) as number;
  return ({ json, form, query, headers, segments }: Places): unknown => {
    switch (place) {
      case "body":
        return valueAt(json, pointer);
      case "form":
        return form && singleParameter(form, name);
      case "query":
        return singleParameter(query, name);
      case "header":
        return name === "authorization" ? bearerToken(headers) : asciiHeader(headers, name);
      case "path":
        return decode(segments[segment] as string, "the call's path");
    }
  };
}

async function parseBody(
  request: Request,
  sources: ReadonlySet<Source["in"]>,
  readText: ReadText,
): Promise<Pick<Places, "json" | "form">> {
  const json = sources.has("body");
  const form = sources.has("form");
  if (!json && !form) return {};
  const type = mediaType(request);
  if (form && type === FORM_CONTENT_TYPE) return { form: parseParameters(await readText()) };
  if (json && /^application\/(?:[a-z0-9.+-]+\+)?json$/.test(type)) {
    const object = readJsonObject(await readText());
    if (object !== undefined) return { json: object };
    throw invalid("the call's body is not a JSON object");
  }
  const types = [json ? "application/json" : "", form ? FORM_CONTENT_TYPE : ""].filter(Boolean);
  throw invalid(`the call's Content-Type must be ${types.join(" or ")}`);
}

/** Node reads other bytes as Latin-1, workerd as UTF-8. */
function asciiHeader(headers: Headers, name: string): string | undefined {
  const value = headers.get(name) ?? undefined;
  if (/[^\x20-\x7e\t]/.test(value ?? "")) throw invalid(`the header "${name}" of the call is not ASCII`);
  return value;
}

/** A token that the call passes on, in the header made for it (RFC 6750 section 2.1). */
function bearerToken(headers: Headers): string | undefined {
  const authorization = asciiHeader(headers, "authorization");
  const token = /^bearer +(\S+)$/i.exec(authorization ?? "")?.[1];
  if (authorization === undefined || token !== undefined) return token;
  throw invalid("the call's Authorization is not Bearer with one token");
}

/** Of two values, another reader of the request, such as a firewall, could see the other one. */
export function singleParameter(parameters: URLSearchParams, name: string): string | undefined {
  const found = parameters.getAll(name);
  if (found.length > 1) throw invalid(`the parameter "${name}" occurs twice`);
  return found[0];
}
