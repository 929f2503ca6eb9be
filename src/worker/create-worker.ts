// Makes a Cloudflare Worker of a configuration file's text: for src/worker.ts, and for whoever brings a Worker of their own.

import type { Hono } from "hono";
import { createApp, createProviders, createServers } from "../app.ts";
import { loadCredentials } from "../config/credentials.ts";
import { parseConfig } from "../config/parse.ts";
import { ConfigError, TokenProxyError } from "../core/errors.ts";
import { createTracer } from "../core/trace.ts";
import { errorResponse } from "../steps/answer.ts";
import { createWorkerCredentialHost } from "./credentials.ts";
import { createWorkerLog, type Env, workerBulkhead, workerClock, workerHashText, workerIds } from "./host.ts";
import { workerInbound } from "./inbound.ts";
import { createWorkerRateLimiters } from "./rate-limiter.ts";
import { createWorkerTransports } from "./transport.ts";

export interface Worker {
  fetch(request: Request, env: Env): Promise<Response>;
}

/**
 * @param text the configuration file; its `server` part is for Node and has no effect here
 * @throws {ConfigError} at once for a faulty file, so that it cannot be deployed; missing secrets show with the first request
 */
export function createWorker(text: string): Worker {
  const file = parseConfig(text, "token-proxy.yaml");
  // Built once per isolate. Requests that come before it stands each build their own: a promise shared between requests
  // would hang (workerd#210).
  let app: Hono | undefined;
  return {
    async fetch(request, env) {
      try {
        app ??= await build(file, env);
      } catch (error) {
        // Only the faults of a configuration are known to hold no secret.
        console.error(error instanceof ConfigError ? error.message : "the Worker cannot be built");
        const description = "the Worker's configuration is faulty: its log has the faults";
        return errorResponse(new TokenProxyError("internal", description), workerIds.uuid());
      }
      return app.fetch(request, env);
    },
  };
}

async function build(file: ReturnType<typeof parseConfig>, env: Env): Promise<Hono> {
  const { config } = file;
  const deps = {
    config,
    credentials: await loadCredentials(file, createWorkerCredentialHost(env)),
    createTransport: createWorkerTransports(env),
    createRateLimiter: createWorkerRateLimiters(env),
    createBulkhead: workerBulkhead,
    hashText: workerHashText,
    clock: workerClock,
    ids: workerIds,
    log: createWorkerLog(config.log.level),
    tracer: createTracer(),
    observe: () => {}, // Cloudflare makes metrics of the log
  };
  return createApp(deps, {
    providers: createProviders(deps),
    nextauth: createServers(deps),
    inbound: workerInbound,
    maxInFlight: Number.POSITIVE_INFINITY, // as of workerBulkhead
    health: true,
  });
}
