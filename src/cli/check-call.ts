// The command `check --call`: how the file reads an example of the vendor's call, and how it could.

import { CREDENTIAL_HEADERS } from "../config/check-nextauth.ts";
import type { Config } from "../config/parse.ts";
import { TokenProxyError, UsageError } from "../core/errors.ts";
import type { Values } from "../core/values.ts";
import { mapUserid } from "../get-token.ts";
import { type Binding, type BoundValue, covers, isRequired, pathParameters, type Source } from "../nextauth/binding.ts";
import { NEXTAUTH_RULES, ruleOf } from "../nextauth/values.ts";
import { createCallReader } from "../steps/read-call.ts";
import { listReceived } from "../steps/received.ts";
import { readText } from "./configuration.ts";
import type { Report } from "./report.ts";

/** Asks no server and reads no secret. @returns whether a binding reads the request completely */
export async function checkCall(file: string, { get_token, callers }: Config, report: Report): Promise<boolean> {
  const example = parseExample(readText(file, "request"));
  const { method, path, request } = example;
  const matching = get_token.find((one) => one.method === method && covers(one.path, path));
  const known = get_token.map((one) => `${one.method} ${one.path}`).join(", ");
  const binding = matching ?? { ...(get_token[0] as Binding), ...proposeTarget(method, path) };
  report.ok("request", `${method} ${binding.path}`); // as sent, it may have the nonce
  const bound = matching ? `${method} ${binding.path}, session: ${binding.session}` : `none; the file has ${known}`;
  const part = report.part("get_token", "binding", bound);
  if (method !== binding.method) report.fail(`a binding is for GET or POST, not for ${method}`);

  const values = { ...matching?.values };
  let isRead = matching !== undefined;
  const found: string[] = [];
  const names = new Set([...Object.keys(isRead ? {} : NEXTAUTH_RULES), ...Object.keys(binding.values)]);
  for (const name of names) {
    const rule = binding.values[name] ?? { ...ruleOf(name), from: [], required: isRequired(name, binding.session) };
    const { source, text } = await findValue(example, binding, name, rule);
    part.ok(name, text);
    if (source === undefined) continue;
    found.push(placeOf(source));
    if (matching && rule.from.includes(source)) continue;
    values[name] = { ...rule, from: [source] };
    isRead = false;
  }
  const others = receivedIn(example, binding).map(placeOf);
  const rest = others.filter((place) => !found.includes(place) && !USUAL.test(place)).join(", ");
  const isWhole = isRead && found.length === names.size;
  if (!isWhole && rest !== "") part.ok("not used", `${rest}; if one of them is a value, name it under values`);
  const key = binding.apikey_header;
  const keyState = `${key} is ${request.headers.has(key) ? "present, and would be compared" : "missing, but needed"}`;
  for (const [name, { apikeys, client_certificates }] of Object.entries(callers)) {
    const proofs = apikeys.length > 0 ? [keyState] : [];
    if (client_certificates.length > 0) proofs.push("a client certificate is needed, which no file shows");
    report.ok("caller", `callers.${name}: ${proofs.join("; ")}`);
  }
  if (!isRead) printProposal({ ...binding, values }, report);
  const read = await readWith(example, binding);
  if (isRead && read instanceof TokenProxyError) report.fail(read.message);
  return isRead && !(read instanceof TokenProxyError);
}

type Example = ReturnType<typeof parseExample>;

