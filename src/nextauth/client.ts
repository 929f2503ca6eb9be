// Asks a nextAuth Server over its REST API for the user of a session and a user's attributes.

import type { CallTime } from "../core/call-time.ts";
import { TokenProxyError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import type { Clock } from "../core/ports.ts";
import type { Secret } from "../core/secret.ts";
import {
  type Transport,
  TransportError,
  type TransportFailure,
  type TransportResponse,
  withOneRetry,
} from "../core/transport.ts";
import { parseAttributes } from "./attributes.ts";
import { type LoginStatus, parseLoginStatus } from "./login-status.ts";

export interface NextAuthSettings {
  /** The REST API, without a slash at the end. */
  url: string;
  /** The role to act as (header X-su). */
  su?: string | undefined;
  /** Milliseconds for one request with its answer. */
  timeout: number;
}

type Session = LoginStatus & Pick<TransportResponse, "connection">;
type Attributes = ReadonlyMap<string, string>;

/** `time`, that of a call, limits the request too; then its errors are also thrown. */
export interface NextAuthClient {
  /** @throws {TokenProxyError} session_check_failed or session_check_timeout */
  getSession(serverid: string, nonce: string, time?: CallTime): Promise<Session>;
  /** Undefined: the user is unknown. @throws {TokenProxyError} attributes_failed or …_timeout */
  getUserAttributes(serverid: string, userid: string, time?: CallTime): Promise<Attributes | undefined>;
}

/** A LoginStatus contains the data of a QR code, some kilobytes. Attributes are a few texts. */
const MAX_ANSWER_BYTES = 65_536;
const GET = { method: "GET", maxResponseBytes: MAX_ANSWER_BYTES } as const;

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

const FAILURES: Record<TransportFailure, string> = {
  unreachable: "cannot be reached",
  proxy_refused: "was not reached: the egress proxy refuses; allow its host there, or check proxy",
  connect_timeout: "did not accept a connection in time",
  timeout: "did not answer in time",
  late: "could not answer in time, because this proxy was paused",
  truncated: "closed the connection in the middle of its answer",
  too_large: `answered with more than ${MAX_ANSWER_BYTES} bytes`,
  malformed: "answered with invalid HTTP",
};

/** @param key the server's key in the file, as `nextauth`, for errors */
export function createNextAuthClient(
  { url, su, timeout }: NextAuthSettings,
  apikey: Secret,
  key: string,
  transport: Transport,
  clock: Pick<Clock, "elapsed">,
): NextAuthClient {
  const headers = { ...REQUEST_HEADERS, "x-apikey": apikey.reveal(), ...(su === undefined ? {} : { "x-su": su }) };

  async function get(operation: Operation, path: string, time?: CallTime, more: Record<string, string> = {}) {
    const { name, step, failed, timedOut, accept } = operation;
    const whole = { ...GET, url: url + path, headers: { ...headers, accept, ...more } };
    const deadline = clock.elapsed() + timeout;
    const send = () => {
      const request = { ...whole, timeout: Math.max(deadline - clock.elapsed(), 1) };
      return time === undefined ? transport(request) : time.send(step, transport, request);
    };
    try {
      // A GET can be sent again (RFC 9110 section 9.2.2), unless the server may be working on it.
      return await withOneRetry(send, (delivery) => delivery !== "some");
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const code = error.failure === "timeout" || error.failure === "late" ? timedOut : failed;
      const message = `${name}: the nextAuth Server "${key}" ${FAILURES[error.failure]}`;
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
    async getSession(serverid, nonce, time) {
      const response = await get(GET_SESSION, `/servers/${segment(serverid)}/sessions/`, time, { "x-nonce": nonce });
      return { ...read(GET_SESSION, response, parseLoginStatus), connection: response.connection };
    },
    async getUserAttributes(serverid, userid, time) {
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
