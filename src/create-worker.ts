// Makes a Cloudflare Worker of a configuration file's text: for src/worker.ts, and for whoever brings a Worker of their own.

import type { Hono } from "hono";
import { createApp, createProviders } from "./app.ts";
import { parseConfig } from "./config/parse.ts";
import { loadSecrets } from "./config/secrets.ts";
import {
  createWorkerLog,
  createWorkerReadSecret,
  type Env,
  workerClock,
  workerIds,
  workerSha256,
} from "./platform/worker/host.ts";
import { workerTransport } from "./platform/worker/transport.ts";

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
        console.error(error instanceof Error ? error.message : "the Worker cannot be built");
        return Response.json(
          {
            error: "server_error",
            error_description: "the Worker's configuration is faulty: see its log",
            error_code: "internal",
          },
          { status: 500, headers: { "Cache-Control": "no-store" } },
        );
      }
      return app.fetch(request, env);
    },
  };
}

async function build(file: ReturnType<typeof parseConfig>, env: Env): Promise<Hono> {
  const { config } = file;
  const deps = {
    config,
    secrets: await loadSecrets(file, createWorkerReadSecret(env)),
    createTransport: () => workerTransport,
    sha256: workerSha256,
    clock: workerClock,
    ids: workerIds,
    log: createWorkerLog(config.log.level),
  };
  return createApp(deps, { providers: createProviders(deps), health: true });
}
