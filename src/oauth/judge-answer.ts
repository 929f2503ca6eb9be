// Judges what a provider answered: a parsed copy decides, the bytes are passed on unchanged.

import { type ErrorCode, TokenProxyError } from "../core/errors.ts";
import { readJsonObject } from "../core/json.ts";
import {
  TRANSPORT_FAILURES,
  TransportError,
  type TransportFailure,
  type TransportResponse,
} from "../core/transport.ts";
import type { FindRule } from "./error-rules.ts";
import type { ProviderSettings } from "./provider-settings.ts";

/** What the caller gets: status, Content-Type and body of the provider. */
export interface Answer {
  /** `refused`: the provider refuses this user. */
  outcome: "token" | "refused";
  status: number;
  contentType: string;
  body: Uint8Array;
  /** The status that the provider sent; `status` differs if a 2xx carried an error. */
  providerStatus: number;
  refusal?: {
    /** The provider's `error`, redacted. */
    error: string;
    judgedBy: NonNullable<TokenProxyError["judgedBy"]>;
    /** The provider's words for the log, redacted. */
    words(): Readonly<Record<string, string>>;
  };
}

/** All that a caller sees of an answer; a header can repeat a credential too. */
export const relayedText = ({ contentType, body }: Answer) => `${contentType}\n${new TextDecoder().decode(body)}`;

/** What judging needs besides the answer. */
export interface Judge {
  key: string;
  /** A token is a body of `any` kind, or a JSON object whose members `require` are all text. */
  answer: ProviderSettings["answer"];
  url: string;
  /** Milliseconds since the epoch, for a Retry-After that is a date. */
  now: number;
  findRule: FindRule;
  /** Whether the call brought the subject or actor token of a token exchange. */
  hasTokenOfCall: boolean;
  redact(text: string): string;
  /** Throws if the file does not allow to relay these members. */
  check?(members: Readonly<Record<string, unknown>>, isToken: boolean): void;
}

/**
 * @returns a token (RFC 6749 section 5.1) or a refusal of the user (section 5.2), to be relayed
 * @throws {TokenProxyError} with a `provider_…` code for everything else
 */
export function judgeAnswer(response: TransportResponse, judge: Judge): Answer {
  const { status, body } = response;
  const fail = (code: ErrorCode, what: string) =>
    new TokenProxyError(code, `the provider "${judge.key}" ${what}`, { detail: { provider_status: status } });

  if (status >= 300 && status < 400) {
    throw fail("provider_redirected", "answered with a redirect, which is never followed: correct its token_endpoint");
  }
  if (status === 205) throw fail("provider_error", "answered with status 205");
  const members = readJsonObject(body);
  const error = members?.error ?? undefined;
  // GitHub and others report errors with status 200, which must not look like a token.
  if (status >= 400 || (typeof error === "string" && error !== "")) return judgeFault(response, members ?? {}, judge);

  const isAny = judge.answer.format === "any";
  if (members === undefined && !isAny) throw fail("provider_not_json", "sent an answer that is not a JSON object");
  if (error !== undefined) throw fail("provider_error", "sent an error that is not a text");
  const missing = judge.answer.require.find((name) => typeof members?.[name] !== "string" || members[name] === "");
  if (missing !== undefined) throw fail("provider_no_token", `sent no ${missing}`);
  if (isAny && isNothing(body)) throw fail("provider_no_token", "sent an empty body or a page (HTML)");
  judge.check?.(members ?? {}, true);
  const ownType = members === undefined ? "application/octet-stream" : "application/json";
  return { ...relayed(response, ownType), outcome: "token", status };
}

/** A 4xx or 5xx, or an error in a 2xx. */
function judgeFault(response: TransportResponse, members: Readonly<Record<string, unknown>>, judge: Judge): Answer {
  const { status, headers } = response;
  const wait = headers.get("retry-after");
  const textOf = (name: string) => (typeof members[name] === "string" ? members[name] : "");
  const error = textOf("error");
  // Redaction takes 100 µs, and most refusals need none.
  const shownError = error === "invalid_grant" || error === "access_denied" ? error : judge.redact(error);
  const rule = judge.findRule(error, textOf("error_description"));
  const general = generalRule(status, error, wait, judge.hasTokenOfCall);
  const about = rule === undefined || rule.about === "unclear" ? general : rule.about;
  const judgedBy = rule === undefined || rule.about === "unclear" ? "general" : rule.by;
  const words = () => {
    const all = {
      provider_error: shownError,
      provider_error_description: judge.redact(textOf("error_description")),
      provider_error_uri: judge.redact(textOf("error_uri")),
      advice: rule?.advice ?? "",
      url: about === "endpoint" ? judge.url : "",
    };
    return Object.fromEntries(Object.entries(all).filter(([, text]) => text !== ""));
  };
  if (about === "user") {
    judge.check?.(members, false);
    const refusal = { error: shownError, judgedBy, words } as const;
    return { ...relayed(response), outcome: "refused", status: status < 400 ? 403 : status, refusal };
  }
  const [code, what] = FAULTS[about];
  const isDoubtful = about === "credential" || status === 401;
  throw new TokenProxyError(code, `the provider "${judge.key}" ${what}`, {
    judgedBy,
    credential: error === "invalid_client" ? "refused" : isDoubtful ? "doubtful" : undefined,
    retryAfter: about === "busy" ? retryAfterSeconds(wait, judge.now) : undefined,
    detail: { provider_status: status, ...words() },
  });
}

