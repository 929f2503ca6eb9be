// Makes a Cloudflare Worker from the text of a configuration file.

import type { Hono } from "hono";
import { createDeps, createPipeline } from "../app.ts";
import { loadCredentials } from "../config/credentials.ts";
import { type ParsedFile, parseConfig } from "../config/parse.ts";
import { ConfigError, TokenProxyError } from "../core/errors.ts";
import { createTracer } from "../core/trace.ts";
import type { Signer } from "../oauth/signer.ts";
import { errorResponse } from "../steps/answer.ts";
import type { Env as CallEnv } from "../steps/context.ts";
import { createWorkerCredentialHost } from "./credentials.ts";
import {
  createWorkerLog,
  createWorkerRateLimiters,
  createWorkerTransports,
  type Env,
  workerClock,
  workerHashText,
  workerIds,
} from "./host.ts";
import { workerInbound } from "./inbound.ts";

export interface Worker {
  fetch(request: Request, env: Env, context?: { waitUntil(promise: Promise<unknown>): void }): Promise<Response>;
}

/**
 * @param text the configuration file; its `server` part has no effect here
 * @param signers of the keys with `private_key: signer`, once per isolate
 * @throws {ConfigError} at once for a faulty file, so that it cannot be deployed; missing secrets
 * only show with the first request
 */
export function createWorker(text: string, { signers }: { signers?: (env: Env) => readonly Signer[] } = {}): Worker {
  const file = parseConfig(text, "token-proxy.yaml");
  // Once per isolate. Early requests each build their own: a promise that is shared between
  // requests would hang (workerd#210).
  let app: Hono<CallEnv> | undefined;
  return {
    async fetch(request, env, context) {
      try {
        app ??= await buildApp(file, env, signers?.(env));
      } catch (error) {
        // Other messages than those of a ConfigError could quote a secret.
        console.error(
          error instanceof ConfigError ? error.message : "the Worker cannot start because of a bug: please report it",
        );
        const description = "the Worker cannot start: its log says why";
        return errorResponse(new TokenProxyError("internal", description), workerIds.uuid());
      }
      const response = Promise.resolve(app.fetch(request, env));
      context?.waitUntil(response); // else a hang-up ends the Worker before the log line
      return response;
    },
  };
}

async function buildApp(file: ParsedFile, env: Env, signers?: readonly Signer[]): Promise<Hono<CallEnv>> {
  const { config } = file;
  const credentials = await loadCredentials(file, createWorkerCredentialHost(env, signers));
  const deps = await createDeps(config, credentials, {
    createTransport: createWorkerTransports(env),
    createRateLimiter: createWorkerRateLimiters(env),
    // No limit: Cloudflare starts more isolates and limits the connections of each request itself.
    // A place could also get lost, because a call whose caller hung up may just be cut off.
    createBulkhead: () => ({ enter: () => true, leave: () => {}, state: () => ({ inFlight: 0, queued: 0 }) }),
    hashText: workerHashText,
    clock: workerClock,
    ids: workerIds,
    log: createWorkerLog(config.log.level),
    tracer: createTracer(),
    onReport: () => {}, // Cloudflare makes metrics from the log
    inbound: workerInbound,
    maxInFlight: Number.POSITIVE_INFINITY, // Cloudflare limits isolates itself
    hasHealth: true,
  });
  return createPipeline(deps);
}
