// What the admin listener answers: whether the process lives, whether it can serve calls, and what it has done.

import { type Context, Hono } from "hono";
import { readForm } from "../../steps/read-call.ts";
import { STATUS_PAGE_HEADERS, statusPage } from "./page.ts";
import type { LastOutcome, Snapshot } from "./snapshot.ts";
import { isSameOrigin, parseTryIt, type TryItCall, type TryItView, tryItResult } from "./try-it.ts";

export interface AdminSource {
  /** Undefined where no process says how it is. */
  snapshot(): Promise<Snapshot | undefined>;
  /** In Prometheus' text format. */
  metrics(): Promise<string>;
  /** Performs one getToken call; in dev mode alone. */
  tryIt?: TryIt | undefined;
}

export type TryIt = (call: TryItCall) => Promise<{ status: number; contentType: string; bytes: Uint8Array }>;

/** Of Prometheus' text format. */
const METRICS_CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export function createAdminApp(source: AdminSource): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });

  // Alive says nothing about providers: restarting this process would not bring one back.
  app.get("/healthz", (c) => c.json({ status: "ok" }));

  app.get("/readyz", async (c) => {
    const snapshot = await source.snapshot();
    if (snapshot === undefined) return c.json({ status: "no process serves" }, 503);
    const { body, ready } = readiness(snapshot);
    return c.json(body, ready ? 200 : 503);
  });

  app.get("/metrics", async (c) => c.body(await source.metrics(), 200, { "Content-Type": METRICS_CONTENT_TYPE }));

  app.get("/version", async (c) => {
    const { version, node } = (await source.snapshot()) ?? {};
    return c.json({ version, node });
  });

  const page = async (c: Context, tryIt: TryItView | undefined) => {
    const snapshot = await source.snapshot();
    if (snapshot === undefined) return c.text("no process serves", 503);
    const paused = c.req.query("paused") !== undefined;
    return c.body(statusPage(snapshot, { now: snapshot.at, paused, tryIt }), 200, STATUS_PAGE_HEADERS);
  };
  const { tryIt } = source;
  app.get("/", (c) => page(c, tryIt && {}));
  if (tryIt !== undefined) {
    app.post("/try-it", async (c) => {
      if (!isSameOrigin(c.req.raw)) return c.text("this form is for the page of this service alone", 403);
      const call = parseTryIt(await readForm(c.req.raw));
      if ("fault" in call) return page(c, call);
      const { status, contentType, bytes } = await tryIt(call);
      return page(c, tryItResult(status, contentType, bytes, call));
    });
  }

  // Only a bug gets here, or a form that is none; what it says may quote what it failed on.
  app.onError((_error, c) => c.text("this request cannot be answered", 400));

  return app;
}

/** A provider that fails, or a nextAuth Server, is told and changes nothing: to send calls elsewhere would not help them. */
function readiness(snapshot: Snapshot) {
  const { draining, in_flight, providers, nextauth, at } = snapshot;
  const ready = !draining && providers.every((provider) => provider.ready);
  const status = draining ? "shutting down" : ready ? "ready" : "not ready";
  const last = (outcome: LastOutcome | undefined) =>
    outcome && { outcome: outcome.outcome, seconds_ago: Math.max(0, Math.round((at - outcome.at) / 1000)) };
  const body = {
    status,
    in_flight,
    providers: Object.fromEntries(
      providers.map(({ name, problem, breaker, ...provider }) => [
        name,
        { ready: provider.ready, problem, breaker, last: last(provider.last) },
      ]),
    ),
    nextauth: Object.fromEntries(nextauth.map((server) => [server.key, { last: last(server.last) }])),
  };
  return { body, ready };
}
