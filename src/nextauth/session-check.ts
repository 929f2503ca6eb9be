// The session check: getSession must confirm a call before anything about it reaches a provider.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { Value, Values } from "../core/values.ts";
import type { NextAuthClient } from "./client.ts";
import type { LoggedIn, LoginStatus } from "./login-status.ts";

/**
 * @param lifetime milliseconds for which a confirmed session is remembered; 0 asks for every call
 * @param key of the nextAuth Server in the file, for errors
 */
export function createSessionCheck(
  client: Pick<NextAuthClient, "getSession">,
  lifetime: number,
  key: string,
  clock: Clock,
) {
  const memory = createSessionMemory(lifetime, clock);

  async function statusOf(serverid: string, nonce: string): Promise<LoginStatus> {
    const known = memory.get(serverid, nonce);
    if (known !== undefined) return known;
    const askedAt = clock.elapsed();
    const status = await client.getSession(serverid, nonce);
    if (status.loggedin) memory.set(serverid, nonce, status, askedAt);
    return status;
  }

  /** Throws session_… errors. If the call has a userid or accountid, it must be the session's. */
  return async (serverid: string, nonce: string, claimed: Values): Promise<Values> => {
    const status = await statusOf(serverid, nonce);
    if (!status.loggedin) {
      throw new TokenProxyError("session_not_logged_in", "the session of this call is not logged in");
    }
    const { userid, accountid } = status;
    assertSame(claimed.get("userid"), userid);
    if (claimed.has("accountid") && accountid === undefined) {
      const fault = "returned no accountid, so the call's accountid cannot be confirmed";
      throw new TokenProxyError("session_check_failed", `the nextAuth Server "${key}" ${fault}`);
    }
    assertSame(claimed.get("accountid"), accountid);
    const confirmed = new Map<string, Value>([["userid", userid]]);
    return accountid === undefined ? confirmed : confirmed.set("accountid", accountid);
  };
}

function assertSame(claimed: Value | undefined, confirmed: Value | undefined): void {
  if (claimed !== undefined && claimed !== confirmed) {
    throw new TokenProxyError("session_mismatch", "the session of this call is logged in as another user or account");
  }
}

/** The oldest entry is dropped first. An entry takes less than a kilobyte. */
const MAX_SESSIONS = 10_000;

/** Keeps answers, not promises: on Workers, another call's promise never settles (workerd#210). */
export function createSessionMemory(lifetime: number, clock: Clock) {
  const sessions = new Map<string, { status: LoggedIn; until: number }>();
  // Neither part can contain a line break (values.ts), so the key is unambiguous.
  const keyOf = (serverid: string, nonce: string) => `${serverid}\n${nonce}`;

  return {
    get(serverid: string, nonce: string): LoggedIn | undefined {
      const found = sessions.get(keyOf(serverid, nonce));
      return found !== undefined && clock.elapsed() < found.until ? found.status : undefined;
    },
    set(serverid: string, nonce: string, status: LoggedIn, askedAt: number): void {
      const key = keyOf(serverid, nonce);
      sessions.delete(key); // so that it moves to the end, as the youngest
      sessions.set(key, { status, until: askedAt + lifetime }); // its age counts from the request
      for (const [oldest, { until }] of sessions) {
        if (sessions.size <= MAX_SESSIONS && clock.elapsed() < until) break;
        sessions.delete(oldest);
      }
    },
  };
}
