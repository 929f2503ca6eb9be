// Asks a nextAuth Server over its REST API: whether a session is logged in and for whom, and what is known of a user.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import type { Clock } from "../core/ports.ts";
import { withOneRetry } from "../core/retry.ts";
import type { Secret } from "../core/secret.ts";
import { type Transport, TransportError, type TransportResponse } from "../core/transport.ts";
import { parseAttributes } from "./attributes.ts";
import { type LoginStatus, parseLoginStatus } from "./login-status.ts";

/** A nextAuth Server as the file describes it. */
export interface NextAuthSettings {
  /** Of the REST API, without a slash at the end. */
  url: string;
  /** The role to act as (header X-su). */
  su?: string | undefined;
  /** Milliseconds for one request, its answer included. */
  timeout: number;
}

export interface NextAuthClient {
  /**
   * getSession.
   * @throws {TokenProxyError} session_check_failed or session_check_timeout where it does not say who is logged in or that nobody is
   */
  getSession(serverid: string, nonce: string): Promise<LoginStatus>;
  /**
   * getUserAttributes.
   * @returns undefined where the server does not know the user
   * @throws {TokenProxyError} attributes_failed or attributes_timeout
   */
  getUserAttributes(serverid: string, userid: string): Promise<ReadonlyMap<string, string> | undefined>;
}

/** A LoginStatus has a QR code's data in it, some kilobytes; attributes are a few texts. */
const MAX_ANSWER_BYTES = 65_536;

/** What the error is called, by what was asked. */
const CODES = {
  getSession: ["session_check_failed", "session_check_timeout"],
  getUserAttributes: ["attributes_failed", "attributes_timeout"],
} as const satisfies Record<string, readonly [failed: ErrorCode, timeout: ErrorCode]>;

type Operation = keyof typeof CODES;

/** Attributes are described as text/plain, and who wants JSON alone may be refused. */
const ACCEPT = {
  getSession: "application/json",
  getUserAttributes: "application/json, text/plain",
} as const satisfies Record<Operation, string>;

/** What the apikey must be good for. */
const PERMISSION = {
  getSession: "has the permission 'sessions' for this serverid",
  getUserAttributes: "may read the users of this serverid",
} as const satisfies Record<Operation, string>;

const FAILURES = {
  unreachable: "cannot be reached",
  connect_timeout: "cannot be reached in time",
  timeout: "did not answer in time",
  truncated: "broke off its answer",
  too_large: "answered with more than it may",
  malformed: "answered with something that is not proper HTTP",
} as const;

/** @param key of the server in the file, as `nextauth`, for errors */
export function createNextAuthClient(
  { url, su, timeout }: NextAuthSettings,
  apikey: Secret,
  key: string,
  transport: Transport,
  clock: Pick<Clock, "elapsed">,
): NextAuthClient {
  const headers = {
    ...REQUEST_HEADERS,
    "x-apikey": apikey.reveal(),
    ...(su === undefined ? {} : { "x-su": su }),
  };
  const fail = (operation: Operation, what: string, status?: number) =>
    new TokenProxyError(CODES[operation][0], `${operation} at the nextAuth Server "${key}" ${what}`, {
      ...(status === undefined ? {} : { detail: { nextauth_status: status } }),
    });

  async function get(operation: Operation, path: string, extra: Record<string, string>): Promise<TransportResponse> {
    const request = {
      method: "GET",
      url: url + path,
      headers: { ...headers, accept: ACCEPT[operation], ...extra },
      maxResponseBytes: MAX_ANSWER_BYTES,
    } as const;
    const deadline = clock.elapsed() + timeout;
    const send = () => transport({ ...request, timeout: Math.max(deadline - clock.elapsed(), 1) });
    try {
      // A GET may go out again whatever the server has seen of it (RFC 9110 §9.2.2); where it has answered, it would again.
      return await withOneRetry(send, (delivery) => delivery !== "some");
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      const [failed, timedOut] = CODES[operation];
      const what = FAILURES[error.failure];
      throw new TokenProxyError(
        error.failure === "timeout" ? timedOut : failed,
        `${operation}: the nextAuth Server "${key}" ${what}`,
        { cause: error.cause },
      );
    }
  }

  return {
    async getSession(serverid, nonce) {
      const { status, body } = await get("getSession", `/servers/${segment(serverid)}/sessions/`, { "x-nonce": nonce });
      if (status !== 200) throw fail("getSession", statusProblem("getSession", status), status);
      const parsed = parseLoginStatus(body);
      if (typeof parsed === "string") throw fail("getSession", parsed, status);
      return parsed;
    },
    async getUserAttributes(serverid, userid) {
      const path = `/servers/${segment(serverid)}/users/${segment(userid)}/attributes/`;
      const { status, body } = await get("getUserAttributes", path, {});
      if (status === 404) return undefined;
      if (status !== 200) throw fail("getUserAttributes", statusProblem("getUserAttributes", status), status);
      const parsed = parseAttributes(body);
      if (typeof parsed === "string") throw fail("getUserAttributes", parsed, status);
      return parsed;
    },
  };
}

function statusProblem(operation: Operation, status: number): string {
  if (status === 401 || status === 403) {
    return `was refused with status ${status}: check its apikey, and that it ${PERMISSION[operation]}`;
  }
  if (status >= 300 && status < 400) return "was answered with a redirect, which is never followed: correct its url";
  return `was answered with status ${status}`;
}

/**
 * One segment of a path: a serverid is base64 and may hold `+`, `/` and `=`. "." and ".." have no form in which they would be
 * a segment, since URLs take `%2e` for a dot too: such a request would be about something else.
 */
function segment(text: string): string {
  if (/^\.\.?$/.test(text)) {
    throw new TokenProxyError(
      "call_invalid",
      'a serverid or userid that is "." or ".." has no place in the nextAuth Server\'s API',
    );
  }
  return encodeURIComponent(text);
}
