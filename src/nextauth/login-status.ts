// Reads a LoginStatus, the answer to getSession (nextAuth's public OpenAPI description 2.2).

import { readJsonObject } from "../core/json.ts";
import { isFault, readValue } from "./values.ts";

export type LoginStatus = { loggedin: false } | LoggedIn;

/** The description does not require an accountid. */
export type LoggedIn = { loggedin: true; userid: string; accountid: number | undefined };

/** @returns the status, or the fault: a phrase after the server's name that quotes nothing */
export function parseLoginStatus(body: Uint8Array): LoginStatus | string {
  const status = readJsonObject(body);
  if (status === undefined) return "answered with something that is not a LoginStatus";
  const { loggedin, userid, accountid } = status;
  if (typeof loggedin !== "boolean") return 'answered with a LoginStatus whose "loggedin" is not true or false';
  if (!loggedin) return { loggedin };
  if ((userid ?? "") === "") {
    return "answered with a session that is logged in, but has no userid: register a user for its account";
  }
  const user = readValue("userid", userid, true);
  if (isFault(user)) return `answered with a LoginStatus whose "userid" ${user.fault}`;
  if (accountid === undefined || accountid === null) return { loggedin, userid: String(user), accountid: undefined };
  const account = readValue("accountid", accountid, true);
  if (isFault(account)) return `answered with a LoginStatus whose "accountid" ${account.fault}`;
  return { loggedin, userid: String(user), accountid: Number(account) };
}
