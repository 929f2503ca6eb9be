// The use case: a caller asks for a token for a user, and gets what the provider answers.

import type { Route } from "./config/complete.ts";
import { TokenProxyError } from "./errors.ts";
import type { Call } from "./nextauth/values.ts";
import type { Provider } from "./oauth/provider.ts";
import type { TokenAnswer } from "./oauth/token-response.ts";

/** Who calls: its credentials were checked before the call was read. */
interface Caller {
  serverids: ReadonlySet<string> | undefined;
}

/** Chooses the provider for a call; undefined where no route takes it. */
export type Router = (call: Call) => Provider | undefined;

/** What the log says about a call, filled in as it is found out. */
export interface CallRecord {
  caller?: string;
  provider?: string;
}

/**
 * @returns the provider's answer, its body byte for byte
 * @throws {TokenProxyError} caller_not_allowed, no_route, call_invalid or provider_…
 */
export async function getToken(
  deps: { route: Router },
  caller: Caller,
  call: Call,
  record: CallRecord,
): Promise<TokenAnswer> {
  assertMaySpeakFor(caller, call.serverid);
  const provider = deps.route(call);
  if (provider === undefined)
    throw new TokenProxyError("no_route", 'no entry of "routes" takes the serverid of this call');
  record.provider = provider.name;
  return provider.requestToken((name) => call.values.get(name));
}

function assertMaySpeakFor({ serverids }: Caller, serverid: string | undefined): void {
  if (serverids === undefined) return;
  // A call that names no virtual server could be about any of them.
  if (serverid === undefined || !serverids.has(serverid)) {
    throw new TokenProxyError("caller_not_allowed", "the caller may not speak for the serverid of this call");
  }
}

/** First match wins. The routes are indexed once, so that a call costs the same with one route or a thousand. */
export function createRouter(routes: readonly Route[], providers: ReadonlyMap<string, Provider>): Router {
  const byServerid = new Map<string, Provider>();
  let otherwise: Provider | undefined;
  for (const { serverid, provider: name } of routes) {
    const provider = providers.get(name) as Provider;
    if (serverid === undefined) {
      otherwise = provider;
      break; // what stands below a route without conditions is never reached
    }
    if (!byServerid.has(serverid)) byServerid.set(serverid, provider);
  }
  return ({ serverid }) => (serverid === undefined ? undefined : byServerid.get(serverid)) ?? otherwise;
}
