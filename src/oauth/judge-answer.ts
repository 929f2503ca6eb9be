// Judges what a provider answered: a parsed copy decides, the bytes are passed on unchanged.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import { TransportError, type TransportFailure, type TransportResponse } from "../core/transport.ts";

/** What the caller gets: status, Content-Type and body of the provider. */
export interface Answer {
  /** `refused`: the provider refuses this user. */
  outcome: "token" | "refused";
  status: number;
  contentType: string;
  body: Uint8Array;
  /** The status that the provider sent; `status` differs if a 2xx carried an error. */
  providerStatus: number;
  /** The `error` of a refusal if it is a registered code, else "unregistered". Safe to log. */
  providerError?: string;
}

/** OAuth error codes that the file classifies differently. */
export interface ErrorRules {
  /** These are about the user. */
  user_errors: readonly string[];
  /** These are about this proxy. */
  proxy_errors: readonly string[];
}

export interface AnswerRules extends ErrorRules {
  /** A token is a body of `any` kind, or a JSON object whose members `require` are all text. */
  answer: { format: "json" | "any"; require: readonly string[] };
}

/** This proxy is set up wrongly (RFC 6749 section 5.2, RFC 8707 section 2). */
const PROXY_ERRORS = [
  "invalid_client",
  "unauthorized_client",
  "unsupported_grant_type",
  "invalid_scope",
  "invalid_target",
  "invalid_request",
];

/** Codes that may be logged (IANA's OAuth registry, OpenID Connect Core, Auth0's mfa_required). */
const REGISTERED_ERRORS = new Set([
  ...PROXY_ERRORS,
  ...["invalid_grant", "access_denied", "interaction_required", "login_required", "consent_required"],
  ...["account_selection_required", "mfa_required", "invalid_token", "insufficient_scope", "expired_token"],
  ...["authorization_pending", "slow_down", "unsupported_token_type", "invalid_dpop_proof", "use_dpop_nonce"],
  ...["invalid_authorization_details", "insufficient_user_authentication", "unmet_authentication_requirements"],
  ...["server_error", "temporarily_unavailable"],
]);

/**
 * @param key the provider's key in the file, like `providers.retail`
 * @param now milliseconds since the epoch, for a Retry-After that is a date
 * @returns a token (RFC 6749 section 5.1) or a refusal of the user (section 5.2), to be relayed
 * @throws {TokenProxyError} with a `provider_…` code for everything else
 */
export function judgeAnswer(response: TransportResponse, rules: AnswerRules, key: string, now: number): Answer {
  const { status } = response;
  const fail = (code: ErrorCode, what: string, error?: unknown, options: { retryAfter?: number } = {}) => {
    const provider_error = typeof error === "string" ? { provider_error: loggable(error) } : {};
    const detail = { provider_status: status, ...provider_error };
    return new TokenProxyError(code, `the provider "${key}" ${what}`, { ...options, detail });
  };

  const wait = response.headers.get("retry-after");
  if (status === 429 || (status === 503 && wait !== null)) {
    const retryAfter = retryAfterSeconds(wait, now);
    throw fail("provider_busy", "limits the requests of this proxy", undefined, { retryAfter });
  }
  if (status >= 300 && status < 400) {
    throw fail("provider_redirected", "answered with a redirect, which is never followed: correct its token_endpoint");
  }
  if (status === 205 || status >= 500) throw fail("provider_error", `answered with status ${status}`);

  const members = readJsonObject(response.body);
  // Spring and Keycloak send a 401 with any error code: it always means our credentials.
  if (status === 401) throw fail("provider_rejected_proxy", REJECTED, members?.error);
  const isAny = status < 300 && rules.answer.format === "any";
  if (members === undefined && !isAny) throw fail("provider_not_json", "sent an answer that is not a JSON object");

  const ownType = members === undefined ? "application/octet-stream" : "application/json";
  const answer = {
    contentType: relayableContentType(response.headers.get("content-type"), ownType),
    body: response.body,
    providerStatus: status,
  };
  const error = members?.error ?? undefined;
  if (error !== undefined) {
    if (typeof error !== "string" || error === "") throw fail("provider_error", "sent an error that is not a text");
    const isProxyError = PROXY_ERRORS.includes(error) && !rules.user_errors.includes(error);
    if (isProxyError || rules.proxy_errors.includes(error)) throw fail("provider_rejected_proxy", REJECTED, error);
    // GitHub and others report errors with status 200, which must not look like a token.
    return { ...answer, outcome: "refused", status: status < 400 ? 403 : status, providerError: loggable(error) };
  }
  if (status >= 400) throw fail("provider_error", `answered with status ${status} but no error code`);
  const missing = rules.answer.require.find((name) => typeof members?.[name] !== "string" || members[name] === "");
  if (missing !== undefined) throw fail("provider_no_token", `sent no ${missing}`);
  if (isAny && isNothing(response.body)) throw fail("provider_no_token", "sent an empty body or a page (HTML)");
  return { ...answer, outcome: "token", status };
}

