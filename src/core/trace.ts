// Follows a call: how long each step took, and OpenTelemetry spans if an SDK is loaded.

import type { Span, Tracer } from "@opentelemetry/api";
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, TraceFlags, trace } from "@opentelemetry/api";
import { TokenProxyError } from "./errors.ts";

/** The steps that wait for something. `provider` is one token request with its answer. */
export type Step = "session_check" | "attributes" | "discovery" | "signing" | "provider" | Leg;
/** The token of another provider, which the token request contains. */
export type Leg = `token.${string}`;

/** Milliseconds by step; a step that ran twice counts both times. */
export type Durations = { readonly [step in Step]?: number };

/** Headers of W3C Trace Context for a request that belongs to a step; empty if nobody traces. */
export type TraceHeaders = Readonly<Record<string, string>>;

/** What the steps found out. Only steps/identities.ts decides how a user is logged. */
export interface CallFacts {
  caller?: string;
  provider?: string;
  /** Key of the nextAuth Server in the file. */
  nextauth?: string;
  userid?: string | undefined;
  nonce?: string | undefined;
}

export type CallTrace = ReturnType<typeof startTrace>;
/** The part that the steps write to; the rest is read once the call is over. */
export type Trace = Pick<CallTrace, "step" | "note">;

/** @returns the providers whose tokens were requested for that of the call, and the milliseconds */
export const legsIn = (durations: Durations): [provider: string, ms: number][] =>
  Object.entries(durations).flatMap(([step, ms]) =>
    step.startsWith("token.") ? [[step.slice("token.".length), ms ?? 0]] : [],
  );

const NO_HEADERS: TraceHeaders = {};

/** Spans go to the SDK that was registered before; without one they cost almost nothing. */
export function createTracer(): Tracer {
  return trace.getTracer("nextauth-token-proxy");
}

/** @param headers to join the caller's trace; undefined if the caller is not trusted with that */
export function startTrace(
  name: string,
  headers: Pick<Headers, "get"> | undefined,
  { clock, tracer }: { clock: { elapsed(): number }; tracer: Tracer },
) {
  const parent = headers === undefined ? ROOT_CONTEXT : contextOf(headers);
  const callSpan = tracer.startSpan(name, { kind: SpanKind.SERVER }, parent);
  // With neither an SDK nor a trace of the caller, spans for each step would be a waste.
  const isTraced = callSpan.isRecording() || trace.isSpanContextValid(callSpan.spanContext());
  const context = isTraced ? trace.setSpan(parent, callSpan) : parent;
  const facts: CallFacts = {};
  const durations: { -readonly [step in Step]?: number } = {};
  let attempts = 0;

  return {
    facts,
    durations,
    traceId: isTraced ? callSpan.spanContext().traceId : undefined,
    get attempts() {
      return attempts;
    },
    note(found: CallFacts) {
      Object.assign(facts, found);
    },
    async step<T>(step: Step, run: (headers: TraceHeaders) => T | Promise<T>): Promise<T> {
      const started = clock.elapsed();
      const kind = step === "signing" ? SpanKind.INTERNAL : SpanKind.CLIENT;
      const span = isTraced ? tracer.startSpan(step, { kind }, context) : undefined;
      if (step === "provider") attempts += 1;
      try {
        return await run(span === undefined ? NO_HEADERS : traceHeaders(span));
      } catch (error) {
        // No message: that of an unexpected error could quote anything.
        span?.setStatus({ code: SpanStatusCode.ERROR });
        span?.setAttribute("error.type", error instanceof TokenProxyError ? error.code : (error as Error).name);
        throw error;
      } finally {
        span?.end();
        durations[step] = (durations[step] ?? 0) + clock.elapsed() - started;
      }
    },
    /** @param attributes is called only if the call is traced */
    end(attributes: () => Readonly<Record<string, string | number | undefined>>, failed: boolean) {
      if (!isTraced) return;
      callSpan.setAttributes(attributes());
      if (failed) callSpan.setStatus({ code: SpanStatusCode.ERROR });
      callSpan.end();
    },
  };
}

/** W3C Trace Context section 3.2.2. Later versions start alike; `ff` and zero ids are invalid. */
const TRACEPARENT = /^(?!ff|00.{53}-)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
/** Section 3.3.1.5 requires at least this much to be propagated. */
const MAX_TRACESTATE_LENGTH = 512;

function contextOf(headers: Pick<Headers, "get">) {
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

/** Without an SDK the span carries the caller's own context, which is passed on unchanged. */
function traceHeaders(span: Span): TraceHeaders {
  const context = span.spanContext();
  if (!trace.isSpanContextValid(context)) return NO_HEADERS;
  const state = context.traceState?.serialize() ?? "";
  const flags = context.traceFlags.toString(16).padStart(2, "0");
  return {
    traceparent: `00-${context.traceId}-${context.spanId}-${flags}`,
    ...(state === "" ? {} : { tracestate: state }),
  };
}
