// Asks a nextAuth Server over its REST API for the user of a session and a user's attributes.

import type { CallTime } from "../core/call-time.ts";
import { TokenProxyError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import { readJsonObject } from "../core/json.ts";
import type { Clock } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import {
  TRANSPORT_FAILURES,
  type Transport,
  TransportError,
  type TransportResponse,
  withOneRetry,
} from "../core/transport.ts";
import type { NextAuthServerSettings } from "./settings.ts";
import { isFault, readValue } from "./values.ts";

/** The answer to getSession (nextAuth's public OpenAPI description 2.2). */
export type LoginStatus = { loggedin: false } | LoggedIn;

/** The description does not require an accountid. */
export type LoggedIn = { loggedin: true; userid: string; accountid: number | undefined };

export type NextAuthClient = ReturnType<typeof createNextAuthClient>;

/** A LoginStatus contains the data of a QR code, some kilobytes. Attributes are a few texts. */
const MAX_ANSWER_BYTES = 65_536;

const GET_SESSION = {
  name: "getSession",
  step: "the session check",
  failed: "session_check_failed",
  timedOut: "session_check_timeout",
  accept: "application/json",
  /** What the apikey needs, as a phrase that follows "it". */
  permission: "has the permission 'sessions' for this serverid",
} as const;

const GET_USER_ATTRIBUTES = {
  name: "getUserAttributes",
  step: "reading the user's attributes",
  failed: "attributes_failed",
  timedOut: "attributes_timeout",
  accept: "application/json, text/plain", // its description says text/plain
  permission: "may read the users of this serverid",
} as const;

type Operation = typeof GET_SESSION | typeof GET_USER_ATTRIBUTES;

/** `time`, that of a call, limits a request too; then its errors are also thrown. */
export function createNextAuthClient(
  { url, su, timeout }: Pick<NextAuthServerSettings, "url" | "su" | "timeout">,
  apikey: Secret,
  key: string,
  transport: Transport,
  clock: Pick<Clock, "elapsed">,
) {
  const headers = { ...REQUEST_HEADERS, "x-apikey": apikey.reveal(), ...(su === undefined ? {} : { "x-su": su }) };

  async function get(operation: Operation, path: string, time?: CallTime, more: Record<string, string> = {}) {
    const { name, step, failed, timedOut, accept } = operation;
    const whole = { url: url + path, headers: { ...headers, accept, ...more }, maxResponseBytes: MAX_ANSWER_BYTES };
    const deadline = clock.elapsed() + timeout;
    const send = () => {
      const request = { ...whole, method: "GET", timeout: Math.max(deadline - clock.elapsed(), 1) } as const;
      return time === undefined ? transport(request) : time.send(step, transport, request);
    };
    try {
      // A GET can be sent again (RFC 9110 section 9.2.2), unless the server may be working on it.
      return await withOneRetry(send, (delivery) => delivery !== "some");
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const code = error.failure === "timeout" || error.failure === "late" ? timedOut : failed;
      const message = `${name}: the nextAuth Server "${key}" ${TRANSPORT_FAILURES[error.failure]}`;
      throw new TokenProxyError(code, message, { cause: error.cause });
    }
  }

  function read<T>(
    operation: Operation,
    { status, body, connection }: TransportResponse,
    parse: (body: Uint8Array) => T | string,
  ): T {
    const { name, failed, permission } = operation;
    const result = status === 200 ? parse(body) : statusProblem(status, permission);
    if (typeof result !== "string") return result;
    if (status === 200) connection?.close(); // the answer may belong to another request
    const detail = { nextauth_status: status };
    throw new TokenProxyError(failed, `${name}: the nextAuth Server "${key}" ${result}`, { detail });
  }

  return {
    /** @throws {TokenProxyError} session_check_failed or session_check_timeout */
    async getSession(
      serverid: string,
      nonce: string,
      time?: CallTime,
    ): Promise<LoginStatus & Pick<TransportResponse, "connection">> {
      const response = await get(GET_SESSION, `/servers/${segment(serverid)}/sessions/`, time, { "x-nonce": nonce });
      return { ...read(GET_SESSION, response, parseLoginStatus), connection: response.connection };
    },
    /** Undefined: the user is unknown. @throws {TokenProxyError} attributes_failed or …_timeout */
    async getUserAttributes(serverid: string, userid: string, time?: CallTime) {
      const path = `/servers/${segment(serverid)}/users/${segment(userid)}/attributes/`;
      const response = await get(GET_USER_ATTRIBUTES, path, time);
      return response.status === 404 ? undefined : read(GET_USER_ATTRIBUTES, response, parseAttributes);
    },
  };
}

function statusProblem(status: number, permission: string): string {
  if (status === 401 || status === 403) {
    return `refused the request with status ${status}: check its apikey, and that it ${permission}`;
  }
  if (status >= 300 && status < 400) return "answered with a redirect, which is never followed: correct its url";
  return `answered with status ${status}`;
}

/** URLs read "." and ".." as steps, even percent-encoded: the request would go elsewhere. */
function segment(text: string): string {
  if (text !== "." && text !== "..") return encodeURIComponent(text);
  const message = 'the serverid or userid is "." or "..", which has no URL in the nextAuth Server\'s API';
  throw new TokenProxyError("call_invalid", message);
}

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

/** The answer as a whole has a limit. */
const ATTRIBUTE_RULE = { type: "text", max_length: MAX_ANSWER_BYTES } as const;

/** Its shape is undocumented. @returns text by name, or the fault, as a phrase */
export function parseAttributes(body: Uint8Array): ReadonlyMap<string, string> | string {
  const parsed = readJsonObject(body);
  if (parsed === undefined) return "answered with something that is not a JSON object of name to text";
  const attributes = new Map<string, string>();
  for (const [name, value] of Object.entries(parsed)) {
    const read = value === "" ? value : readValue("attribute", value, true, ATTRIBUTE_RULE);
    if (isFault(read)) return `answered with an attribute that ${read.fault}`;
    attributes.set(name, String(read));
  }
  return attributes;
}
