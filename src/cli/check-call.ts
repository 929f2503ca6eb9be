// The command `check --call`: how the file reads an example of the vendor's call, and how it could.

import { CREDENTIAL_HEADERS } from "../config/check-nextauth.ts";
import type { Config } from "../config/parse.ts";
import { TokenProxyError, UsageError } from "../core/errors.ts";
import type { Values } from "../core/values.ts";
import { mapUserid } from "../get-token.ts";
import { covers, type Source } from "../nextauth/binding.ts";
import { type Binding, type BoundValue, isRequired } from "../nextauth/settings.ts";
import { ruleOf } from "../nextauth/values.ts";
import { createCallReader } from "../steps/read-call.ts";
import { listReceived } from "../steps/received.ts";
import { readText } from "./configuration.ts";
import type { Report } from "./report.ts";

/** Asks no server and reads no secret. @returns whether a binding reads the request completely */
export async function checkCall(file: string, { get_token, callers }: Config, report: Report): Promise<boolean> {
  const example = parseExample(readText(file, "request"));
  const { method, path, request } = example;
  const matching = get_token.find((one) => one.method === method && covers(one.path, path));
  const binding = matching ?? { ...(get_token[0] as Binding), path };
  const known = get_token.map((one) => `${one.method} ${one.path}`).join(", ");
  // The path as it was sent may have the nonce.
  const bound = matching ? `${method} ${binding.path}, session: ${binding.session}` : `none; the file has ${known}`;
  const part = report.part("get_token", "binding", bound);

  const values = { ...matching?.values };
  let isRead = matching !== undefined;
  for (const [name, rule] of Object.entries(binding.values)) {
    const { source, text } = await findValue(example, binding, name, rule);
    part.ok(name, text);
    if (source === undefined || (matching && rule.from.includes(source))) continue;
    values[name] = { ...rule, from: [source] };
    isRead = false;
  }
  const key = binding.apikey_header;
  const keyState = `${key} is ${request.headers.has(key) ? "present, and would be compared" : "missing, but needed"}`;
  for (const [name, { apikeys, client_certificates }] of Object.entries(callers)) {
    const proofs = apikeys.length > 0 ? [keyState] : [];
    if (client_certificates.length > 0) proofs.push("a client certificate is needed, which no file shows");
    report.ok("caller", `callers.${name}: ${proofs.join("; ")}`);
  }
  if (!isRead) {
    report.ok("proposal", "compare it with the vendor's text, then set these keys of the binding:");
    console.log("\nget_token:");
    if (!matching) console.log(`  method: ${method}\n  path: # as in the example, with {NAME} in place of a value`);
    printValues({ ...binding, values });
    return false;
  }
  const read = await readWith(example, binding);
  if (read instanceof TokenProxyError) report.fail(read.message);
  return !(read instanceof TokenProxyError);
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
  const similar = receivedIn(example, binding).filter((source) => isSimilar(name, source.name));
  const bound = rule.from.filter(({ in: place }) => place !== "path" || binding.path.includes("{"));
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

/** In JSON, which is YAML too, and without what is usual. */
function printValues({ session, values }: Binding): void {
  console.log("  values:");
  for (const [name, { from, pattern, ...options }] of Object.entries(values)) {
    const usual = new Map<string, unknown>(Object.entries({ ...ruleOf(name), required: isRequired(name, session) }));
    const all = Object.entries({ ...options, pattern: pattern?.source });
    const unusual = Object.fromEntries(all.filter(([key, value]) => value !== usual.get(key)));
    const places = from.map(placeOf);
    const isShort = Object.keys(unusual).length === 0;
    console.log(`    ${name}: ${JSON.stringify(isShort ? places : { from: places, ...unusual })}`);
  }
}

const placeOf = ({ in: place, name }: Source): string => `${place}:${name}`;