/** A request as documents print it: the path as written, `request` with its URL and headers. */
function parseExample(written: string) {
  const text = Array.from(written.trim().split(/\r\n?|\n/), (one) => one.trimEnd()).join("\n");
  const [head = "", ...body] = text.split("\n\n");
  const [first = "", ...fields] = head.split("\n");
  const [, method, target] = /^([A-Z]+) +(?:https?:\/\/[^\s/?#]+)?(\/\S*)(?: +HTTP\/\S+)?$/.exec(first) ?? [];
  const cure = "start it with a line like POST /getToken HTTP/1.1, then NAME: VALUE for each header, and an empty line";
  if (method === undefined || target === undefined) throw new UsageError(`the file has no HTTP request: ${cure}`);
  try {
    const headers = fields.map((field) => field.split(/: *(.*)/, 2) as [string, string]);
    const request = new Request(`http://proxy.invalid${target}`, { headers });
    return { method, path: target.replace(/\?.*/, ""), request, body: body.join("\n\n") };
  } catch {
    throw new UsageError(`the request's headers are not valid: ${cure}`);
  }
}

/** Where the binding says, else at a place with a similar name. */
async function findValue(example: Example, binding: Binding, name: string, rule: BoundValue) {
  const segments = [...pathParameters(binding.path).keys()].map((segment): Source => ({ in: "path", name: segment }));
  const similar = [...receivedIn(example, binding), ...segments].filter((source) => isSimilar(name, source.name));
  // A binding for another path may name segments that this path does not have.
  const bound = rule.from.filter(({ in: place, name }) => place !== "path" || pathParameters(binding.path).has(name));
  let text = `is not found by its name${rule.required ? ", and every call needs it" : ""}`;
  for (const source of [...bound, ...similar]) {
    const values = { [name]: { ...rule, from: [source], required: false } };
    const read = await readWith(example, { ...binding, values });
    const from = bound.includes(source) ? "from" : "would come from";
    if (read instanceof TokenProxyError) text = read.message;
    else if (read.has(name)) return { source, text: `${shown(name, source, read)}, ${from} ${placeOf(source)}` };
  }
  return { source: undefined, text };
}

/** No value comes from these. */
const USUAL = /^header:(?:host|connection|date|user-agent|accept|content-|traceparent|tracestate)/;

/** Every place but those of credentials. */
function receivedIn({ request, body }: Example, { apikey_header }: Binding): Source[] {
  const credentials = [...CREDENTIAL_HEADERS, "authorization", apikey_header];
  const all = listReceived(request, body).map(({ source }) => source);
  return all.filter((source) => source.in !== "header" || !credentials.includes(source.name));
}

/** By the code that reads calls. */
async function readWith({ request, path, body }: Example, binding: Binding): Promise<Values | TokenProxyError> {
  try {
    const values = await createCallReader(binding)(request, path, async () => body);
    return mapUserid(new Map(values), binding.values.userid);
  } catch (error) {
    if (error instanceof TokenProxyError) return error;
    throw error;
  }
}

/** A recorded request has credentials: the nonce, passwords, and tokens, which are long. */
function shown(name: string, { name: place }: Source, values: Values): string {
  const value = values.get(name);
  if (typeof value !== "string") return `${value} (integer)`;
  const isCredential = value.length > MAX_SHOWN || CREDENTIAL.test(name) || CREDENTIAL.test(place);
  return `${isCredential ? `${value.length} characters` : value} (text)`;
}

const MAX_SHOWN = 64;
/** In a name, or in the last part of a JSON pointer. */
const CREDENTIAL = /(?:nonce|token|secret|passw|pin|otp|code|key|assertion|authorization)[^/]*$/i;

/** With the segments after names like "users" as places. */
function proposeTarget(method: string, path: string): Pick<Binding, "method" | "path"> {
  const segments = path.split("/").map((segment, index, { [index - 1]: before = "" }) => {
    const name = Object.keys(SIMILAR).find((one) => before.endsWith("s") && isSimilar(one, before));
    return name === undefined || segment === "" ? segment : `{${name}}`;
  });
  return { method: method === "GET" ? "GET" : "POST", path: segments.join("/") };
}

const SIMILAR: Readonly<Record<string, string>> = {
  serverid: "server|^s(?=id$)",
  userid: "user|(?<![ug])uid|sub(?:ject)?",
  accountid: "acc(?:oun)?t",
  nonce: "nonce|session",
};

/** Whether a name, or a whole JSON pointer, ends like the name of the value. */
function isSimilar(name: string, written: string): boolean {
  const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z]/g, "");
  const end = `(?:${SIMILAR[name] ?? plain(name)})s?(?:id|name|number|no|nr|value)?$`;
  return new RegExp(end).test(plain(written));
}

function printProposal({ method, path, session, apikey_header, values }: Binding, report: Report): void {
  report.ok("proposal", "compare it with the vendor's text, then set these keys of the binding:");
  const others = `session: ${session}\n  apikey_header: ${apikey_header}`;
  console.log(`\nget_token:\n  method: ${method}\n  path: ${path}\n  ${others}\n  values:`);
  for (const [name, { from, pattern, ...options }] of Object.entries(values)) {
    const usual = new Map<string, unknown>(Object.entries({ ...ruleOf(name), required: isRequired(name, session) }));
    const unusual = Object.entries(options).filter(([key, value]) => value !== usual.get(key));
    const long = unusual.map(([key, value]) => `, ${key}: ${value}`);
    if (pattern !== undefined) long.push(`, pattern: ${JSON.stringify(pattern.source)}`);
    const places = `[${from.map(placeOf).join(", ")}]`;
    console.log(`    ${name}: ${long.length === 0 ? places : `{ from: ${places}${long.join("")} }`}`);
  }
}

/** As in the file, in quotes where YAML needs them. */
function placeOf({ in: place, name }: Source): string {
  return /^[\w./~-]+$/.test(name) ? `${place}:${name}` : JSON.stringify(`${place}:${name}`);
}
