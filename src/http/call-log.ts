// One line in the log for every call, and nothing in it that identifies a user or could be used as a credential.

import { type ErrorCode, TokenProxyError } from "../errors.ts";
import type { CallRecord } from "../get-token.ts";
import type { TokenAnswer } from "../oauth/token-response.ts";
import type { Log, LogLevel } from "../ports.ts";
import type { LoggedIdentities } from "./identities.ts";

export interface LoggedCall {
  requestId: string;
  /** Milliseconds from the call's arrival to its answer. */
  duration: number;
  record: CallRecord;
  identities: LoggedIdentities;
}

export function logAnswer(log: Log, call: LoggedCall, answer: TokenAnswer): void {
  log("info", "call", {
    ...common(call),
    outcome: answer.outcome,
    provider_status: answer.providerStatus,
    provider_error: answer.providerError,
    bytes: answer.body.length,
  });
}

export function logError(log: Log, call: LoggedCall, error: TokenProxyError): void {
  log(levelOf(error.code), "call", {
    ...common(call),
    outcome: "error",
    error_code: error.code,
    reason: error.message,
    ...error.detail,
    ...describeCause(error.cause, error.code === "internal"),
  });
}

/** @returns the error itself, or the internal error for one that nobody expected */
export function asCallError(error: unknown): TokenProxyError {
  if (error instanceof TokenProxyError) return error;
  return new TokenProxyError("internal", "the proxy failed; its log has the reason under this request_id", {
    cause: error,
  });
}

function common({ requestId, duration, record, identities }: LoggedCall) {
  return {
    request_id: requestId,
    caller: record.caller,
    provider: record.provider,
    attempts: record.attempts,
    ...identities,
    duration_ms: Math.round(duration * 10) / 10,
  };
}

function levelOf(code: ErrorCode): LogLevel {
  if (code === "internal" || code === "provider_rejected_proxy") return "error"; // somebody has to change something
  return "warn";
}

/** How deep a chain of causes is followed. */
const MAX_CAUSES = 4;

/**
 * Codes and names of a chain of causes, as `UND_ERR_SOCKET < ECONNRESET`. Messages stay out: they quote what they failed on,
 * and that may be a token. For a bug, where it happened is given too.
 */
function describeCause(cause: unknown, withStack: boolean): { cause?: string; stack?: string } {
  const names: string[] = [];
  let error = cause;
  while (error instanceof Error && names.length < MAX_CAUSES) {
    const { code } = error as { code?: unknown };
    names.push(typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : error.name);
    error = error.cause;
  }
  if (names.length === 0) return cause === undefined ? {} : { cause: `thrown ${typeof cause}` };
  const described = { cause: names.join(" < ") };
  if (!withStack || !(cause instanceof Error)) return described;
  // A message may have lines that look like frames, so all of it goes before they are looked for.
  const head = `${cause.name}: ${cause.message}`;
  const { stack = "" } = cause;
  if (!stack.startsWith(head)) return described;
  const frames = stack
    .slice(head.length)
    .split("\n")
    .filter((line) => /^\s+at /.test(line));
  return { ...described, stack: frames.map((line) => line.trim()).join("; ") };
}
