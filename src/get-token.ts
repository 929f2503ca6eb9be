// The use case: a caller asks for a token for a user, and gets what the provider answers.

import type { Route } from "./config/complete.ts";
import { TokenProxyError } from "./core/errors.ts";
import { unmeasured } from "./core/trace.ts";
import type { SessionMode } from "./nextauth/binding.ts";
import type { NextAuthServer, NextAuthServers } from "./nextauth/servers.ts";
import type { Call, CallValue } from "./nextauth/values.ts";
import type { ExchangeTrace } from "./oauth/exchange.ts";
import type { Provider } from "./oauth/provider.ts";
import type { TokenAnswer } from "./oauth/token-response.ts";
import { ATTRIBUTE_PREFIX } from "./oauth/values.ts";

/** A call whose caller has proved who it is, and whose values were read. */
export interface TokenCall {
  /** The virtual servers that the caller may speak for; undefined means all. */
  serverids: ReadonlySet<string> | undefined;
  values: Call;
  session: SessionMode;
}

/** What getToken needs of a provider. */
export type AskedProvider = Pick<Provider, "name" | "attributes" | "requestToken">;

export interface GetTokenDeps {
  /** Chooses the provider for a virtual server; undefined where no route takes it. */
  route(serverid: string | undefined): AskedProvider | undefined;
  nextauth: Pick<NextAuthServers, "defaultServerid" | "serverFor">;
}

/** What is found out about a call on its way. */
export interface CallRecord extends ExchangeTrace {
  caller?: string;
  provider?: string;
  /** The key of the nextAuth Server that was asked, in the file. */
  nextauth?: string;
  /** Whom the call is about; only http/identities.ts knows how that may be written down. */
  userid?: string | undefined;
  nonce?: string | undefined;
}

/**
 * @returns the provider's answer, its body byte for byte
 * @throws {TokenProxyError} caller_not_allowed, no_route, call_invalid, session_…, attributes_… or provider_…
 */
export async function getToken(deps: GetTokenDeps, call: TokenCall, record: CallRecord): Promise<TokenAnswer> {
  const { run = unmeasured } = record;
  record.userid = textOf(call.values, "userid");
  record.nonce = textOf(call.values, "nonce");
  const serverid = textOf(call.values, "serverid") ?? deps.nextauth.defaultServerid;
  assertMaySpeakFor(call.serverids, serverid);

  const provider = deps.route(serverid);
  if (provider === undefined)
    throw new TokenProxyError("no_route", 'no entry of "routes" takes the serverid of this call');
  record.provider = provider.name;

  let values = withServerid(call.values, serverid);
  const server = () => {
    const found = serverFor(deps.nextauth, serverid);
    record.nextauth = found.key;
    return found;
  };
  if (call.session === "verify") {
    const [about, nonce] = [serverid as string, nonceOf(values)];
    values = await run("session_check", () => server().confirmSession(about, nonce, values));
    record.userid = textOf(values, "userid");
  }
  const attributes =
    provider.attributes.length === 0
      ? undefined
      : await run("attributes", () => attributesOf(server(), serverid as string, values, provider));

  return await provider.requestToken((name) => attributes?.get(name) ?? values.get(name), record);
}

/** The default stands for the serverid that a call leaves out, in templates too. */
function withServerid(values: Call, serverid: string | undefined): Call {
  return serverid === undefined || values.has("serverid") ? values : new Map(values).set("serverid", serverid);
}

function textOf(values: Call, name: "serverid" | "userid" | "nonce"): string | undefined {
  return values.get(name) as string | undefined; // binding rules of these three let text alone through
}

function assertMaySpeakFor(serverids: ReadonlySet<string> | undefined, serverid: string | undefined): void {
  if (serverids === undefined) return;
  // A call that names no virtual server could be about any of them.
  if (serverid === undefined || !serverids.has(serverid)) {
    throw new TokenProxyError("caller_not_allowed", "the caller may not speak for the serverid of this call");
  }
}

function serverFor(nextauth: GetTokenDeps["nextauth"], serverid: string | undefined): NextAuthServer {
  if (serverid === undefined) {
    throw new TokenProxyError("call_invalid", 'the call has no "serverid", and "nextauth" names none for such calls');
  }
  const server = nextauth.serverFor(serverid);
  if (server === undefined)
    throw new TokenProxyError("no_route", 'no entry of "nextauth" takes the serverid of this call');
  return server;
}

function nonceOf(values: Call): string {
  const nonce = textOf(values, "nonce");
  if (nonce === undefined)
    throw new TokenProxyError("call_invalid", 'the call has no "nonce", which the session check needs');
  return nonce;
}

/** @returns the attributes that the provider needs, by their names in templates */
async function attributesOf(
  server: NextAuthServer,
  serverid: string,
  values: Call,
  { name, attributes: needed }: AskedProvider,
): Promise<ReadonlyMap<string, CallValue>> {
  const userid = textOf(values, "userid") as string; // every binding reads one, or the session check gave it
  const found = await server.getUserAttributes(serverid, userid);
  if (found === undefined) throw new TokenProxyError("attribute_missing", "the nextAuth Server does not know the user");
  return new Map(
    needed.map((attribute) => {
      const value = found.get(attribute);
      if (value !== undefined) return [ATTRIBUTE_PREFIX + attribute, value];
      throw new TokenProxyError(
        "attribute_missing",
        `the user has no attribute "${attribute}", which "providers.${name}" needs`,
      );
    }),
  );
}

/** First match wins. The routes are indexed once, so that a call costs the same with one route or a thousand. */
export function createRouter(
  routes: readonly Route[],
  providers: ReadonlyMap<string, AskedProvider>,
): GetTokenDeps["route"] {
  const byServerid = new Map<string, AskedProvider>();
  let otherwise: AskedProvider | undefined;
  for (const { serverid, provider: name } of routes) {
    const provider = providers.get(name) as AskedProvider;
    if (serverid === undefined) {
      otherwise = provider;
      break; // what stands below a route without conditions is never reached
    }
    if (!byServerid.has(serverid)) byServerid.set(serverid, provider);
  }
  return (serverid) => (serverid === undefined ? undefined : byServerid.get(serverid)) ?? otherwise;
}
