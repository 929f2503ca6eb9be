// The program's table of contents: which requests it answers, and in what order a call is checked.

import { Hono } from "hono";
import { HEALTH_PATH } from "./config/check.ts";
import type { Config } from "./config/complete.ts";
import type { Credentials } from "./config/credentials.ts";
import { TokenProxyError } from "./errors.ts";
import { type CallRecord, createRouter, getToken } from "./get-token.ts";
import { errorResponse, relay } from "./http/answer.ts";
import { createCallReader } from "./http/call.ts";
import { asCallError, logAnswer, logError } from "./http/call-log.ts";
import { createAuthenticator } from "./http/caller.ts";
import { type WellKnownDocument, wellKnownDocuments, wellKnownResponse } from "./http/well-known.ts";
import { createProvider, type Provider, type ProviderCredentials } from "./oauth/provider.ts";
import type { TokenAnswer } from "./oauth/token-response.ts";
import type { Clock, Ids, Log, Sha256 } from "./ports.ts";
import type { CreateTransport } from "./transport.ts";

/** What the program is made of. Each entry builds it once; tests replace parts of it. */
export interface Deps {
  config: Config;
  credentials: Credentials;
  createTransport: CreateTransport;
  sha256: Sha256;
  clock: Clock;
  ids: Ids;
  log: Log;
}

export type Providers = ReadonlyMap<string, Provider>;

export function createProviders(
  deps: Pick<Deps, "config" | "credentials" | "createTransport" | "clock" | "ids" | "log">,
): Providers {
  const { config, credentials } = deps;
  return new Map(
    Object.entries(config.providers).map(([name, settings]) => [
      name,
      createProvider(name, settings, credentials.providers.get(name) as ProviderCredentials, deps),
    ]),
  );
}

export interface AppOptions {
  providers: Providers;
  /**
   * The request's path as the caller sent it. Hono's own way decodes it, and then `/%67etToken` would be `/getToken` here and
   * something else to whatever guards paths in front of this proxy.
   */
  pathAsSent(request: Request, env: unknown): string;
  /** Whether the app itself answers /healthz: on Workers, which have no second listener. */
  health: boolean;
}

/** @returns the Hono app that answers getToken and refuses everything else */
export async function createApp(deps: Deps, { providers, pathAsSent, health }: AppOptions): Promise<Hono> {
  const { get_token: binding, routes } = deps.config;
  const authenticate = await createAuthenticator(deps.credentials.callers, deps);
  const readCall = createCallReader(binding);
  const route = createRouter(routes, providers);
  const app = new Hono({ getPath: (request, options) => pathAsSent(request, options?.env) });

  if (health) app.get(HEALTH_PATH, (c) => c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));

  for (const document of published(deps)) {
    app.all(document.path, (c) => {
      if (c.req.method === "GET" || c.req.method === "HEAD") return wellKnownResponse(document);
      return answer(deps, () => Promise.reject(methodNotAllowed("GET")));
    });
  }

  app.all(honoPath(binding.path), (c) =>
    answer(deps, async (record) => {
      if (c.req.method !== binding.method) throw methodNotAllowed(binding.method);
      const caller = await authenticate(c.req.raw.headers);
      record.caller = caller.name;
      const call = await readCall(c.req.raw, c.req.path);
      return getToken({ route }, caller, call, record);
    }),
  );

  app.notFound(() => answer(deps, () => Promise.reject(notFound())));

  // Only a bug outside of a call gets here, as in the log itself; Hono would print what it says.
  app.onError((error) => errorResponse(asCallError(error), deps.ids.uuid()));

  return app;
}

/** The documents about our own keys; none without an issuer under which others could look for them. */
function published({ config, credentials }: Deps): WellKnownDocument[] {
  const issuer = config.signing?.issuer;
  return issuer === undefined ? [] : wellKnownDocuments(issuer, credentials.signingKeys);
}

/** Runs one call and turns what comes of it into the response and the line of the log; nothing it throws gets further. */
async function answer(
  { ids, clock, log }: Deps,
  handle: (record: CallRecord) => Promise<TokenAnswer>,
): Promise<Response> {
  const started = clock.elapsed();
  const requestId = ids.uuid();
  const record: CallRecord = {};
  try {
    const token = await handle(record);
    const response = relay(token, requestId);
    logAnswer(log, { requestId, record, duration: clock.elapsed() - started }, token);
    return response;
  } catch (thrown) {
    const error = asCallError(thrown);
    logError(log, { requestId, record, duration: clock.elapsed() - started }, error);
    return errorResponse(error, requestId);
  }
}

function methodNotAllowed(method: string): TokenProxyError {
  return new TokenProxyError("method_not_allowed", `this path takes ${method} alone`, { allow: method });
}

function notFound(): TokenProxyError {
  return new TokenProxyError(
    "not_found",
    'nothing is at this path; getToken is at "get_token.path", letter for letter',
  );
}

/** The binding's `{name}` in the words of Hono's router. */
function honoPath(path: string): string {
  return path.replaceAll(/\{(.+?)\}/g, ":$1");
}
