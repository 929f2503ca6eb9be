// Errors: a call without a token, an unusable configuration, a wrong command line.

/** Status and `error` by code. The codes are stable: logs, metrics and callers rely on them. */
export const ERROR_TABLE = {
  caller_unauthenticated: [401, "invalid_client"],
  caller_not_allowed: [403, "access_denied"],
  call_too_large: [413, "invalid_request"],
  call_invalid: [400, "invalid_request"],
  call_timeout: [408, "invalid_request"],
  call_deadline: [504, "server_error"],
  caller_gone: [499, "invalid_request"], // as nginx logs it; nobody receives it
  method_not_allowed: [405, "invalid_request"],
  not_found: [404, "invalid_request"],
  no_route: [404, "invalid_target"],
  session_not_logged_in: [403, "access_denied"],
  session_mismatch: [403, "access_denied"],
  session_check_failed: [502, "server_error"],
  session_check_timeout: [504, "server_error"],
  attribute_missing: [403, "access_denied"],
  attributes_failed: [502, "server_error"],
  attributes_timeout: [504, "server_error"],
  grant_type_unsupported: [400, "unsupported_grant_type"],
  rate_limited: [429, "temporarily_unavailable"],
  provider_refused_user: [403, "access_denied"],
  provider_rejected_proxy: [502, "server_error"],
  provider_wrong_endpoint: [502, "server_error"],
  provider_busy: [503, "temporarily_unavailable"],
  provider_error: [502, "server_error"],
  provider_redirected: [502, "server_error"],
  provider_not_json: [502, "server_error"],
  provider_no_token: [502, "server_error"],
  provider_too_large: [502, "server_error"],
  provider_truncated: [502, "server_error"],
  provider_wrong_subject: [502, "server_error"],
  provider_wrong_audience: [502, "server_error"],
  provider_wrong_scope: [502, "server_error"],
  provider_wrong_lifetime: [502, "server_error"],
  provider_forbidden_member: [502, "server_error"],
  provider_unreachable: [502, "server_error"],
  proxy_refused: [502, "server_error"],
  provider_timeout: [504, "server_error"],
  provider_suspended: [503, "temporarily_unavailable"],
  signing_failed: [502, "server_error"],
  client_assertion_unusable: [502, "server_error"],
  audit_failed: [503, "temporarily_unavailable"],
  overloaded: [503, "temporarily_unavailable"],
  internal: [500, "server_error"],
} as const;

export type ErrorCode = keyof typeof ERROR_TABLE;
export type ErrorTable = Readonly<Record<ErrorCode, readonly [status: number, error: string]>>;

const ERROR_CODES = Object.keys(ERROR_TABLE) as ErrorCode[];
const ERROR_CLASSES = ["user_refusals", "call_errors", "our_errors"] as const;
type ErrorClass = (typeof ERROR_CLASSES)[number];

/** @returns undefined if no getToken call ends with this code */
function classOf(code: ErrorCode): ErrorClass | undefined {
  if (/^(?:method_not_allowed|not_found|grant_type_unsupported|caller_gone)$/.test(code)) return undefined;
  const [status] = ERROR_TABLE[code];
  if (status === 403 && code !== "caller_not_allowed") return "user_refusals";
  return status < 500 ? "call_errors" : "our_errors";
}

/** Statuses that replace those of the table, for a class or for one code, which wins. */
export type Statuses = Readonly<Partial<Record<ErrorClass | ErrorCode, number>>>;
export const STATUS_NAMES: readonly string[] = [...ERROR_CLASSES, ...ERROR_CODES.filter(classOf)];

export function statusOf(code: ErrorCode, statuses: Statuses): number | undefined {
  return statuses[code] ?? statuses[classOf(code) as ErrorClass];
}

export function withStatuses(statuses: Statuses): ErrorTable {
  const rowOf = (code: ErrorCode) => [statusOf(code, statuses) ?? ERROR_TABLE[code][0], ERROR_TABLE[code][1]];
  return Object.fromEntries(ERROR_CODES.map((code) => [code, rowOf(code)])) as unknown as ErrorTable;
}

