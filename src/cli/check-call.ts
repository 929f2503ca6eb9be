// The command `check --call`: how the file reads an example of the vendor's call, and how it could.

import { CREDENTIAL_HEADERS } from "../config/check-nextauth.ts";
import type { Config } from "../config/complete.ts";
import { TokenProxyError, UsageError } from "../core/errors.ts";
import type { Values } from "../core/values.ts";
import { mapUserid } from "../get-token.ts";
import { type Binding, type BoundValue, covers, isRequired, pathParameters, type Source } from "../nextauth/binding.ts";
import { NEXTAUTH_RULES, ruleOf } from "../nextauth/values.ts";
import { createCallReader } from "../steps/read-call.ts";
import { listReceived } from "../steps/received.ts";
import { readText } from "./configuration.ts";
import { line } from "./report.ts";

/** Asks no server and reads no secret. @returns whether a binding reads the request completely */
export async function checkCall(file: string, { get_token, callers }: Config): Promise<boolean> {
  const example = parseExample(readText(file, "request"));
  const { method, path, request } = example;
  const matching = get_token.find((one) => one.method === method && covers(one.path, path));
  const known = get_token.map((one) => `${one.method} ${one.path}`).join(", ");
  line("request", `${method} ${path}`);
  line(
    "binding",
    matching ? `${method} ${matching.path}, session: ${matching.session}` : `none: the file has ${known}`,
  );

  const binding = matching ?? { ...(get_token[0] as Binding), ...proposeTarget(method, path) };
  const names = new Set([...Object.keys(matching ? {} : NEXTAUTH_RULES), ...Object.keys(binding.values)]);
  const rules = { ...matching?.values };
  let isRead = matching !== undefined;
  for (const name of names) {
    const rule = binding.values[name] ?? { ...ruleOf(name), from: [], required: isRequired(name, binding.session) };
    const { source, text } = await findValue(example, binding, name, rule);
    line(`  ${name}`, text);
    if (source === undefined || (matching && rule.from.includes(source))) continue;
    rules[name] = { ...rule, from: [source] };
    isRead = false;
  }
  const key = binding.apikey_header;
  for (const [name, { apikeys, client_certificates }] of Object.entries(callers)) {
    const compared = request.headers.has(key) ? "is present, and would be compared" : "is missing, but needed";
    if (apikeys.length > 0) line("caller", `callers.${name}: ${key} ${compared}`);
    if (client_certificates.length > 0)
      line("caller", `callers.${name}: needs a client certificate, which no file shows`);
  }
  if (!isRead) printProposal({ ...binding, values: rules });
  const read = await readWith(example, binding);
  if (isRead && read instanceof TokenProxyError) line("FAILED", read.message);
  return isRead && !(read instanceof TokenProxyError);
}

type Example = ReturnType<typeof parseExample>;

/** A request as documents print it: the path as written, `request` with its URL and headers. */
function parseExample(text: string) {
  const [head = "", ...body] = text
    .trim()
    .replaceAll(/[ \t\r]*\n/g, "\n")
    .split("\n\n");
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
  const segments = [...pathParameters(binding.path).keys()];
  const credentials = [...CREDENTIAL_HEADERS, "authorization", binding.apikey_header];
  const similar = [
    ...segments.map((segment): Source => ({ in: "path", name: segment })),
    ...listReceived(example.request, example.body).map(({ source }) => source),
  ].filter((source) => isSimilar(name, source.name) && !(source.in === "header" && credentials.includes(source.name)));
  const bound = rule.from.filter((source) => source.in !== "path" || segments.includes(source.name));
  let text = rule.required ? "is missing, and every call needs it" : "is not in the request";
  for (const source of [...bound, ...similar]) {
    const values = { [name]: { ...rule, from: [source], required: false } };
    const read = await readWith(example, { ...binding, values });
    if (read instanceof TokenProxyError) text = read.message;
    else if (read.has(name)) {
      const from = bound.includes(source) ? "from" : "would come from";
      return { source, text: `${shown(name, source, read)}, ${from} ${placeOf(source)}` };
    }
  }
  return { source: undefined, text };
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

/** In a recorded request, the nonce and a token are credentials. */
function shown(name: string, source: Source, values: Values): string {
  const value = values.get(name);
  if (typeof value !== "string") return `${value} (integer)`;
  return name === "nonce" || source.name === "authorization" ? `${value.length} characters (text)` : `${value} (text)`;
}

/** With the segments after names like "users" as places. */
function proposeTarget(method: string, path: string): Pick<Binding, "method" | "path"> {
  const segments = path.split("/").map((segment, index, all) => {
    const name = Object.keys(SIMILAR).find((one) => isSimilar(one, all[index - 1] ?? ""));
    return name === undefined || segment === "" ? segment : `{${name}}`;
  });
  return { method: method === "GET" ? "GET" : "POST", path: segments.join("/") };
}

const SIMILAR: Readonly<Record<string, RegExp>> = {
  serverid: /server(?:id)?$|^sid$/,
  userid: /user(?:id|name)?$|^(?:uid|sub|subject)$/,
  accountid: /acc(?:oun)?t(?:id|number|nr|no)?$/,
  nonce: /nonce$|session(?:id)?$/,
};

/** Compares the last name of a pointer, with those above it while it is as general as "id". */
function isSimilar(name: string, written: string): boolean {
  const plain = (text: string) =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z]/g, "")
      .replace(/s$/, "");
  const last = written.split("/").reduceRight((sofar, part) => (GENERAL.test(sofar) ? plain(part) + sofar : sofar), "");
  const wanted = plain(name);
  return SIMILAR[name]?.test(last) ?? (last.startsWith(wanted) && GENERAL.test(last.slice(wanted.length)));
}

const GENERAL = /^(?:id|name|value|number|no|nr)?$/;

function printProposal({ method, path, session, apikey_header, values }: Binding): void {
  const target = `method: ${method}\n  path: ${path}\n  session: ${session}\n  apikey_header: ${apikey_header}`;
  line("proposal", "compare it with the vendor's text, then write it in place of the binding:");
  console.log(`\nget_token:\n  ${target}\n  values:`);
  for (const [name, { from, pattern, ...options }] of Object.entries(values)) {
    const usual: object = { ...ruleOf(name), required: isRequired(name, session) };
    const others: unknown[][] = Object.entries(options).filter(
      ([key, value]) => value !== usual[key as keyof typeof usual],
    );
    if (pattern !== undefined) others.push(["pattern", JSON.stringify(pattern.source)]);
    const places = `[${from.map(placeOf).join(", ")}]`;
    const long = ["", ...others.map((option) => option.join(": "))].join(", ");
    console.log(`    ${name}: ${others.length === 0 ? places : `{ from: ${places}${long} }`}`);
  }
}

/** As in the file, in quotes where YAML needs them. */
function placeOf({ in: place, name }: Source): string {
  return /^[\w./~-]+$/.test(name) ? `${place}:${name}` : JSON.stringify(`${place}:${name}`);
}
