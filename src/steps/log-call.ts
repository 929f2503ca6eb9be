// The log line of a call. It contains no credential; identities.ts decides how it names the user.

import type { CallReport } from "../core/call-report.ts";
import { type ErrorCode, framesOf, type TokenProxyError } from "../core/errors.ts";
import type { Log, LogFields, LogLevel } from "../core/ports.ts";
import type { LoggedIdentities } from "./identities.ts";

/** @param error undefined if the caller got the provider's answer */
export function logCall(
  log: Log,
  report: CallReport,
  identities: LoggedIdentities,
  error: TokenProxyError | undefined,
): void {
  const { nextauth, judged_by, error_code, durations, call_bytes, bytes, delivered, ...facts } = report;
  const steps = Object.entries(durations).map(([step, ms]) => [`${step.replace(".", "_")}_ms`, rounded(ms ?? 0)]);
  const fields = {
    ...{ ...facts, duration_ms: rounded(report.duration_ms), ...Object.fromEntries(steps) },
    ...{ call_bytes, bytes, delivered, ...identities },
  };
  if (error === undefined) log("info", "call", fields);
  else log(levelOf(error.code), "call", { ...fields, ...describeError(error) });
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const SEVERE =
  /^(?:internal|provider_(?:rejected_proxy|wrong_endpoint)|proxy_refused|signing_failed|client_assertion_unusable|audit_failed)$/;

/** `error` means that an operator or a developer has to change something. */
function levelOf(code: ErrorCode): LogLevel {
  if (code === "provider_refused_user") return "info";
  return SEVERE.test(code) ? "error" : "warn";
}

/** @returns what a log line says of an error: no message of others, which may quote a token */
export function describeError({ code, message, detail, cause }: TokenProxyError): LogFields {
  return { error_code: code, reason: message, ...detail, ...describeCause(cause, code === "internal") };
}

const MAX_CAUSES = 4;

/**
 * Codes and names of the chain of causes, like `UND_ERR_SOCKET < ECONNRESET`. Messages are left
 * out, because they quote what failed, which may be a token. A bug is logged with its stack frames.
 */
function describeCause(cause: unknown, withStack: boolean): LogFields {
  if (!(cause instanceof Error)) return cause === undefined ? {} : { cause: `thrown ${typeof cause}` };
  const names: string[] = [];
  for (let error: unknown = cause; error instanceof Error && names.length < MAX_CAUSES; error = error.cause) {
    const { code } = error as { code?: unknown };
    names.push(typeof code === "string" && /^[A-Z0-9_]{1,64}$/.test(code) ? code : error.name);
  }
  const frames = withStack ? framesOf(cause) : [];
  return { cause: names.join(" < "), ...(frames.length === 0 ? {} : { stack: frames.join("; ") }) };
}
