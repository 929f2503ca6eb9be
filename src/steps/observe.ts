// The first step: measures a call. After its response come its log line, its metrics and its span.

import type { CallReport } from "../core/call-report.ts";
import { asCallError, ERROR_TABLE, type ErrorTable, type TokenProxyError } from "../core/errors.ts";
import type { Runtime } from "../core/ports.ts";
import { startTrace } from "../core/trace.ts";
import { toErrorResponse } from "./answer.ts";
import type { CallContext, CallStep } from "./context.ts";
import type { DescribeIdentities } from "./identities.ts";
import { logCall } from "./log-call.ts";

interface ObserveDeps extends Pick<Runtime, "ids" | "clock" | "log" | "tracer" | "onReport" | "inbound"> {
  describeIdentities: DescribeIdentities;
}

interface Route {
  /** The path in the file; empty for an unknown path. */
  path: string;
  /** Callers are not authenticated, so their traceparent is ignored. */
  open?: boolean;
  errorTable?: ErrorTable;
}

export function observe(deps: ObserveDeps, { path, open = false, errorTable = ERROR_TABLE }: Route): CallStep {
  const { ids, clock, log } = deps;
  return async (c, next) => {
    const started = clock.elapsed();
    const method = KNOWN_METHOD.test(c.req.method) ? c.req.method : undefined;
    const name = [method ?? "HTTP", path].filter((part) => part !== "").join(" ");
    const trace = startTrace(name, open ? undefined : c.req.raw.headers, deps);
    c.set("requestId", ids.uuid());
    c.set("trace", trace);
    c.set("errorTable", errorTable);
    try {
      await next();
    } catch (thrown) {
      // Hono passes Errors to app.onError. Anything else that is thrown arrives here.
      c.error = asCallError(thrown);
      c.res = toErrorResponse(thrown, c);
    }
    const error = c.error === undefined ? undefined : asCallError(c.error);
    const response = { method, ...reportOf(c, path, clock.elapsed() - started, error) };
    const identities = await deps.describeIdentities(trace.facts);
    deps.inbound.afterResponse(c.req.raw, c.env, (delivered) => {
      const report = { ...response, delivered };
      logCall(log, report, identities, error);
      deps.onReport(report);
      trace.end(() => spanAttributes(report), report.status >= 500);
    });
  };
}

function reportOf(c: CallContext, route: string, duration_ms: number, error: TokenProxyError | undefined) {
  const { traceId: trace_id, facts, durations, attempts } = c.get("trace");
  const answer = c.get("answer");
  // A refusal counts as one, relayed or not.
  const error_code = error?.code === "provider_refused_user" ? undefined : error?.code;
  const length = c.req.raw.headers.get("content-length");
  return {
    request_id: c.get("requestId"),
    trace_id,
    route,
    caller: facts.caller,
    provider: facts.provider,
    nextauth: facts.nextauth,
    outcome: error_code === undefined && answer !== undefined ? answer.outcome : "error",
    status: c.res.status,
    error_code,
    provider_status: answer?.providerStatus,
    provider_error: answer?.refusal?.error,
    judged_by: error?.judgedBy ?? answer?.refusal?.judgedBy,
    attempts,
    duration_ms,
    durations,
    call_bytes: length === null ? undefined : Number(length),
    bytes: answer?.body.length,
  } satisfies Omit<CallReport, "method" | "delivered">;
}

/** OpenTelemetry's conventions report any other method as _OTHER. */
const KNOWN_METHOD = /^(?:CONNECT|DELETE|GET|HEAD|OPTIONS|PATCH|POST|PUT|QUERY|TRACE)$/;

/** OpenTelemetry's semantic conventions for HTTP, and some of our own. */
function spanAttributes(report: CallReport) {
  return {
    "http.request.method": report.method ?? "_OTHER",
    "http.route": report.route,
    "http.response.status_code": report.status,
    "error.type": report.error_code,
    "token_proxy.request_id": report.request_id,
    "token_proxy.caller": report.caller,
    "token_proxy.provider": report.provider,
    "token_proxy.outcome": report.outcome,
  };
}
