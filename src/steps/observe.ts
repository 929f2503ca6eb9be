// Runs one call and turns what comes of it, a token or an error, into the response, the line of the log and the report.

import type { Tracer } from "@opentelemetry/api";
import type { CallReport, Observe } from "../core/call-report.ts";
import { TokenProxyError } from "../core/errors.ts";
import type { Clock, Ids, Log } from "../core/ports.ts";
import { followCall } from "../core/trace.ts";
import type { CallRecord } from "../get-token.ts";
import type { TokenAnswer } from "../oauth/token-response.ts";
import { errorResponse, relay, WIRE, type Wire } from "./answer.ts";
import { asCallError, logCall } from "./call-log.ts";
import type { DescribeIdentities } from "./identities.ts";

/** A way in. */
export interface Door {
  /** The path in the file; empty where nothing is at the path. */
  route: string;
  /** Whether anybody may call: what a call says of the trace that it belongs to then counts for nothing. */
  open?: boolean;
  wire?: Wire;
}

/** Nothing that `handle` throws gets further. */
export type Answer = (
  request: Request,
  door: Door,
  handle: (record: CallRecord) => Promise<TokenAnswer>,
) => Promise<Response>;

export interface AnswerDeps {
  ids: Ids;
  clock: Clock;
  log: Log;
  tracer: Tracer;
  observe: Observe;
}

/** A place is free as soon as one of the calls in flight ends. */
const RETRY_AFTER_SECONDS = 1;

/** @param maxInFlight calls at once; whatever comes beyond is refused before it is looked at */
export function createAnswer(deps: AnswerDeps, describe: DescribeIdentities, maxInFlight: number): Answer {
  const { ids, clock, log, observe } = deps;
  let inFlight = 0;

  return async (request, { route, open = false, wire = WIRE }, handle) => {
    const started = clock.elapsed();
    const requestId = ids.uuid();
    const method = KNOWN_METHODS.has(request.method) ? request.method : undefined;
    const steps = followCall(spanName(method, route), open ? undefined : request.headers, deps);
    const record: CallRecord = { run: steps.run };
    let token: TokenAnswer | undefined;
    let error: TokenProxyError | undefined;
    let response: Response;
    inFlight += 1;
    try {
      if (inFlight > maxInFlight) throw overloaded();
      token = await handle(record);
      response = relay(token, requestId);
    } catch (thrown) {
      error = asCallError(thrown);
      response = errorResponse(error, requestId, wire);
    } finally {
      inFlight -= 1;
    }
    const report: CallReport = {
      requestId,
      traceId: steps.traceId,
      route,
      caller: record.caller,
      provider: record.provider,
      nextauth: record.nextauth,
      outcome: token?.outcome ?? "error",
      status: response.status,
      errorCode: error?.code,
      providerStatus: token?.providerStatus,
      providerError: token?.providerError,
      attempts: record.attempts ?? 0,
      duration: clock.elapsed() - started,
      durations: steps.durations,
      callBytes: lengthOf(request),
      bytes: token?.body.length,
    };
    logCall(log, report, await describe(record), error);
    observe(report);
    steps.end(() => spanAttributes(method, report), response.status >= 500);
    return response;
  };
}

function lengthOf(request: Request): number | undefined {
  const length = request.headers.get("content-length");
  return length === null ? undefined : Number(length);
}

/** Of RFC 9110, PATCH and QUERY. Any other one is the caller's text, and by OpenTelemetry's conventions not told as it came. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(
  "CONNECT DELETE GET HEAD OPTIONS PATCH POST PUT QUERY TRACE".split(" "),
);

/** @param method undefined for one that is not known */
function spanName(method: string | undefined, route: string): string {
  return [method ?? "HTTP", route].filter((part) => part !== "").join(" ");
}

/** By OpenTelemetry's semantic conventions for HTTP, and a few of our own. */
function spanAttributes(method: string | undefined, report: CallReport) {
  return {
    "http.request.method": method ?? "_OTHER",
    "http.route": report.route,
    "http.response.status_code": report.status,
    "error.type": report.errorCode,
    "token_proxy.request_id": report.requestId,
    "token_proxy.caller": report.caller,
    "token_proxy.provider": report.provider,
    "token_proxy.outcome": report.outcome,
  };
}

function overloaded(): TokenProxyError {
  return new TokenProxyError("overloaded", 'more calls are in flight than "server.max_in_flight"', {
    retryAfter: RETRY_AFTER_SECONDS,
  });
}
