// Judges what a token endpoint answered. The bytes are parsed on a copy to judge them, and handed on as they came.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import type { TransportResponse } from "../core/transport.ts";

/** What the caller gets of a provider's answer: its status, the type of its body, and its body byte for byte. */
export interface TokenAnswer {
  /** `token`: here is one. `refused`: the provider says no for this user. */
  outcome: "token" | "refused";
  status: number;
  contentType: string;
  body: Uint8Array;
  /** The status that the provider sent: another than the one above where a 2xx carried an error. */
  providerStatus: number;
  /** The `error` of a refusal where it is a registered code, else "unregistered"; safe for the log. */
  providerError?: string;
}

export interface ErrorRules {
  /** OAuth error codes that are about the user, although by default they are about this proxy. */
  user_errors: readonly string[];
  /** OAuth error codes that are about this proxy, although by default they are about the user. */
  proxy_errors: readonly string[];
}

/** Errors that say that this proxy is set up wrongly: no app can do anything about them (RFC 6749 §5.2, RFC 8707 §2). */
const PROXY_ERRORS = [
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "invalid_request",
];

/** Sent where a provider limits us without saying for how long. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;
/** A provider's wish for more is cut to this: the caller's next try is what shows that the limit is gone. */
const MAX_RETRY_AFTER_SECONDS = 3600;

/** Codes that may be written down (IANA's registry of OAuth errors, OpenID Connect Core §3.1.2.6, Auth0's mfa_required). */
const LOGGABLE_ERRORS = new Set([
  ...PROXY_ERRORS,
  "invalid_grant",
  "access_denied",
  "interaction_required",
  "login_required",
  "consent_required",
  "account_selection_required",
  "mfa_required",
  "invalid_token",
  "insufficient_scope",
  "expired_token",
  "authorization_pending",
  "slow_down",
  "unsupported_token_type",
  "invalid_dpop_proof",
  "use_dpop_nonce",
  "invalid_authorization_details",
  "insufficient_user_authentication",
  "unmet_authentication_requirements",
  "server_error",
  "temporarily_unavailable",
]);

/**
 * A media type (RFC 9110 §8.3.1) and visible ASCII behind it. No comma: a list of types, as two such headers become, is none.
 * Its parameters are not taken apart: the grammar of them as an expression takes exponential time on what does not match.
 */
const CONTENT_TYPE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[\x20-\x2b\x2d-\x7e]*)?$/;
const MAX_CONTENT_TYPE_CHARS = 128;

/**
 * @param key the provider's key in the file, as `providers.retail`, for the description of an error
 * @param now milliseconds since the epoch, for a Retry-After that is a date
 * @returns what to relay: a 2xx with an access_token (RFC 6749 §5.1), or an error about the user (§5.2)
 * @throws {TokenProxyError} with a `provider_…` code for everything else
 */
export function judgeTokenResponse(
  response: TransportResponse,
  rules: ErrorRules,
  key: string,
  now: number,
): TokenAnswer {
  const { status } = response;
  const fail = (code: ErrorCode, what: string, extra: { error?: string; retryAfter?: number } = {}) =>
    new TokenProxyError(code, `the provider "${key}" ${what}`, {
      ...(extra.retryAfter === undefined ? {} : { retryAfter: extra.retryAfter }),
      detail: {
        provider_status: status,
        ...(extra.error === undefined ? {} : { provider_error: loggable(extra.error) }),
      },
    });

  const retryAfter = response.headers.get("retry-after");
  if (status === 429 || (status === 503 && retryAfter !== null)) {
    throw fail("provider_busy", "limits the calls of this proxy", { retryAfter: retryAfterSeconds(retryAfter, now) });
  }
  if (status >= 300 && status < 400) {
    throw fail("provider_redirected", "answered with a redirect, which is never followed: correct its token_endpoint");
  }
  if (status === 205) throw fail("provider_error", "answered with status 205, which has no body");
  if (status >= 500) throw fail("provider_error", `answered with status ${status}`);

  const members = readJsonObject(response.body);
  // Whatever else the body of a 401 says, our credentials were refused: Spring and Keycloak send it with any error.
  if (status === 401) {
    throw fail("provider_rejected_proxy", REJECTED, typeof members?.error === "string" ? { error: members.error } : {});
  }
  if (members === undefined) throw fail("provider_not_json", "answered with something that is not a JSON object");

  const answer = {
    contentType: relayableContentType(response.headers.get("content-type")),
    body: response.body,
    providerStatus: status,
  };
  const error = members.error ?? undefined;
  if (error !== undefined) {
    if (typeof error !== "string" || error === "")
      throw fail("provider_error", "answered with an error that is no text");
    if (isProxyError(error, rules)) throw fail("provider_rejected_proxy", REJECTED, { error });
    // GitHub and others report an error with status 200; the caller must not take that for a token.
    return { ...answer, outcome: "refused", status: status < 400 ? 403 : status, providerError: loggable(error) };
  }
  if (status >= 400) throw fail("provider_error", `answered with status ${status} and without an error code`);
  if (typeof members.access_token !== "string" || members.access_token === "") {
    throw fail("provider_no_token", "answered without an access_token");
  }
  return { ...answer, outcome: "token", status };
}

const REJECTED =
  "does not accept this proxy: check client_id, client_secret, token_endpoint_auth_method, grant_type, scope and params there";

/** Whether the provider refused the client's credentials, and not something else about this proxy. */
export function refusedClient(error: unknown): boolean {
  return error instanceof TokenProxyError && error.detail?.provider_error === "invalid_client";
}

/** Whether an error shows that the client's credentials were good and something else was not. */
export function acceptedClient(error: unknown): boolean {
  if (!(error instanceof TokenProxyError)) return false;
  if (error.code === "provider_wrong_subject" || error.code === "provider_no_token") return true;
  const { provider_status: status, provider_error: code } = error.detail ?? {};
  return (status === 400 || status === 403) && code !== undefined && !refusedClient(error);
}

function isProxyError(error: string, { user_errors, proxy_errors }: ErrorRules): boolean {
  return proxy_errors.includes(error) || (PROXY_ERRORS.includes(error) && !user_errors.includes(error));
}

/** A provider may put anything into `error`, a user's name or a token included. */
function loggable(error: string): string {
  return LOGGABLE_ERRORS.has(error) ? error : "unregistered";
}

/** The provider's type where a header may carry it; its body was read as JSON, so that is what it is otherwise. */
function relayableContentType(value: string | null): string {
  const isType = value !== null && value.length <= MAX_CONTENT_TYPE_CHARS && CONTENT_TYPE.test(value);
  return isType ? value : "application/json";
}

/** Seconds from a Retry-After of RFC 9110 §10.2.3, which is a number of seconds or a date. */
function retryAfterSeconds(value: string | null, now: number): number {
  if (value === null) return DEFAULT_RETRY_AFTER_SECONDS;
  // Date.parse takes "-5" for a year.
  const date = /^[A-Z][a-z]+,? .* GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((date - now) / 1000);
  if (Number.isNaN(seconds)) return DEFAULT_RETRY_AFTER_SECONDS;
  return Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS);
}