const REJECTED = [
  "provider_rejected_proxy",
  "rejects this proxy: check its client authentication, grant_type, scope and params",
] as const;

const FAULTS = {
  proxy: REJECTED,
  credential: REJECTED,
  endpoint: ["provider_wrong_endpoint", "has no token endpoint at its token_endpoint: correct that URL"],
  busy: ["provider_busy", "limits the requests of this proxy"],
  outage: ["provider_error", "reports a fault of its own"],
} as const;

/** This proxy is set up wrongly (RFC 6749 section 5.2, RFC 8707, RFC 9396, RFC 9449; fosite). */
const PROXY_ERRORS = (
  "invalid_client unauthorized_client unsupported_grant_type invalid_scope invalid_target invalid_request " +
  "unsupported_token_type use_dpop_nonce invalid_dpop_proof invalid_authorization_details jti_known"
).split(" ");

/** A web server that has no token endpoint there, or only for other methods and types. */
const WRONG_ENDPOINT = [404, 405, 406, 410, 415, 501];

/** Sentences, such as those of web frameworks, are no codes. */
const CODE = /^[a-z][a-z0-9_.-]*$/;

/** Whom an error concerns if neither the file nor the kind knows it. */
function generalRule(status: number, error: string, wait: string | null, hasTokenOfCall: boolean) {
  if (status === 429 || (status === 503 && wait !== null) || error === "temporarily_unavailable") return "busy";
  if (WRONG_ENDPOINT.includes(status)) return "endpoint";
  if (status >= 500 || error === "server_error") return "outage";
  // Spring and Keycloak send a 401 with any error code: it always means our credentials.
  if ((status >= 400 && status !== 400 && status !== 403) || !CODE.test(error)) return "proxy";
  if (error === "invalid_request" && hasTokenOfCall) return "user"; // RFC 8693 section 2.2.2
  return PROXY_ERRORS.includes(error) ? "proxy" : "user";
}

const TRANSPORT_CODES: Readonly<Record<TransportFailure, ErrorCode>> = {
  unreachable: "provider_unreachable",
  proxy_refused: "proxy_refused",
  connect_timeout: "provider_unreachable",
  timeout: "provider_timeout",
  late: "provider_timeout",
  truncated: "provider_truncated",
  too_large: "provider_too_large",
  malformed: "provider_error",
};

/** @returns the call's error for a request without an answer; any other error unchanged */
export function asProviderError(error: unknown, key: string): unknown {
  if (!(error instanceof TransportError)) return error;
  const { failure, cause } = error;
  const detail = failure === "late" ? { late: "process paused" } : {};
  const isLarge = failure === "too_large";
  const what = isLarge ? "sent an answer that is larger than its max_response_bytes" : TRANSPORT_FAILURES[failure];
  const message = `the provider "${key}" ${what}`;
  return new TokenProxyError(TRANSPORT_CODES[failure], message, { cause, detail });
}

/** A media type, then visible ASCII. No comma, because two such headers are joined by one. */
const CONTENT_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(?:[ \t]*;[\x20-\x2b\x2d-\x7e]*)?$/;
const MAX_CONTENT_TYPE_CHARS = 128;

/** With the provider's type, if a header may carry it. */
function relayed({ status, headers, body }: TransportResponse, ownType = "application/json") {
  const type = headers.get("content-type") ?? "";
  const isRelayable = type.length <= MAX_CONTENT_TYPE_CHARS && CONTENT_TYPE.test(type);
  return { contentType: isRelayable ? type : ownType, body, providerStatus: status };
}

/** Empty, or a login page with status 200. Its type says little: PHP labels everything as HTML. */
function isNothing(body: Uint8Array): boolean {
  return /^\s*(?:<(?:\?xml|!--)[^>]*>\s*)*(?:$|<(?:!doctype|html|head)\b)/i.test(new TextDecoder().decode(body));
}

/** If a provider limits us without saying for how long. */
const DEFAULT_RETRY_AFTER_SECONDS = 5;
/** Longer waits are cut: the next try shows whether the limit is gone. */
const MAX_RETRY_AFTER_SECONDS = 3600;

/** A number of seconds or a date (RFC 9110 section 10.2.3). */
function retryAfterSeconds(value: string | null, now: number): number {
  // Without a GMT, Date.parse would accept "-5" as a year.
  const date = value?.endsWith(" GMT") ? Date.parse(value) : Number.NaN;
  const seconds = /^\d+$/.test(value ?? "") ? Number(value) : Math.ceil((date - now) / 1000);
  return Number.isNaN(seconds) ? DEFAULT_RETRY_AFTER_SECONDS : Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_SECONDS);
}
