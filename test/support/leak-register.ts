// An OpenTelemetry SDK that writes each span into a file; loaded before the proxy starts.

import { appendFileSync } from "node:fs";
import { trace } from "@opentelemetry/api";
import { type ReadableSpan, SimpleSpanProcessor, type SpanExporter, TracerProvider } from "@opentelemetry/sdk-trace";

/** The variable that names the file. */
const FILE = process.env.SPANS_FILE as string;

/** What an exporter is given of a span. */
export type WrittenSpan = ReturnType<typeof written>;

const written = (span: ReadableSpan) => ({
  name: span.name,
  traceId: span.spanContext().traceId,
  spanId: span.spanContext().spanId,
  parent: span.parentSpanContext,
  /** Belongs to the trace and not to this program: opaque text of the system that began it. */
  traceState: span.spanContext().traceState?.serialize(),
  kind: span.kind,
  status: span.status,
  attributes: span.attributes,
  events: span.events,
  links: span.links,
  resource: span.resource.attributes,
  scope: span.instrumentationScope,
});

/** Written at once, because the process may be killed. */
const exporter: SpanExporter = {
  export(spans, done) {
    for (const span of spans) appendFileSync(FILE, `${JSON.stringify(written(span))}\n`);
    done({ code: 0 });
  },
  shutdown: async () => {},
};

trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] }));
