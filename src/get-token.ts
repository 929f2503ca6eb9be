// What happens to a call whose caller has proved its identity, free of HTTP.

import { type Route, routeFor } from "./config/schema.ts";
import type { CallTime } from "./core/call-time.ts";
import { TokenProxyError } from "./core/errors.ts";
import type { Announce } from "./core/ports.ts";
import type { Trace } from "./core/trace.ts";
import { textOf, type Value, type Values } from "./core/values.ts";
import type { NextAuthServers } from "./nextauth/servers.ts";
import type { Binding } from "./nextauth/settings.ts";
import { isFault, readValue, type ValueRule } from "./nextauth/values.ts";
import type { Answer } from "./oauth/judge-answer.ts";
import type { Provider } from "./oauth/provider.ts";
import { ATTRIBUTE_PREFIX } from "./oauth/template-names.ts";

type ChosenProvider = Pick<Provider, "name" | "attributes" | "requestToken">;

export interface UseCase {
  /** The first match wins. */
  routes: readonly Route[];
  providers: ReadonlyMap<string, ChosenProvider>;
  nextauth: Pick<NextAuthServers, "serverFor">;
}

export interface Caller {
  /** The virtual servers it may get tokens for; undefined means all. */
  serverids: ReadonlySet<string> | undefined;
}

export interface Call {
  /** By their names in the binding; serverid, userid and nonce are text. */
  values: Values;
  session: Binding["session"];
  /** Takes the provider's userid out of nextAuth's. */
  useridRule?: ValueRule | undefined;
  /** The provider to use, whatever the routes say. */
  provider?: string | undefined;
  trace: Trace;
  time: CallTime;
  announce?: Announce | undefined;
}

/**
 * @returns the provider's answer, its body byte for byte
 * @throws {TokenProxyError} caller_not_allowed, no_route, call_invalid, session_…, attribute…,
 * provider_…, overloaded, audit_failed, call_deadline or caller_gone
 */
export async function getToken(deps: UseCase, caller: Caller, call: Call): Promise<Answer> {
  authorizeServerid(caller, call);
  const provider = chooseProvider(deps, call);
  const session = await confirmSession(deps, call);
  const attributes = await readAttributes(deps, call, provider, session);
  const values = mapUserid(new Map([...call.values, ...session, ...attributes]), call.useridRule);
  return await provider.requestToken(values, call);
}

/** The last step, because nextAuth knows its users by whole userids only. */
export function mapUserid(values: Map<string, Value>, rule: ValueRule | undefined): Values {
  if (rule?.pattern === undefined || !values.has("userid")) return values;
  const userid = readValue("userid", values.get("userid"), true, rule);
  if (!isFault(userid)) return values.set("userid", userid);
  throw new TokenProxyError("call_invalid", `the "userid" ${userid.fault} under "get_token.values"`);
}

/** A limited caller has to name a serverid: without one, the call could be for any of them. */
function authorizeServerid({ serverids }: Caller, { values }: Call): void {
  const serverid = textOf(values, "serverid");
  if (serverids !== undefined && (serverid === undefined || !serverids.has(serverid))) {
    throw new TokenProxyError("caller_not_allowed", "the caller's serverids do not include the serverid of this call");
  }
}

function chooseProvider({ routes, providers }: UseCase, call: Call): ChosenProvider {
  const serverid = textOf(call.values, "serverid");
  const name = call.provider ?? routeFor(routes, serverid)?.provider;
  if (name === undefined) {
    throw new TokenProxyError("no_route", 'no entry of "routes" matches the serverid of this call');
  }
  call.trace.note({ provider: name });
  return providers.get(name) as ChosenProvider; // src/config ensures that it exists
}

/** @returns userid and accountid of the session; nothing if the caller is trusted */
async function confirmSession(deps: UseCase, call: Call): Promise<Values> {
  if (call.session === "trust") return new Map();
  const { server, serverid } = responsibleServer(deps, call);
  const nonce = textOf(call.values, "nonce");
  if (nonce === undefined) {
    throw new TokenProxyError("call_invalid", 'the call has no "nonce", which the session check needs');
  }
  const session = await call.trace.step("session_check", () =>
    server.confirmSession(serverid, nonce, call.values, call.time),
  );
  call.trace.note({ userid: textOf(session, "userid") });
  return session;
}

/** @returns the attributes that the provider needs, under their names in templates */
async function readAttributes(
  deps: UseCase,
  call: Call,
  { name, attributes }: Pick<Provider, "name" | "attributes">,
  session: Values,
): Promise<Values> {
  const values = new Map<string, Value>();
  if (attributes.length === 0) return values;
  const { server, serverid } = responsibleServer(deps, call);
  // Without a session, the binding requires a userid.
  const userid = (textOf(session, "userid") ?? textOf(call.values, "userid")) as string;
  const found = await call.trace.step("attributes", () => server.getUserAttributes(serverid, userid, call.time));
  const fail = (message: string) => new TokenProxyError("attribute_missing", message);
  if (found === undefined) throw fail("the nextAuth Server does not know the user of this call");
  for (const attribute of attributes) {
    const value = found.get(attribute);
    // An empty parameter would be left out, and so name no user at all.
    if (!value) throw fail(`the user has no attribute "${attribute}", which "providers.${name}" needs`);
    values.set(ATTRIBUTE_PREFIX + attribute, value);
  }
  return values;
}

function responsibleServer({ nextauth }: UseCase, call: Call) {
  const serverid = textOf(call.values, "serverid");
  if (serverid === undefined) {
    throw new TokenProxyError("call_invalid", 'the call has no "serverid", and "nextauth.serverid" sets no default');
  }
  const server = nextauth.serverFor(serverid);
  if (server === undefined) {
    throw new TokenProxyError("no_route", 'no server under "nextauth" is responsible for the serverid of this call');
  }
  call.trace.note({ nextauth: server.key });
  return { server, serverid };
}
