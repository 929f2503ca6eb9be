// The steps of a call are timed, and are spans of one trace if an OpenTelemetry SDK is loaded.

import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { createTracer, legsIn, startTrace, type TraceHeaders } from "../../src/core/trace.ts";
import { fakeClock } from "../support/fakes.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

const clock = fakeClock();

const start = (headers: Record<string, string> | undefined) =>
  startTrace("POST /getToken", headers && new Headers(headers), { clock, tracer: createTracer() });

/** The trace headers that a step of a call with these headers sends. */
function sentFor(headers: Record<string, string> | undefined): Promise<TraceHeaders> {
  return start(headers).step("provider", (sent) => sent);
}

it("adds up the durations of each step, also of one that fails, and counts attempts", async () => {
  const call = start({});
  await call.step("session_check", () => clock.advance(5));
  await call.step("provider", () => clock.advance(20));
  const failing = call.step("provider", () => {
    clock.advance(22);
    throw new Error("x");
  });
  await expect(failing).rejects.toThrow("x");
  expect(call.durations).toEqual({ session_check: 5, provider: 42 });
  expect(call.attempts).toBe(2);
});

it("adds up the tokens of other providers separately, which are no attempts", async () => {
  const call = start({ traceparent: TRACEPARENT });
  const sent = await call.step("token.home", (headers) => {
    clock.advance(30);
    return headers;
  });
  await call.step("token.broker", () => clock.advance(7));
  expect(sent).toEqual({ traceparent: TRACEPARENT });
  expect(legsIn(call.durations)).toEqual([
    ["home", 30],
    ["broker", 7],
  ]);
  expect(call.attempts).toBe(0);
});

describe("without an SDK", () => {
  it("passes on the caller's trace context unchanged, and a later version as version 00", async () => {
    const tracestate = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";
    const unsampled = TRACEPARENT.replace(/01$/, "00");
    expect(await sentFor({ traceparent: TRACEPARENT, tracestate })).toEqual({ traceparent: TRACEPARENT, tracestate });
    expect(await sentFor({ traceparent: unsampled })).toEqual({ traceparent: unsampled });
    expect(await sentFor({ traceparent: `cc-${TRACE}-${PARENT}-ff-more` })).toEqual({ traceparent: TRACEPARENT });
  });

  it.each<[string, Record<string, string> | undefined]>([
    ["there is none", {}],
    ["the caller is not trusted with it", undefined],
    ["there are two", { traceparent: `${TRACEPARENT}, ${TRACEPARENT}` }],
    ["the trace id is zero", { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` }],
    ["the parent id is zero", { traceparent: `00-${TRACE}-${"0".repeat(16)}-01` }],
    ["it is in upper case", { traceparent: TRACEPARENT.toUpperCase() }],
    ["its version is ff", { traceparent: `ff${TRACEPARENT.slice(2)}` }],
    ["it is too long for version 00", { traceparent: `${TRACEPARENT}-more` }],
    ["it is too short", { traceparent: TRACEPARENT.slice(0, -1) }],
    ["there is only a tracestate", { tracestate: "congo=t61rcWkgMzE" }],
  ])("sends no trace context if %s", async (_, headers) => {
    expect(await sentFor(headers)).toEqual({});
  });

  it.each([
    ["too long", `a=${"x".repeat(600)}`],
    ["not a list of members", "no members at all"],
    ["not ASCII", "\xff\xff=1"],
  ])("omits a tracestate that is %s", async (_, tracestate) => {
    expect(await sentFor({ traceparent: TRACEPARENT, tracestate })).toEqual({ traceparent: TRACEPARENT });
  });
});

describe("with an SDK", () => {
  let exporter: InMemorySpanExporter;
  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  });
  afterEach(() => trace.disable());

  const named = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name) as ReadableSpan;

  it("makes the call a span of the caller's trace, and each step a span of the call", async () => {
    const call = start({ traceparent: TRACEPARENT });
    await call.step("session_check", () => {});
    const sent = await call.step("provider", (headers) => headers);
    call.end(() => ({ "http.response.status_code": 200, "error.type": undefined }), false);
    const names = exporter.getFinishedSpans().map(({ name }) => name);
    expect(names).toEqual(["session_check", "provider", "POST /getToken"]);
    const whole = named("POST /getToken");
    expect(whole.spanContext().traceId).toBe(TRACE);
    expect(whole.parentSpanContext?.spanId).toBe(PARENT);
    expect(whole.attributes).toEqual({ "http.response.status_code": 200 });
    const request = named("provider");
    expect(request.parentSpanContext?.spanId).toBe(whole.spanContext().spanId);
    // The provider's spans belong below the token request.
    expect(sent.traceparent).toBe(`00-${TRACE}-${request.spanContext().spanId}-01`);
  });

  it("starts a new trace if the caller is not trusted with its own", () => {
    const call = start(undefined);
    call.end(() => ({}), false);
    expect(named("POST /getToken").parentSpanContext).toBeUndefined();
    expect(call.traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it("marks failures with their code and without their message", async () => {
    const call = start({});
    for (const error of [new TokenProxyError("provider_timeout", "a message"), new TypeError("a message")]) {
      await call.step("provider", () => Promise.reject(error)).catch(() => {});
    }
    call.end(() => ({}), true);
    const spans = exporter.getFinishedSpans();
    expect(spans.map(({ attributes, status }) => [attributes["error.type"], status.code])).toEqual([
      ["provider_timeout", 2],
      ["TypeError", 2],
      [undefined, 2],
    ]);
    expect(JSON.stringify(spans.map(({ status, events }) => [status, events]))).not.toContain("a message");
  });
});
