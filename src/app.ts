// The program's table of contents: which requests it answers, and in what order a call is checked.

import type { Tracer } from "@opentelemetry/api";
import { Hono } from "hono";
import { HEALTH_PATH } from "./config/check-nextauth.ts";
import type { Config } from "./config/complete.ts";
import type { Credentials } from "./config/credentials.ts";
import type { Observe } from "./core/call-report.ts";
import { TokenProxyError } from "./core/errors.ts";
import type { CreateRateLimiter, Inbound } from "./core/inbound.ts";
import type { Clock, CreateBulkhead, HashText, Ids, Log } from "./core/ports.ts";
import type { CreateTransport } from "./core/transport.ts";
import { createRouter, type GetTokenDeps, getToken } from "./get-token.ts";
import { createNextAuthServers, type NextAuthServers } from "./nextauth/servers.ts";
import { createProvider, type Provider } from "./oauth/provider.ts";
import type { ProviderCredentials } from "./oauth/provider-settings.ts";
import { EXCHANGE_WIRE, errorResponse } from "./steps/answer.ts";
import { createAuthenticator } from "./steps/authenticate.ts";
import { asCallError } from "./steps/call-log.ts";
import { createIdentities } from "./steps/identities.ts";
import { type Answer, createAnswer } from "./steps/observe.ts";
import { type WellKnownDocument, wellKnownDocuments, wellKnownResponse } from "./steps/published-documents.ts";
import { createCallReader } from "./steps/read-call.ts";
import { readExchange } from "./steps/read-exchange.ts";

/** What the program is made of. Each entry builds it once; tests replace parts of it. */
export interface Deps {
  config: Config;
  credentials: Credentials;
  createTransport: CreateTransport;
  createRateLimiter: CreateRateLimiter;
  createBulkhead: CreateBulkhead;
  hashText: HashText;
  clock: Clock;
  ids: Ids;
  log: Log;
  tracer: Tracer;
  observe: Observe;
}

export type Providers = ReadonlyMap<string, Provider>;

export function createProviders(
  deps: Pick<Deps, "config" | "credentials" | "createTransport" | "createBulkhead" | "clock" | "ids" | "log">,
): Providers {
  const { config, credentials } = deps;
  return new Map(
    Object.entries(config.providers).map(([name, settings]) => [
      name,
      createProvider(name, settings, credentials.providers.get(name) as ProviderCredentials, deps),
    ]),
  );
}

export function createServers({ config, credentials, ...deps }: Deps): NextAuthServers {
  return createNextAuthServers(config.nextauth, credentials.nextauth, deps);
}

export interface AppOptions {
  providers: Providers;
  nextauth: NextAuthServers;
  inbound: Inbound;
  /** Calls at once. */
  maxInFlight: number;
  /** Whether the app itself answers /healthz: on Workers, which have no second listener. */
  health: boolean;
}

/** @returns the Hono app that answers getToken and the webNonce exchange, and refuses everything else */
export async function createApp(deps: Deps, options: AppOptions): Promise<Hono> {
  const { config, credentials } = deps;
  const { providers, nextauth, inbound, maxInFlight, health } = options;
  const describe = createIdentities(config.log.identities, credentials.identitiesKey, deps);
  const answer = createAnswer(deps, describe, maxInFlight);
  const useCase = { route: createRouter(config.routes, providers), nextauth };
  const app = new Hono({ getPath: (request, given) => inbound.pathAsSent(request, given?.env) });

  if (health) app.get(HEALTH_PATH, (c) => c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));

  for (const document of published(deps)) {
    app.all(document.path, (c) => {
      if (c.req.method === "GET" || c.req.method === "HEAD") return wellKnownResponse(document);
      return answer(c.req.raw, { route: document.path, open: true }, () => Promise.reject(methodNotAllowed("GET")));
    });
  }
  const parts = { deps, providers, inbound, answer, useCase };
  await addGetToken(app, parts);
  // Its own count: whoever lets the body of an exchange trickle in, which needs no key, must not take getToken's places.
  addExchange(app, { ...parts, answer: createAnswer(deps, describe, maxInFlight) });

  app.notFound((c) => answer(c.req.raw, { route: "", open: true }, () => Promise.reject(notFound())));

  // Only a bug outside of a call gets here, as in the log itself; Hono would print what it says.
  app.onError((error) => errorResponse(asCallError(error), deps.ids.uuid()));

  return app;
}

/** What both doors are made of. */
interface Parts {
  deps: Deps;
  providers: Providers;
  inbound: Inbound;
  answer: Answer;
  useCase: GetTokenDeps;
}

/** The first door: the nextAuth Server calls getToken, at each path of its bindings. */
async function addGetToken(app: Hono, { deps, inbound, answer, useCase }: Parts): Promise<void> {
  const authenticate = await createAuthenticator(deps.credentials.callers, deps);
  for (const [path, bindings] of Map.groupBy(deps.config.get_token, (binding) => binding.path)) {
    const byMethod = new Map(
      bindings.map((binding) => [binding.method as string, { ...binding, read: createCallReader(binding) }]),
    );
    app.all(honoPath(path), (c) =>
      answer(c.req.raw, { route: path }, async (record) => {
        const binding = byMethod.get(c.req.method);
        if (binding === undefined) throw methodNotAllowed([...byMethod.keys()].join(", "));
        const certificate = inbound.clientCertificate(c.req.raw, c.env);
        const { name, serverids } = await authenticate(c.req.raw.headers, certificate, binding.apikey_header);
        record.caller = name;
        record.recipient = inbound.recipient(c.env); // no closure: one kept with each call cost 40 MiB where 512 wait
        const values = await binding.read(c.req.raw, c.req.path);
        return await getToken(useCase, { serverids, values, session: binding.session }, record);
      }),
    );
  }
}

/** The second door: an app exchanges its webNonce, its only credential, so that the session check always happens. */
function addExchange(app: Hono, { deps, providers, inbound, answer, useCase }: Parts): void {
  const exchange = deps.config.webnonce_exchange;
  if (exchange === undefined) return;
  const serverid = (exchange.serverid ?? useCase.nextauth.defaultServerid) as string; // check-nextauth.ts sees to it
  const named = exchange.provider === undefined ? undefined : providers.get(exchange.provider);
  const route = named === undefined ? useCase.route : () => named;
  const limits = {
    perAddress: deps.createRateLimiter(exchange.rate_limit.per_address),
    perWebNonce: deps.createRateLimiter(exchange.rate_limit.per_webnonce),
  };
  const door = { route: exchange.path, open: true, wire: EXCHANGE_WIRE };
  app.all(exchange.path, (c) =>
    answer(c.req.raw, door, async (record) => {
      if (c.req.method !== "POST") throw methodNotAllowed("POST");
      const address = inbound.clientAddress(c.req.raw, c.env);
      const values = await readExchange(c.req.raw, { address, serverid }, limits, deps.hashText);
      return getToken({ ...useCase, route }, { serverids: undefined, values, session: "verify" }, record);
    }),
  );
}

/** The documents about our own keys; none without an issuer under which others could look for them. */
function published({ config, credentials }: Deps): WellKnownDocument[] {
  const issuer = config.signing?.issuer;
  return issuer === undefined ? [] : wellKnownDocuments(issuer, credentials.signingKeys);
}

function methodNotAllowed(allow: string): TokenProxyError {
  return new TokenProxyError("method_not_allowed", `this path takes ${allow} alone`, { allow });
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
