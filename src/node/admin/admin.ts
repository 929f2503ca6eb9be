// The admin listener: liveness, readiness, metrics, version and the status page.

import { type Context, Hono } from "hono";
import { TokenProxyError } from "../../core/errors.ts";
import { readForm } from "../../steps/body.ts";
import type { LastOutcome } from "./recorder.ts";
import type { Snapshot } from "./snapshot.ts";
import { STATUS_PAGE_HEADERS, statusPage } from "./status-page.ts";
import { isFromStatusPage, parseTryIt, type TryItAnswer, type TryItCall, type TryItView } from "./try-it.ts";

export interface AdminSource {
  snapshot(): Snapshot;
  /** The metrics in Prometheus' text format. */
  metrics(): Promise<string>;
  /** Makes one getToken call; only in dev mode. */
  tryIt?: TryIt | undefined;
}

export type TryIt = (call: TryItCall) => Promise<TryItAnswer>;

/** Prometheus' text format. */
const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function createAdminApp({ snapshot, metrics, tryIt }: AdminSource): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });

  // Does not look at providers: restarting this process would not bring one back.
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const { body, isReady } = readiness(snapshot());
    return c.json(body, isReady ? 200 : 503);
  });
  app.get("/metrics", async (c) => c.body(await metrics(), 200, { "Content-Type": METRICS_CONTENT_TYPE }));
  app.get("/version", (c) => {
    const { version, node } = snapshot();
    return c.json({ version, node });
  });

  const page = (c: Context, view: TryItView | undefined) => {
    const paused = c.req.query("paused") !== undefined;
    return c.html(statusPage(snapshot(), { paused, tryIt: view }), 200, STATUS_PAGE_HEADERS);
  };
  app.get("/", (c) => page(c, tryIt && {}));
  if (tryIt !== undefined) {
    app.post("/try-it", async (c) => {
      if (!isFromStatusPage(c.req.raw)) return c.text("send this form from the status page, opened on localhost", 403);
      const call = parseTryIt(await readForm(c.req.raw));
      return page(c, "fault" in call ? call : { call, answer: await tryIt(call) });
    });
  }

  app.onError((error, c) => {
    if (error instanceof TokenProxyError) return c.text(error.message, 400);
    return c.text("internal error: please report this as a bug", 500); // its message may quote anything
  });
  return app;
}

/** Failed calls are reported but do not count: another instance would fail as well. */
function readiness({ draining, in_flight, providers, nextauth, at }: Snapshot) {
  const isReady = !draining && providers.every(({ ready }) => ready);
  const last = (outcome: LastOutcome | undefined) =>
    outcome && { outcome: outcome.outcome, seconds_ago: Math.max(0, Math.round((at - outcome.at) / 1000)) };
  const body = {
    status: draining ? "shutting down" : isReady ? "ready" : "not ready",
    in_flight,
    providers: Object.fromEntries(
      providers.map(({ name, ready, problem, breaker, ...provider }) => [
        name,
        { ready, problem, breaker, last: last(provider.last) },
      ]),
    ),
    nextauth: Object.fromEntries(nextauth.map((server) => [server.key, { last: last(server.last) }])),
  };
  return { body, isReady };
}
