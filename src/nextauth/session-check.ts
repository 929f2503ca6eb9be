// The session check: getSession must confirm a call before anything of it goes to a provider.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock } from "../core/ports.ts";
import type { NextAuthClient } from "./client.ts";
import type { LoggedIn, LoginStatus } from "./login-status.ts";
import { createSessionMemory } from "./session-memory.ts";
import type { Call, CallValue } from "./values.ts";

/**
 * @param call with serverid and nonce
 * @returns the call with the userid and the accountid of the LoginStatus in place of its own
 * @throws {TokenProxyError} session_not_logged_in, session_mismatch, session_check_failed or session_check_timeout
 */
export type ConfirmSession = (serverid: string, nonce: string, call: Call) => Promise<Call>;

/**
 * @param memory milliseconds for which a session that was logged in is taken to be so still; 0 asks for every call
 * @param key of the server in the file, for errors
 */
export function createSessionCheck(
  client: Pick<NextAuthClient, "getSession">,
  memory: number,
  key: string,
  clock: Clock,
): ConfirmSession {
  const remembered = memory === 0 ? undefined : createSessionMemory(memory, clock);

  async function statusOf(serverid: string, nonce: string): Promise<LoginStatus> {
    const known = remembered?.get(serverid, nonce);
    if (known !== undefined) return known;
    const asked = clock.elapsed();
    const status = await client.getSession(serverid, nonce);
    if (status.loggedin) remembered?.set(serverid, nonce, status, asked);
    return status;
  }

  return async (serverid, nonce, call) => {
    const status = await statusOf(serverid, nonce);
    if (!status.loggedin) {
      throw new TokenProxyError("session_not_logged_in", "the session of this call is not logged in");
    }
    return confirmed(call, status, key);
  };
}

function confirmed(call: Call, { userid, accountid }: LoggedIn, key: string): Call {
  assertSame(call.get("userid"), userid);
  if (call.has("accountid") && accountid === undefined) {
    throw new TokenProxyError(
      "session_check_failed",
      `getSession at the nextAuth Server "${key}" names no accountid, so that of the call cannot be confirmed`,
    );
  }
  assertSame(call.get("accountid"), accountid);
  const values = new Map(call).set("userid", userid);
  return accountid === undefined ? values : values.set("accountid", accountid);
}

function assertSame(called: CallValue | undefined, confirmed: CallValue | undefined): void {
  if (called !== undefined && called !== confirmed) {
    throw new TokenProxyError("session_mismatch", "the session of this call is logged in as somebody else");
  }
}