const REJECTED =
  "rejects this proxy: check its client_id, client_secret, token_endpoint_auth_method, grant_type, scope and params";

const FAILURES = {
  unreachable: ["provider_unreachable", "cannot be reached"],
  connect_timeout: ["provider_unreachable", "did not accept a connection in time"],
  timeout: ["provider_timeout", "did not answer in time"],
  late: ["provider_timeout", "could not answer in time, because this proxy was paused"],
  truncated: ["provider_truncated", "closed the connection in the middle of its answer"],
  too_large: ["provider_too_large", "sent an answer larger than max_response_bytes"],
  malformed: ["provider_error", "sent an answer that is not valid HTTP"],
} as const satisfies Record<TransportFailure, readonly [string, string]>;

/** @returns the call's error for a request without an answer; any other error unchanged */
export function asProviderError(error: unknown, key: string): unknown {
  if (!(error instanceof TransportError)) return error;
  const [code, what] = FAILURES[error.failure];
  const detail = error.failure === "late" ? { late: "process paused" } : {};
  return new TokenProxyError(code, `the provider "${key}" ${what}`, { cause: error.cause, detail });
}

/** Whether the provider rejected the client's credentials, and nothing else. */
export function isClientRejected(error: unknown): boolean {
  return error instanceof TokenProxyError && error.detail?.provider_error === "invalid_client";
}

/** Whether an error shows that the client's credentials were good and something else was not. */
export function isClientAccepted(error: unknown): boolean {
  if (!(error instanceof TokenProxyError)) return false;
  if (error.code === "provider_wrong_subject" || error.code === "provider_no_token") return true;
  const { provider_status: status, provider_error: code } = error.detail ?? {};
  return (status === 400 || status === 403) && code !== undefined && !isClientRejected(error);
}

/** A provider may put anything into `error`, even a user's name or a token. */
function loggable(error: string): string {
  return REGISTERED_ERRORS.has(error) ? error : "unregistered";
}

/**
 * A media type (RFC 9110 section 8.3.1) and visible ASCII. No comma, because two such headers are
 * joined by one. A stricter pattern for the parameters takes exponential time on bad input.
 */
const CONTENT_TYPE = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+\/[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*;[\x20-\x2b\x2d-\x7e]*)?$/;
const MAX_CONTENT_TYPE_CHARS = 128;

/** The provider's type if a header may carry it, else `ownType`. */
function relayableContentType(value: string | null, ownType: string): string {
  const isType = value !== null && value.length <= MAX_CONTENT_TYPE_CHARS && CONTENT_TYPE.test(value);
  return isType ? value : ownType;
}

/** Empty, or a login page with status 200. Its type says little: PHP labels everything as HTML. */
function isNothing(body: Uint8Array): boolean {
  return /^\s*(?:$|<(?:!doctype|html)\b)/i.test(new TextDecoder().decode(body));
}

/** If a provider limits us without saying for how long. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;
/** Longer waits are cut: the next try shows whether the limit is gone. */
const MAX_RETRY_AFTER_SECONDS = 3600;

/** A number of seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterSeconds(value: string | null, now: number): number {
  if (value === null) return DEFAULT_RETRY_AFTER_SECONDS;
  // Date.parse would accept "-5" as a year.
  const date = /^[A-Z][a-z]+,? .* GMT$/.test(value) ? Date.parse(value) : Number.NaN;
  const seconds = /^\d+$/.test(value) ? Number(value) : Math.ceil((date - now) / 1000);
  if (Number.isNaN(seconds)) return DEFAULT_RETRY_AFTER_SECONDS;
  return Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS);
}
