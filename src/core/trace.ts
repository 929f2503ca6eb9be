// Follows one call through its steps: how long each took, and a span for each where OpenTelemetry is set up around this program.

import {
  createTraceState,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { TokenProxyError } from "./errors.ts";
import type { Clock } from "./ports.ts";

/** What a call may have to wait for. `provider` is the token request alone, its answer included. */
export type Step = "session_check" | "attributes" | "discovery" | "signing" | "provider";

/** The headers of W3C Trace Context by which the receiver of a request finds the trace that it belongs to; none without one. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** What a step gets where nobody traces. */
export const NO_HEADERS: TraceHeaders = {};

/** Runs one step and measures it. `run` gets the headers to send along. */
export type RunStep = <T>(step: Step, run: (headers: TraceHeaders) => Promise<T>) => Promise<T>;

/** For whoever measures nothing. */
export const unmeasured: RunStep = (_step, run) => run(NO_HEADERS);

export interface Steps {
  run: RunStep;
  /** Where somebody traces the call: by it the trace is found. */
  readonly traceId: string | undefined;
  /** Milliseconds by step, those of a step that was taken twice together. */
  readonly durations: Readonly<Partial<Record<Step, number>>>;
  /** Ends the span of the whole call. @param attributes gives what came of it, where somebody traces; never whom it was about */
  end(attributes: () => SpanAttributes, failed: boolean): void;
}

export type SpanAttributes = Readonly<Record<string, string | number | undefined>>;

const NAMES = {
  session_check: ["getSession", SpanKind.CLIENT],
  attributes: ["getUserAttributes", SpanKind.CLIENT],
  discovery: ["discovery", SpanKind.CLIENT],
  signing: ["sign", SpanKind.INTERNAL],
  provider: ["token request", SpanKind.CLIENT],
} as const satisfies Record<Step, readonly [string, SpanKind]>;

/** The spans go to the OpenTelemetry SDK that somebody has registered before; without one they cost next to nothing. */
export function createTracer(): Tracer {
  return trace.getTracer("nextauth-token-proxy");
}

/**
 * @param name of the call's span, as `POST /getToken`
 * @param headers of the call, whose trace is joined; undefined for calls of those whose word counts for nothing
 */
export function followCall(
  name: string,
  headers: Pick<Headers, "get"> | undefined,
  { clock, tracer }: { clock: Pick<Clock, "elapsed">; tracer: Tracer },
): Steps {
  const parent = headers === undefined ? ROOT_CONTEXT : traceOf(headers);
  const whole = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
  // Neither an SDK here nor a trace of the caller's: then no step has a span, which saves most of what this file costs.
  const isTraced = whole.isRecording() || trace.isSpanContextValid(whole.spanContext());
  const within = isTraced ? trace.setSpan(parent, whole) : parent;
  const durations: Partial<Record<Step, number>> = {};

  async function runTraced<T>(step: Step, run: (headers: TraceHeaders) => Promise<T>): Promise<T> {
    const [spanName, kind] = NAMES[step];
    const span = tracer.startSpan(spanName, { kind }, within);
    try {
      return await run(traceHeaders(span));
    } catch (error) {
      fail(span, error instanceof TokenProxyError ? error.code : (error as Error).name);
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    traceId: isTraced ? whole.spanContext().traceId : undefined,
    durations,
    async run(step, run) {
      const started = clock.elapsed();
      try {
        return await (isTraced ? runTraced(step, run) : run(NO_HEADERS));
      } finally {
        durations[step] = (durations[step] ?? 0) + clock.elapsed() - started;
      }
    },
    end(attributes, failed) {
      if (!isTraced) return;
      for (const [key, value] of Object.entries(attributes())) {
        if (value !== undefined) whole.setAttribute(key, value);
      }
      if (failed) whole.setStatus({ code: SpanStatusCode.ERROR });
      whole.end();
    },
  };
}

/** No message: of an error that nobody expected it could quote anything. */
function fail(span: Span, type: string): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute("error.type", type);
}

/** W3C Trace Context §3.2.2: a later version's header begins like this one; `ff`, and ids of zeros alone, are none. */
const TRACEPARENT = /^(?!ff|00.{53}-)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
/** §3.3.1.5 wants no less propagated. */
const MAX_TRACESTATE_LENGTH = 512;

function traceOf(headers: Pick<Headers, "get">) {
  const match = TRACEPARENT.exec(headers.get("traceparent") ?? "");
  if (match === null) return ROOT_CONTEXT;
  const [, traceId, spanId, flags] = match as unknown as [string, string, string, string];
  const state = headers.get("tracestate");
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(state === null || state.length > MAX_TRACESTATE_LENGTH ? {} : { traceState: createTraceState(state) }),
  });
}

/** Without an SDK the span stands for the caller's own, which is then handed on as it came. */
function traceHeaders(span: Span): TraceHeaders {
  const context = span.spanContext();
  if (!trace.isSpanContextValid(context)) return {};
  const state = context.traceState?.serialize() ?? "";
  const flags = context.traceFlags.toString(16).padStart(2, "0");
  return {
    traceparent: `00-${context.traceId}-${context.spanId}-${flags}`,
    ...(state === "" ? {} : { tracestate: state }),
  };
}
