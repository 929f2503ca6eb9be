// Reads a LoginStatus: what getSession answers (nextAuth's public OpenAPI description, version 2.2).

import { readJsonObject } from "../core/json.ts";
import { isFault, readValue } from "./values.ts";

/** Whose session it is, or that nobody is logged in to it. */
export type LoginStatus = { loggedin: false } | LoggedIn;

export interface LoggedIn {
  loggedin: true;
  userid: string;
  /** Optional in the description. */
  accountid: number | undefined;
}

/** @returns the status, or what is wrong with the answer as a phrase that never repeats it */
export function parseLoginStatus(body: Uint8Array): LoginStatus | string {
  const status = readJsonObject(body);
  if (status === undefined) return "was answered with something that is not a LoginStatus";
  const { loggedin, userid, accountid } = status;
  if (typeof loggedin !== "boolean") return 'was answered with a LoginStatus whose "loggedin" is not true or false';
  if (!loggedin) return { loggedin };
  if (userid === undefined || userid === null || userid === "") {
    return "was answered with a session that is logged in, but whose account has no userid: register one there";
  }
  const user = readValue("userid", userid, true);
  if (isFault(user)) return `was answered with a LoginStatus whose "userid" ${user.fault}`;
  if (accountid === undefined || accountid === null) return { loggedin, userid: String(user), accountid: undefined };
  const account = readValue("accountid", accountid, true);
  if (isFault(account)) return `was answered with a LoginStatus whose "accountid" ${account.fault}`;
  return { loggedin, userid: String(user), accountid: Number(account) };
}
