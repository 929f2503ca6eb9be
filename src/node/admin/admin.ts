// The admin listener: liveness, readiness, metrics, version and the status page.

import { timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import { Hono } from "hono";
import { TokenProxyError } from "../../core/errors.ts";
import { readForm, readText } from "../../steps/body.ts";
import { nodeHashText } from "../host.ts";
import type { Html } from "./elements.ts";
import type { Outcome } from "./recorder.ts";
import { type Snapshot, VERSIONS } from "./snapshot.ts";
import { STATUS_PAGE_HEADERS, statusPage } from "./status-page.ts";

export interface AdminSource {
  snapshot(): Snapshot;
  metrics(): Promise<string>;
  /** server.admin_hosts, which a reload can change. */
  adminHosts(): readonly string[];
  dev?: DevForm | undefined;
}

/** Only in dev mode: a form that gets tokens for any user, at a path with a secret. */
export interface DevForm {
  /** Starts and ends with a slash. */
  path: string;
  /** @param sent undefined if the page is only opened */
  render(sent?: URLSearchParams): Promise<Html>;
}

export function createAdminApp({ snapshot, metrics, adminHosts, dev }: AdminSource): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    const cure = 'use the IP address, or add the name to "server.admin_hosts"';
    if (isAcceptedHost(URL.parse(c.req.url)?.hostname ?? "", adminHosts())) await next();
    else c.res = c.text(`this host name is not accepted here: ${cure}`, 421);
    c.header("Cache-Control", "no-store");
    c.header("X-Content-Type-Options", "nosniff");
  });

  // Does not look at providers: restarting this process would not bring one back.
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const body = readiness(snapshot(), c.req.query("verbose") !== undefined);
    return c.json(body, body.status === "ready" ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    return c.body(await metrics(), 200, { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" });
  });
  app.get("/version", (c) => c.json(VERSIONS));

  app.get("/", (c) => {
    const mode = c.req.query("paused") === undefined ? "refreshing" : "paused";
    return c.html(statusPage(snapshot(), mode, dev !== undefined), 200, STATUS_PAGE_HEADERS);
  });
  if (dev !== undefined) {
    app.on(["GET", "POST"], "/dev/:secret/", async (c) => {
      if (!timingSafeEqual(digest(c.req.path), digest(dev.path))) return c.notFound();
      const isPost = c.req.method === "POST";
      // Another site that has got hold of the URL cannot send the form. Browsers say so in
      // Sec-Fetch-Site; the Origin of the page's own form is null, because it sends no referrer.
      const { origin } = new URL(c.req.url);
      const guess = (c.req.header("origin") ?? origin) === origin ? "same-origin" : "cross-site";
      if (isPost && (c.req.header("sec-fetch-site") ?? guess) !== "same-origin") {
        return c.text("send this form from its own page", 403);
      }
      const sent = isPost ? await readForm(c.req.raw, () => readText(c.req.raw)) : undefined;
      const form = await dev.render(sent); // first, so that the page already counts its call
      return c.html(statusPage(snapshot(), { form }, true), 200, STATUS_PAGE_HEADERS);
    });
  }

  app.onError((error, c) => {
    if (error instanceof TokenProxyError) return c.text(error.message, 400);
    // Its message may quote anything.
    return c.text("internal error: please report this as a bug", 500);
  });
  return app;
}

const digest = (text: string) => Buffer.from(nodeHashText(text));

/**
 * A web page can make a name of its own lead to this listener, and then read what it answers (DNS
 * rebinding). It cannot do so with an IP address or a loopback name.
 */
function isAcceptedHost(hostname: string, names: readonly string[]): boolean {
  const name = hostname.replace(/\.$/, "");
  return name.startsWith("[") || isIPv4(name) || /^(?:.+\.)?localhost$/.test(name) || names.includes(name);
}

/** Failed calls are reported but do not count: another instance would fail as well. */
function readiness({ draining, ready, in_flight, providers, nextauth, at }: Snapshot, isVerbose: boolean) {
  const ageOf = (last: Outcome | undefined) =>
    last && { outcome: last.outcome, seconds_ago: Math.max(0, Math.round((at - last.at) / 1000)) };
  const listed = providers.filter((provider) => isVerbose || !provider.ready);
  return {
    status: draining ? "shutting down" : ready ? "ready" : "not ready",
    providers: Object.fromEntries(
      listed.map(({ name, ready, problem, breaker, refusesEverybody, last }) => [
        name,
        { ready, problem, breaker, refuses_everybody: refusesEverybody || undefined, last: ageOf(last) },
      ]),
    ),
    ...(isVerbose && {
      nextauth: Object.fromEntries(nextauth.map(({ key, last }) => [key, { last: ageOf(last) }])),
      in_flight,
    }),
  };
}