/** In an exchange the webNonce is the grant: RFC 6749 section 5.2 has a code for an invalid one. */
export const EXCHANGE_ERROR_TABLE: ErrorTable = { ...ERROR_TABLE, session_not_logged_in: [400, "invalid_grant"] };

/**
 * A call that ends without a token. `message` becomes error_description: it names keys of the
 * configuration file, and never repeats input, secrets, tokens or text of the provider.
 */
export class TokenProxyError extends Error {
  override readonly name = "TokenProxyError";
  readonly code: ErrorCode;
  /** Seconds after which the caller may try again: becomes Retry-After. */
  readonly retryAfter?: number | undefined;
  /** Becomes WWW-Authenticate, which goes with a 401. */
  readonly challenge?: string;
  /** Becomes Allow, which RFC 9110 section 15.5.6 requires with a 405. */
  readonly allow?: string;
  /** Facts that are safe to log: a status, a redacted text. */
  readonly detail?: Readonly<Record<string, string | number>>;
  /** Which rule judged the provider's error. */
  readonly judgedBy?: "file" | "kind" | "general";
  /** Whether the provider refuses the client's credential, or perhaps something else. */
  readonly credential?: "refused" | "doubtful" | undefined;

  /** @param more `cause` is what went wrong inside, for the log only */
  constructor(code: ErrorCode, message: string, { cause, ...more }: ErrorFacts = {}) {
    super(message, { cause });
    this.code = code;
    Object.assign(this, more);
  }
}

type ErrorFacts = Partial<Omit<TokenProxyError, "code" | keyof Error>> & Pick<TokenProxyError, "cause">;

/** @returns the error itself, or `internal` for any other, which is a bug */
export function asCallError(thrown: unknown): TokenProxyError {
  if (thrown instanceof TokenProxyError) return thrown;
  const message = "the proxy failed; its log has the reason under this request_id";
  return new TokenProxyError("internal", message, { cause: thrown });
}

/** A command that cannot run as given. The message says what to change; no stack is shown. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

export interface Fault {
  /** Counted from 1, as `column` is. */
  line: number;
  column: number;
  /** Like `providers.retail.token_endpoint`; empty for the file as a whole. */
  path: string;
  message: string;
  /** The line of the file with a caret below it, or empty. */
  excerpt: string;
}

/** A file that is not a configuration at all can have thousands of faults. */
const MAX_SHOWN_FAULTS = 50;

/** An unusable configuration, with every fault in it. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly faults: readonly Fault[];
  /** The message, with the excerpt of each fault. */
  readonly details: string;

  constructor(fileName: string, faults: readonly Fault[]) {
    const shown = faults.slice(0, MAX_SHOWN_FAULTS).map(({ line, column, path, message, excerpt }) => {
      const place = path === "" ? "" : ` "${path}"`;
      return [`${fileName}:${line}:${column}${place} ${message}`, excerpt];
    });
    if (faults.length > shown.length) shown.push([`and ${faults.length - shown.length} more`]);
    super(shown.map(([text]) => text).join("\n"));
    this.faults = faults;
    this.details = shown.flat().filter(Boolean).join("\n");
  }
}

/** The start of a stack. Node's own errors add a code, like `TypeError [ERR_INVALID_ARG_TYPE]`. */
const ERROR_NAME = /^[\w$.]+(?: \[\w+\])?/;

/**
 * A message may quote a secret or a token, on lines that look like frames, so it is cut off first.
 * @returns frames like `at name (file:line:column)`; none if the message cannot be cut off
 */
export function framesOf({ message, stack }: Error): string[] {
  if (typeof stack !== "string") return [];
  const name = ERROR_NAME.exec(stack)?.[0] ?? "";
  const head = message === "" ? name : `${name}: ${message}`;
  if (name === "" || !stack.startsWith(`${head}\n`)) return [];
  return (stack.slice(head.length).match(/^ +at .*$/gm) ?? []).map((line) => line.trim());
}
