// The page that plays a phone and its nextAuth Server: a form, the call that it describes, its
// response, and what a token says.

import { html } from "hono/html";
import { decodeJwt, decodeProtectedHeader } from "jose";
import type { Config } from "../../config/parse.ts";
import { UsageError } from "../../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../../core/form.ts";
import type { Value } from "../../core/values.ts";
import type { Binding, ExchangeSettings } from "../../nextauth/settings.ts";
import { isFault, readValue, ruleOf } from "../../nextauth/values.ts";
import { apikeyHeader, type WrittenCall, writeCall } from "../../nextauth/write-call.ts";
import { copyable, type Html, panel, pill } from "../../node/admin/elements.ts";
import { counted } from "../../node/admin/format.ts";
import { createNodeTransport } from "../../node/outbound/transport.ts";
import { ATTRIBUTE_PREFIX, callNamesNeeded } from "../../oauth/template-names.ts";
import type { StandIn } from "./nextauth-server.ts";

const SESSIONS = ["logged in", "not logged in", "expired"] as const;

/** What the running proxy and its stand-in have, and a reload can change. */
export interface Stage {
  config: Config;
  standIn: StandIn;
  /** The URL of the proxy. */
  url: string;
  /** Of the caller in this run. */
  apikey: string;
}

interface Played {
  call: WrittenCall & { url: string };
  response: { status: number; contentType: string; bytes: Uint8Array };
}

/** One of the two. */
type Endpoint = { binding?: Binding; exchange?: ExchangeSettings };

/** By the name under which the form offers it. */
export function endpointsOf({ get_token, webnonce_exchange }: Config): ReadonlyMap<string, Endpoint> {
  return new Map<string, Endpoint>([
    ...get_token.map((binding) => [`getToken: ${binding.method} ${binding.path}`, { binding }] as const),
    ...webnonce_exchange.map((exchange) => [`webNonce exchange: POST ${exchange.path}`, { exchange }] as const),
  ]);
}

/** @returns the values that the form asks for, with those that make a first call possible */
export function fieldsOf(config: Config): ReadonlyMap<string, string> {
  const bound = config.get_token.flatMap(({ values }) => Object.keys(values));
  const needed = Object.values(config.providers).flatMap(callNamesNeeded);
  const others = [...bound, ...needed.filter((name) => name.startsWith(ATTRIBUTE_PREFIX))];
  const empty = others.filter((name) => name !== "nonce").map((name) => [name, ""] as const);
  return new Map([...empty, ["userid", "alice"], ["accountid", "7"], ["serverid", defaultServerid(config)]]);
}

function defaultServerid({ nextauth, routes }: Config): string {
  const named = [...nextauth, ...routes].find(({ serverid }) => serverid !== undefined)?.serverid;
  return named ?? nextauth.find(({ serverids }) => serverids)?.serverids?.[0] ?? "ZGV2";
}

const LIMITS = { timeout: 60_000, maxResponseBytes: 8_388_608 };
const send = createNodeTransport({ connect_timeout: 1_000, connections: 1, reuse_connections: false });

/**
 * @param form `endpoint`, `session`, and `value:NAME` for each field
 * @throws {UsageError} if the call cannot be made so
 * @throws {TransportError} if the proxy does not respond
 */
export async function play(form: URLSearchParams, stage: Stage): Promise<Played> {
  const { config, standIn } = stage;
  const { binding, exchange } = endpointsOf(config).get(form.get("endpoint") ?? "") ?? {};
  if (!binding && !exchange) throw new UsageError("the file no longer has this endpoint: choose another");
  const values = new Map<string, Value>();
  const attributes: Record<string, string> = {};
  for (const name of fieldsOf(config).keys()) {
    const text = form.get(`value:${name}`) ?? "";
    if (text === "") continue;
    // A pattern is for the text as it is sent, which this is.
    const value = readValue(name, text, false, { ...(binding?.values[name] ?? ruleOf(name)), pattern: undefined });
    if (isFault(value)) throw new UsageError(`"${name}" ${value.fault}`);
    if (name.startsWith(ATTRIBUTE_PREFIX)) attributes[name.slice(ATTRIBUTE_PREFIX.length)] = text;
    else values.set(name, value);
  }
  const { userid, accountid, serverid } = Object.fromEntries(values);
  if (userid === undefined) throw new UsageError('"userid" is empty: name a user');
  const ownServerid = exchange ? exchange.serverid : binding?.values.serverid && serverid;
  const at = String(ownServerid ?? defaultServerid(config));
  const account = { userid: String(userid), accountid: accountid as number | undefined };
  const session = form.get("session");
  const nonce = standIn.open(at, session === "not logged in" ? undefined : account, attributes);
  if (session === "expired") standIn.sessions.delete(nonce);
  const written = binding
    ? writeGetToken(binding, values.set("nonce", nonce), stage.apikey)
    : writeExchange(exchange?.path ?? "", nonce);
  const call = { ...written, url: stage.url + written.path };
  const { status, headers, body } = await send({ ...call, ...LIMITS });
  return { call, response: { status, contentType: headers.get("content-type") ?? "no content type", bytes: body } };
}

