// The two errors of this program: one for a call that gets no token, one for a file that cannot be used.

/** Every reason for which a call gets an answer of our own. Stable: logs, metrics, README and callers rely on the names. */
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
  /** What went wrong inside, for the log alone. */
  cause?: unknown;
  /** When the caller may try again, in seconds: becomes Retry-After. */
  retryAfter?: number;
  /** Value of the WWW-Authenticate header beside a 401. */
  challenge?: string;
  /** Value of the Allow header that RFC 9110 §15.5.6 asks for beside a 405. */
  allow?: string;
  /** Facts for the log that are safe to write down: a status, a registered OAuth error code. */
  detail?: Readonly<Record<string, string | number>>;
}

/**
 * A call that ends without a token. `code` decides status and `error` (http/answer.ts); `message` is sent to the
 * caller as error_description, so it names keys of the configuration file and never input, secrets, tokens or provider text.
 */
export class TokenProxyError extends Error {
  override readonly name = "TokenProxyError";
  readonly code: ErrorCode;
  readonly retryAfter: number | undefined;
  readonly allow: string | undefined;
  readonly challenge: string | undefined;
  readonly detail: Readonly<Record<string, string | number>> | undefined;

  constructor(code: ErrorCode, message: string, options: TokenProxyErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryAfter = options.retryAfter;
    this.allow = options.allow;
    this.challenge = options.challenge;
    this.detail = options.detail;
  }
}

/** One fault of the configuration file. `line` and `column` count from 1. */
export interface Fault {
  line: number;
  column: number;
  /** Where in the file, as `providers.retail.token_endpoint`; empty for the file as a whole. */
  path: string;
  message: string;
}

/** More than anybody reads at once; a file that is no configuration at all can have thousands. */
const MAX_FAULTS_TOLD = 50;

/** A command that cannot be carried out as it was given. What the user has to change is in the message; no stack is shown. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** A configuration that cannot be used, with every fault that was found. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];

  constructor(fileName: string, faults: readonly Fault[]) {
    const told = faults.slice(0, MAX_FAULTS_TOLD).map((fault) => formatFault(fileName, fault));
    if (faults.length > told.length) told.push(`and ${faults.length - told.length} more`);
    super(told.join("\n"));
    this.faults = faults;
  }
}

function formatFault(fileName: string, { line, column, path, message }: Fault): string {
  const where = `${fileName}:${line}:${column}`;
  return path === "" ? `${where} ${message}` : `${where} "${path}" ${message}`;
}
