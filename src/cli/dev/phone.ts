// Plays a phone and its nextAuth Server: opens a session, and makes the call that a form describes.

import type { Config } from "../../config/parse.ts";
import type { FileExchange } from "../../config/schema-nextauth.ts";
import { UsageError } from "../../core/errors.ts";
import { FORM_CONTENT_TYPE } from "../../core/form.ts";
import type { Value } from "../../core/values.ts";
import type { Binding } from "../../nextauth/binding.ts";
import { isFault, readValue, ruleOf } from "../../nextauth/values.ts";
import { apikeyHeader, type WrittenCall, writeCall } from "../../nextauth/write-call.ts";
import { createNodeTransport } from "../../node/outbound/transport.ts";
import { ATTRIBUTE_PREFIX, callNamesNeeded } from "../../oauth/template-names.ts";
import type { StandIn } from "./nextauth-server.ts";

export const SESSIONS = ["logged in", "not logged in", "expired"] as const;

/** What the running proxy and its stand-in have, and a reload can change. */
export interface Stage {
  config: Config;
  standIn: StandIn;
  /** The URL of the proxy. */
  url: string;
  /** @returns the API key that a caller has in this run */
  apikeyOf(caller: string): string;
}

export interface Played {
  call: WrittenCall & { url: string };
  response: { status: number; contentType: string; bytes: Uint8Array };
}

/** One of the two. */
type Endpoint = { binding?: Binding; exchange?: FileExchange };

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

function defaultServerid({ nextauth, callers, routes }: Config): string {
  const named = [...nextauth, ...routes].find(({ serverid }) => serverid !== undefined)?.serverid;
  const listed = [...nextauth, ...Object.values(callers)].flatMap(({ serverids = [] }) => serverids);
  return named ?? listed[0] ?? "ZGV2";
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
    ? writeGetToken(binding, values.set("nonce", nonce), stage)
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
function writeGetToken(binding: Binding, values: ReadonlyMap<string, Value>, { config, apikeyOf }: Stage): WrittenCall {
  const carried = new Map([...values].filter(([name]) => Object.hasOwn(binding.values, name)));
  const call = writeCall(binding, carried);
  const serverid = String(carried.get("serverid"));
  const names = Object.keys(config.callers);
  const caller = names.find((name) => config.callers[name]?.serverids?.includes(serverid) !== false) ?? names[0];
  // If no caller may speak for this serverid, the first one's call shows how it is refused.
  return { ...call, headers: { ...call.headers, ...apikeyHeader(binding, apikeyOf(caller as string)) } };
}

/** @returns a line for a POSIX shell */
export function curlLine({ url, headers, body }: Played["call"]): string {
  const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
  const parts = Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`);
  if (body !== undefined) parts.push(`--data-raw ${quoted(body)}`);
  return `curl -s ${quoted(url)} ${parts.join(" ")}`;
}
