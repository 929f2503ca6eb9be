// Which requests are answered, and the steps each goes through, in order.

import { Hono } from "hono";
import type { Credentials } from "./config/credentials.ts";
import type { Config } from "./config/parse.ts";
import { EXCHANGE_ERROR_TABLE, withStatuses } from "./core/errors.ts";
import type { Runtime } from "./core/ports.ts";
import { createNextAuthServers } from "./nextauth/servers.ts";
import { HEALTH_PATH } from "./nextauth/settings.ts";
import { createProviders } from "./oauth/providers.ts";
import { answerWithToken, toErrorResponse } from "./steps/answer.ts";
import { auditTokens } from "./steps/audit.ts";
import { authenticateCaller, createAuthenticator, refuseOutdated } from "./steps/authenticate.ts";
import { createBodyReader, MAX_UNFINISHED_PER_ADDRESS } from "./steps/body.ts";
import type { Env } from "./steps/context.ts";
import { createIdentities } from "./steps/identities.ts";
import { limitInFlight, limitPerAddress, limitPerWebNonce } from "./steps/limit.ts";
import { methodNotAllowed, notFound, onlyMethod } from "./steps/methods.ts";
import { observe } from "./steps/observe.ts";
import { publishedDocuments } from "./steps/published-documents.ts";
import { readCall } from "./steps/read-call.ts";
import { readExchange } from "./steps/read-exchange.ts";

export type Deps = Awaited<ReturnType<typeof createDeps>>;

export async function createDeps(config: Config, credentials: Credentials, runtime: Runtime) {
  return {
    ...runtime,
    config,
    signingKeys: credentials.signingKeys,
    providers: await createProviders(config.providers, credentials.providers, runtime),
    nextauth: createNextAuthServers(config.nextauth, credentials.nextauth, runtime),
    authenticate: await createAuthenticator(credentials.callers, runtime),
    describeIdentities: createIdentities(config.log.identities, credentials.identitiesKey, runtime),
  };
}

export function createPipeline(deps: Deps): Hono<Env> {
  const { config, inbound, nextauth, providers, maxInFlight, clock } = deps;
  const { get_token, webnonce_exchange, routes } = config;
  const useCase = { routes, providers, nextauth, inbound, clock };
  const audit = auditTokens(deps);
  const app = new Hono<Env>({ getPath: (request, options) => inbound.pathAsSent(request, options?.env) });

  if (deps.hasHealth) app.get(HEALTH_PATH, (c) => c.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }));

  // Before the bindings, whose paths could match these too. Reading one is not a call: no log line.
  for (const { path, serve } of publishedDocuments(config.signing?.issuer, deps.signingKeys)) {
    app.get(path, serve);
    app.all(path, observe(deps, { path, open: true }), methodNotAllowed(["GET", "HEAD"]));
  }

  const readBody = createBodyReader(deps);
  const limitCalls = limitInFlight(maxInFlight);
  for (const [path, bindings] of Map.groupBy(get_token, (binding) => binding.path)) {
    const at = honoPath(path);
    const methods = bindings.map(({ method }) => method);
    for (const binding of bindings) {
      app.on(
        binding.method,
        at,
        observe(deps, { path, errorTable: withStatuses(binding.answer.statuses) }),
        onlyMethod(binding.method, methods),
        authenticateCaller(inbound, deps.authenticate, binding.apikey_header),
        readCall(deps, readBody, binding, nextauth.defaultServerid),
        refuseOutdated(inbound, binding.apikey_header),
        limitCalls, // after the body has arrived: slow ones take no place
        audit,
        answerWithToken(useCase, binding.answer),
      );
    }
    app.all(at, observe(deps, { path }), methodNotAllowed(methods));
  }

  // So that a user is the same at the provider either way.
  const useridRule = get_token.find(({ values }) => values.userid?.pattern !== undefined)?.values.userid;
  // Separate limits, shared by all exchanges, so that they cannot starve getToken.
  const readExchangeBody = createBodyReader(deps, MAX_UNFINISHED_PER_ADDRESS);
  const limitExchanges = limitInFlight(maxInFlight);
  for (const exchange of webnonce_exchange) {
    const { path, rate_limit } = exchange;
    const route = { path, open: true, errorTable: EXCHANGE_ERROR_TABLE };
    // src/config requires one of the two.
    const serverid = (exchange.serverid ?? nextauth.defaultServerid) as string;
    app.post(
      path,
      observe(deps, route),
      limitPerAddress(deps, rate_limit.per_address),
      readExchange(readExchangeBody, serverid, exchange, useridRule),
      limitPerWebNonce(deps, rate_limit.per_webnonce),
      limitExchanges,
      audit,
      answerWithToken(useCase, { refusals: "relay", statuses: {} }), // as RFC 6749 section 5.2 says
    );
    app.all(path, observe(deps, route), methodNotAllowed(["POST"]));
  }

  app.all("*", observe(deps, { path: "", open: true }), notFound);
  app.onError(toErrorResponse);
  return app;
}

/** Translates `{name}` in the path of a binding to Hono's `:name`. */
export const honoPath = (path: string): string => path.replaceAll(/\{(.+?)\}/g, ":$1");
