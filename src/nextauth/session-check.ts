// The session check: getSession must confirm a call before anything about it reaches a provider.

import type { CallTime } from "../core/call-time.ts";
import { TokenProxyError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { TransportResponse } from "../core/transport.ts";
import type { Value, Values } from "../core/values.ts";
import type { LoggedIn, NextAuthClient } from "./client.ts";

export function createSessionCheck(
  client: Pick<NextAuthClient, "getSession">,
  key: string,
  clock: Clock,
  memory: ReturnType<typeof createSessionMemory>,
) {
  /** Throws session_… errors. If the call has a userid or accountid, it must be the session's. */
  return async (serverid: string, nonce: string, claimed: Values, time?: CallTime): Promise<Values> => {
    // Neither part can contain a line break (values.ts), so it is unambiguous.
    const id = `${serverid}\n${nonce}`;
    const known = memory.get(id);
    const askedAt = clock.elapsed();
    const status = known ?? (await client.getSession(serverid, nonce, time));
    if (!status.loggedin) {
      throw new TokenProxyError("session_not_logged_in", "the session of this call is not logged in");
    }
    const { userid, accountid } = status;
    const isOther = (name: string, confirmed: Value | undefined) =>
      claimed.has(name) && confirmed !== undefined && claimed.get(name) !== confirmed;
    if (isOther("userid", userid) || isOther("accountid", accountid)) {
      memory.forget(id); // the answer may belong to another request
      status.connection?.close();
      const problem = "the session of this call is logged in as another user or account";
      throw new TokenProxyError("session_mismatch", problem);
    }
    if (claimed.has("accountid") && accountid === undefined) {
      const fault = "returned no accountid, so the call's accountid cannot be confirmed";
      throw new TokenProxyError("session_check_failed", `the nextAuth Server "${key}" ${fault}`);
    }
    if (known === undefined) memory.set(id, status, askedAt);
    const confirmed = new Map<string, Value>([["userid", userid]]);
    return accountid === undefined ? confirmed : confirmed.set("accountid", accountid);
  };
}

/** The oldest entry is dropped first. An entry takes less than a kilobyte. */
const MAX_SESSIONS = 10_000;

type Session = LoggedIn & Pick<TransportResponse, "connection">;

/** Keeps answers, not promises: on Workers, another call's promise never settles (workerd#210). */
export function createSessionMemory(lifetime: number, clock: Clock) {
  const sessions = new Map<string, { status: Session; until: number }>();

  return {
    get(id: string): Session | undefined {
      const found = sessions.get(id);
      if (found === undefined || clock.elapsed() >= found.until) return undefined;
      return found.status.connection?.isTroubled === true ? undefined : found.status;
    },
    forget: (id: string) => sessions.delete(id),
    set(id: string, status: Session, askedAt: number): void {
      sessions.delete(id); // so that it moves to the end, as the youngest
      sessions.set(id, { status, until: askedAt + lifetime }); // its age counts from the request
      for (const [oldest, { until }] of sessions) {
        if (sessions.size <= MAX_SESSIONS && clock.elapsed() < until) break;
        sessions.delete(oldest);
      }
    },
  };
}