function writeExchange(path: string, code: string): WrittenCall {
  const body = new URLSearchParams({ grant_type: "authorization_code", code }).toString();
  return { method: "POST", path, headers: { "content-type": FORM_CONTENT_TYPE }, body };
}

/** Leaves out the values that the binding has no place for. */
function writeGetToken(binding: Binding, values: ReadonlyMap<string, Value>, apikey: string): WrittenCall {
  const call = writeCall(binding, new Map([...values].filter(([name]) => Object.hasOwn(binding.values, name))));
  return { ...call, headers: { ...call.headers, ...apikeyHeader(binding, apikey) } };
}

/** @returns a line for a POSIX shell */
export function curlLine({ url, headers, body }: Played["call"]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`--data-raw ${quoted(body)}`);
  return `curl -s ${quoted(url)} ${parts.join(" ")}`;
}

/** @param sent the form; undefined makes no call */
export async function phoneForm(stage: Stage, sent?: URLSearchParams): Promise<Html> {
  const result = sent && (await play(sent, stage).then(playedPart, faultPart));
  const content = html`<p>Opens a session at the stand-in nextAuth Server, and makes one real call to this proxy, which may
request a token from the provider. Keep the address of this page to yourself: it gets tokens for any user.</p>
${form(stage.config, sent)}
${result}`;
  return panel("Play the phone", content);
}

function form(config: Config, sent: URLSearchParams | undefined): Html {
  const select = (name: string, options: Iterable<string>) => {
    const all = [...options].map((one) => html`<option${sent?.get(name) === one && " selected"}>${one}</option>`);
    return html`<p><label for="phone-${name}">${name}</label><select id="phone-${name}" name="${name}">${all}</select></p>\n`;
  };
  const field = ([name, initial]: [string, string]) => {
    const text = sent?.get(`value:${name}`) ?? initial;
    const id = `phone-value-${name}`;
    return html`<p><label for="${id}">${name}</label>
<input id="${id}" name="value:${name}" value="${text}" autocomplete="off" spellcheck="false"></p>\n`;
  };
  const trusting = config.get_token.filter(({ session }) => session === "trust").map(({ path }) => path);
  const hint =
    trusting.length > 0 &&
    html`<p>${trusting.join(" and ")} has session: trust, so the session is not checked there:
write nextauth and session: verify.</p>\n`;
  return html`<form method="post">
${select("endpoint", endpointsOf(config).keys())}${select("session", SESSIONS)}${hint}${[...fieldsOf(config)].map(field)}
<p><button type="submit">Call</button></p>
</form>`;
}

function faultPart(error: unknown): Html {
  if (error instanceof UsageError) return html`<p class="bad" role="alert">No call was made: ${error.message}.</p>`;
  return html`<p class="bad" role="alert">The proxy sent no response (${(error as Error).name}).</p>`;
}

function playedPart({ call, response: { status, contentType, bytes } }: Played): Html {
  const { origin, host } = new URL(call.url);
  const headers = Object.entries({ host, ...call.headers }).map(([name, value]) => `${name}: ${value}`);
  const sent = [`${call.method} ${call.url.slice(origin.length)}`, ...headers, "", call.body ?? ""].join("\n");
  const text = new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
  const level = status < 300 ? "good" : "bad";
  return html`<div class="result">
${block("The call as it was sent", sent)}
${block("Repeat it", curlLine(call))}
<p>${pill(level, `Status ${status}`)} ${counted(bytes.length, "byte")} of ${contentType}</p>
${block("The response, byte for byte", text)}
${["access_token", "id_token"].map((member) => tokenPart(member, text))}
</div>`;
}

function block(heading: string, text: string): Html {
  // HTML parsers turn a literal CR LF into LF.
  const verbatim = text.split("\r").map((part, index) => [index > 0 && html`&#13;`, part]);
  const content = html`<pre tabindex="0" role="region" aria-label="${heading}">\n${verbatim}</pre>`;
  return html`<div><h3>${heading}</h3>${copyable(content, heading)}</div>\n`;
}

function tokenPart(member: string, response: string): Html[] {
  try {
    const token = JSON.parse(response)[member];
    const said = JSON.stringify({ header: decodeProtectedHeader(token), claims: decodeJwt(token) }, undefined, 2);
    return [block(`The ${member}`, token), block(`The ${member}, decoded; its signature is not verified`, said)];
  } catch {
    return []; // not JSON, or not a JWT that can be read: for example opaque or encrypted
  }
}
