// What the admin listener answers: whether the process lives, and whether it can serve calls.

import { Hono } from "hono";
import type { Providers } from "./app.ts";

/**
 * @param providers those of the configuration that calls go by now
 * @param isDraining whether the process is on its way out
 */
export function createAdminApp(providers: () => Providers, isDraining: () => boolean): Hono {
  const app = new Hono();

  app.use(async (c, next) => {
    await next();
    c.header("Cache-Control", "no-store");
  });

  // Alive says nothing about providers: restarting this process would not bring one back.
  app.get("/healthz", (c) => c.json({ status: "ok" }));

  app.get("/readyz", (c) => {
    const states = [...providers().values()].map(
      ({ name, discovery }) => [name, discovery?.state() ?? { ready: true }] as const,
    );
    const ready = states.every(([, state]) => state.ready) && !isDraining();
    const status = isDraining() ? "shutting down" : ready ? "ready" : "not ready";
    return c.json({ status, providers: Object.fromEntries(states) }, ready ? 200 : 503);
  });

  return app;
}
