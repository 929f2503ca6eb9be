// The steps of a call: measured on the program's clock, and spans of one trace for an OpenTelemetry SDK that is really there.

import { trace } from "@opentelemetry/api";
import { InMemorySpanExporter, type ReadableSpan, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { TokenProxyError } from "../../src/core/errors.ts";
import { createTracer, startTrace, type TraceHeaders } from "../../src/core/trace.ts";
import { type FakeClock, fakeClock } from "../support/fakes.ts";

const TRACE = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT = "00f067aa0ba902b7";
const TRACEPARENT = `00-${TRACE}-${PARENT}-01`;

let clock: FakeClock;
beforeEach(() => {
  clock = fakeClock();
});

const follow = (headers: Record<string, string> | undefined, tracer = createTracer()) =>
  startTrace("POST /getToken", headers && new Headers(headers), { clock, tracer });

/** What a step of a call with these headers sends along. */
function sentAlong(headers: Record<string, string> | undefined): Promise<TraceHeaders> {
  return follow(headers).step("provider", async (sent) => sent);
}

describe("durations", () => {
  it("are those of each step, taken twice together", async () => {
    const steps = follow({});
    await steps.step("session_check", async () => clock.advance(5));
    await steps.step("provider", async () => clock.advance(20));
    await steps.step("provider", async () => clock.advance(22));
    expect(steps.durations).toEqual({ session_check: 5, provider: 42 });
  });

  it("are measured of steps that fail too", async () => {
    const steps = follow({});
    const failing = steps.step("provider", async () => {
      clock.advance(7);
      throw new Error("x");
    });
    await expect(failing).rejects.toThrow("x");
    expect(steps.durations).toEqual({ provider: 7 });
  });
});

describe("without an SDK", () => {
  it("the caller's trace context is handed on as it came", async () => {
    const state = "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7";
    expect(await sentAlong({ traceparent: TRACEPARENT, tracestate: state })).toEqual({
      traceparent: TRACEPARENT,
      tracestate: state,
    });
    expect(await sentAlong({ traceparent: TRACEPARENT.replace(/01$/, "00") })).toEqual({
      traceparent: TRACEPARENT.replace(/01$/, "00"),
    });
  });

  it("that of a later version is handed on as what this one knows of it", async () => {
    expect(await sentAlong({ traceparent: `cc-${TRACE}-${PARENT}-ff-more` })).toEqual({ traceparent: TRACEPARENT });
  });

  it.each<[string, Record<string, string> | undefined]>([
    ["there is none", {}],
    ["the caller's word counts for nothing", undefined],
    ["it has two", { traceparent: `${TRACEPARENT}, ${TRACEPARENT}` }],
    ["the trace is zero", { traceparent: `00-${"0".repeat(32)}-${PARENT}-01` }],
    ["the parent is zero", { traceparent: `00-${TRACE}-${"0".repeat(16)}-01` }],
    ["it is in capitals", { traceparent: TRACEPARENT.toUpperCase() }],
    ["it is of version ff", { traceparent: `ff${TRACEPARENT.slice(2)}` }],
    ["it has more than version 00 allows", { traceparent: `${TRACEPARENT}-more` }],
    ["it is too short", { traceparent: TRACEPARENT.slice(0, -1) }],
    ["there is a state alone", { tracestate: "congo=t61rcWkgMzE" }],
  ])("nothing is sent along where %s", async (_what, headers) => {
    expect(await sentAlong(headers)).toEqual({});
  });

  it.each([
    ["is too long", `a=${"x".repeat(600)}`],
    ["is no list of members", "no members at all"],
    ["is in another script", "ключ=1".replace(/[^\x20-\x7e]/g, "\xff")],
  ])("a state that %s is left out", async (_what, tracestate) => {
    expect(await sentAlong({ traceparent: TRACEPARENT, tracestate })).toEqual({ traceparent: TRACEPARENT });
  });
});

describe("with an SDK", () => {
  let exporter: InMemorySpanExporter;
  beforeEach(() => {
    exporter = new InMemorySpanExporter();
    trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
  });
  afterEach(() => trace.disable());

  const spans = () => exporter.getFinishedSpans();
  const named = (name: string) => spans().find((span) => span.name === name) as ReadableSpan;

  it("a call is a span of the caller's trace, and each step a span of the call", async () => {
    const steps = follow({ traceparent: TRACEPARENT });
    await steps.step("session_check", async () => {});
    const sent = await steps.step("provider", async (headers) => headers);
    steps.end(() => ({ "http.response.status_code": 200, "error.type": undefined }), false);
    expect(spans().map(({ name }) => name)).toEqual(["getSession", "token request", "POST /getToken"]);
    const whole = named("POST /getToken");
    expect(whole.spanContext().traceId).toBe(TRACE);
    expect(whole.parentSpanContext?.spanId).toBe(PARENT);
    expect(whole.attributes).toEqual({ "http.response.status_code": 200 });
    const asked = named("token request");
    expect(asked.parentSpanContext?.spanId).toBe(whole.spanContext().spanId);
    // The provider's spans belong below the request that asked it.
    expect(sent.traceparent).toBe(`00-${TRACE}-${asked.spanContext().spanId}-01`);
  });

  it("a call of an open door begins a trace of its own", () => {
    const steps = follow(undefined);
    steps.end(() => ({}), false);
    expect(spans()[0]?.parentSpanContext).toBeUndefined();
    expect(spans()[0]?.spanContext().traceId).toMatch(/^[0-9a-f]{32}$/);
  });

  it("a failure is told by its code, without its message", async () => {
    const steps = follow({});
    const fail = (error: Error) => steps.step("provider", () => Promise.reject(error)).catch(() => {});
    await fail(new TokenProxyError("provider_timeout", "a message"));
    await fail(new TypeError("a message"));
    steps.end(() => ({}), true);
    expect(spans().map(({ attributes, status }) => [attributes["error.type"], status.code])).toEqual([
      ["provider_timeout", 2],
      ["TypeError", 2],
      [undefined, 2],
    ]);
    expect(JSON.stringify(spans().map(({ status, events }) => [status, events]))).not.toContain("a message");
  });
});
