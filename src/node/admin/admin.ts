// The admin listener: liveness, readiness, metrics, version and the status page.

import { isIPv4 } from "node:net";
import { type Context, Hono } from "hono";
import { TokenProxyError } from "../../core/errors.ts";
import { readForm, readText } from "../../steps/body.ts";
import type { LastOutcome } from "./recorder.ts";
import type { Snapshot } from "./snapshot.ts";
import { STATUS_PAGE_HEADERS, statusPage } from "./status-page.ts";
import { isFromStatusPage, parseTryIt, type TryItAnswer, type TryItCall, type TryItView } from "./try-it.ts";

export interface AdminSource {
  snapshot(): Snapshot;
  metrics(): Promise<string>;
  /** server.admin_hosts, which a reload can change. */
  adminHosts(): readonly string[];
  /** Makes one getToken call; only in dev mode. */
  tryIt?: TryIt | undefined;
}

export type TryIt = (call: TryItCall) => Promise<TryItAnswer>;

const HOST_NOT_ACCEPTED =
  'this host name is not accepted here: use the IP address, or add the name to "server.admin_hosts"';

export function createAdminApp({ snapshot, metrics, adminHosts, tryIt }: AdminSource): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    if (isAcceptedHost(URL.parse(c.req.url)?.hostname ?? "", adminHosts())) await next();
    else c.res = c.text(HOST_NOT_ACCEPTED, 421);
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });

  // Does not look at providers: restarting this process would not bring one back.
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const body = readiness(snapshot());
    return c.json(body, body.status === "ready" ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    return c.body(await metrics(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("/version", (c) => {
    const { version, node } = snapshot();
    return c.json({ version, node });
  });

  const page = (c: Context, view: TryItView | undefined) => {
    const paused = c.req.query("paused") !== undefined;
    return c.html(statusPage(snapshot(), paused, view), 200, STATUS_PAGE_HEADERS);
  };
  app.get("/", (c) => page(c, tryIt && {}));
  if (tryIt !== undefined) {
    app.post("/try-it", async (c) => {
      if (!isFromStatusPage(c.req.raw)) return c.text("send this form from the status page, opened on localhost", 403);
      const call = parseTryIt(await readForm(c.req.raw, () => readText(c.req.raw)));
      return page(c, "fault" in call ? call : { call, answer: await tryIt(call) });
    });
  }

  app.onError((error, c) => {
    if (error instanceof TokenProxyError) return c.text(error.message, 400);
    // Its message may quote anything.
    return c.text("internal error: please report this as a bug", 500);
  });
  return app;
}

/**
 * A web page can make a name of its own lead to this listener, and then read what it answers (DNS
 * rebinding). It cannot do so with an IP address or a loopback name.
 */
function isAcceptedHost(hostname: string, names: readonly string[]): boolean {
  const name = hostname.replace(/\.$/, "");
  return name.startsWith("[") || isIPv4(name) || /^(?:.+\.)?localhost$/.test(name) || names.includes(name);
}

/** Failed calls are reported but do not count: another instance would fail as well. */
function readiness({ draining, in_flight, providers, nextauth, at }: Snapshot) {
  const isReady = providers.every(({ ready }) => ready);
  const ageOf = (last: LastOutcome | undefined) =>
    last && { outcome: last.outcome, seconds_ago: Math.max(0, Math.round((at - last.at) / 1000)) };
  return {
    status: draining ? "shutting down" : isReady ? "ready" : "not ready",
    in_flight,
    providers: Object.fromEntries(
      providers.map(({ name, ready, problem, breaker, refuses_everybody, last }) => [
        name,
        { ready, problem, breaker, refuses_everybody: refuses_everybody || undefined, last: ageOf(last) },
      ]),
    ),
    nextauth: Object.fromEntries(nextauth.map(({ key, last }) => [key, { last: ageOf(last) }])),
  };
}
