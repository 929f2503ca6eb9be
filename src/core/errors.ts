// Errors: a call without a token, an unusable configuration, a wrong command line.

/** Why a call gets an error response of ours. Stable: logs, metrics and callers rely on them. */
export type ErrorCode =
  | "caller_unauthenticated"
  | "caller_not_allowed"
  | "call_too_large"
  | "call_invalid"
  | "method_not_allowed"
  | "not_found"
  | "no_route"
  | "session_not_logged_in"
  | "session_mismatch"
  | "session_check_failed"
  | "session_check_timeout"
  | "attribute_missing"
  | "attributes_failed"
  | "attributes_timeout"
  | "grant_type_unsupported"
  | "rate_limited"
  | "provider_rejected_proxy"
  | "provider_busy"
  | "provider_error"
  | "provider_redirected"
  | "provider_not_json"
  | "provider_no_token"
  | "provider_too_large"
  | "provider_truncated"
  | "provider_wrong_subject"
  | "provider_unreachable"
  | "provider_timeout"
  | "provider_suspended"
  | "overloaded"
  | "internal";

export interface TokenProxyErrorOptions {
  /** What went wrong inside, for the log only. */
  cause?: unknown;
  /** Seconds after which the caller may try again: becomes Retry-After. */
  retryAfter?: number;
  /** Becomes WWW-Authenticate, which goes with a 401. */
  challenge?: string;
  /** Becomes Allow, which RFC 9110 section 15.5.6 requires with a 405. */
  allow?: string;
  /** Facts that are safe to log: a status, a registered OAuth error code. */
  detail?: Readonly<Record<string, string | number>>;
}

/**
 * A call that ends without a token. `code` decides the status and `error` (steps/error-table.ts).
 * `message` becomes error_description: it names keys of the configuration file, and never repeats
 * input, secrets, tokens or text of the provider.
 */
export class TokenProxyError extends Error {
  override readonly name = "TokenProxyError";
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly challenge: string | undefined;
  readonly allow: string | undefined;
  readonly detail: TokenProxyErrorOptions["detail"];

  constructor(code: ErrorCode, message: string, options: TokenProxyErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.challenge = options.challenge;
    this.allow = options.allow;
    this.detail = options.detail;
  }
}

/** A command that cannot run as given. The message says what to change; no stack is shown. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** One fault of the configuration file. `line` and `column` count from 1. */
export interface Fault {
  line: number;
  column: number;
  /** Like `providers.retail.token_endpoint`; empty for the file as a whole. */
  path: string;
  message: string;
}

/** A file that is not a configuration at all can have thousands of faults. */
const MAX_SHOWN_FAULTS = 50;

/** An unusable configuration, with every fault in it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(fileName: string, faults: readonly Fault[]) {
    const shown = faults.slice(0, MAX_SHOWN_FAULTS).map((fault) => formatFault(fileName, fault));
    if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`);
    super(shown.join("\n"));
    this.faults = faults;
  }
}

function formatFault(fileName: string, { line, column, path, message }: Fault): string {
  const place = `${fileName}:${line}:${column}`;
  return path === "" ? `${place} ${message}` : `${place} "${path}" ${message}`;
}
