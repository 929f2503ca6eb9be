// One provider of the file: token requests within its limits, repeated only where that is harmless.

import { TokenProxyError } from "../core/errors.ts";
import { keepNothing, type Runtime } from "../core/ports.ts";
import { type Delivery, withOneRetry } from "../core/transport.ts";
import { textOf, type Values } from "../core/values.ts";
import { createBreaker } from "./breaker.ts";
import { credentialOf } from "./client-authentication.ts";
import { createClockWatch } from "./clock-skew.ts";
import { createDiscovery } from "./discovery.ts";
import { isRepeatable } from "./grants.ts";
import { type Answer, asProviderError } from "./judge-answer.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import { createRefusalWatch } from "./refusals.ts";
import { createRotation } from "./rotation.ts";
import { ATTRIBUTE_PREFIX, callNamesNeeded, namesAfter } from "./template-names.ts";
import { type Attempt, createTokenRequest } from "./token-request.ts";

export type Provider = ReturnType<typeof createProvider>;
export type Providers = ReadonlyMap<string, Provider>;
type Used = "createTransport" | "createBulkhead" | "keep" | "sharesPromises" | "clock" | "ids" | "log";
export type ProviderDeps = Pick<Runtime, Used>;

/** The share of max_in_flight that may wait, and the share of timeout for which it may. */
const QUEUE_SHARE = 0.25;

/** @param needed the values that a call must have */
export function createProvider(
  name: string,
  settings: ProviderSettings,
  credentials: ProviderCredentials,
  deps: ProviderDeps,
  needed: readonly string[] = callNamesNeeded(settings),
) {
  const { clock, log, keep = keepNothing } = deps;
  const { issuer, metadata_url, timeout, max_in_flight, connect_timeout, http2, reuse_connections } = settings;
  const key = `providers.${name}`;
  const clockWatch = createClockWatch(name, deps);
  const { tls, proxyFor } = credentials;
  const connecting = { key, connect_timeout, connections: max_in_flight, http2, reuse_connections, tls, proxyFor };
  const transport = clockWatch.over(deps.createTransport(connecting));
  const byTls = credentialOf(settings.token_endpoint_auth_method) === "certificate";
  const discovery =
    settings.discovery === "none" || issuer === undefined
      ? undefined
      : createDiscovery({ issuer, metadata_url, discovery: settings.discovery, byTls }, key, { ...deps, transport });
  const bulkhead = deps.createBulkhead(max_in_flight, Math.ceil(max_in_flight * QUEUE_SHARE));
  const breakerKey = JSON.stringify([key, issuer, settings.token_endpoint, timeout]);
  const breaker = keep(breakerKey, () => createBreaker({ timeout, name, clock, log }));
  const { requestToken, credentialCount } = createTokenRequest(settings, credentials, key, discovery, deps);
  // The file's assertion would be sent with the same jti again, which looks like a replay.
  const repeatable = credentials.assertionFile === undefined && isRepeatable(settings);
  const withRotation = createRotation(credentialCount, repeatable, name, deps);
  const refusals = createRefusalWatch(name, log);
  const isHarmless = (delivery: Delivery) => delivery === "none" || (delivery === "stale" && repeatable);

  function assertValues(values: Values): void {
    const missing = needed.find((value) => !values.has(value));
    if (missing === undefined) return;
    throw new TokenProxyError("call_invalid", `the call has no value "${missing}", which "${key}" needs`);
  }

  return {
    name,
    /** Undefined if the file names the token endpoint. */
    discovery,
    /** The user's attributes that its templates need: NAME for `attributes.NAME`. */
    attributes: namesAfter(ATTRIBUTE_PREFIX, needed),
    /** @throws {TokenProxyError} call_invalid */
    assertValues,
    assertNotSuspended: breaker.assertNotSuspended,
    /** @throws {TokenProxyError} call_invalid if a value is missing, overloaded, or `provider_…` */
    async requestToken(values: Values, call: Pick<Attempt, "time" | "trace" | "announce">): Promise<Answer> {
      const { time, trace, announce } = call;
      assertValues(values);
      const deadline = clock.elapsed() + timeout;
      const wait = timeout * QUEUE_SHARE;
      const left = time.begin("the wait for other calls to the provider");
      const place = bulkhead.enter(Math.min(wait, left));
      if (!(await place)) throw place === false || wait <= left ? overloaded(key) : time.ended();
      try {
        const answer = await breaker.run(transport, (send) =>
          withRotation(
            (credential) =>
              withOneRetry(
                () => requestToken(values, { credential, deadline, send, time, trace, announce }),
                isHarmless,
              ),
            (attempt) => time.within("the token request", () => attempt),
          ).catch((error: unknown) => {
            throw asProviderError(error, key);
          }),
        );
        refusals.note(answer, textOf(values, "userid") ?? textOf(values, "nonce"));
        return answer;
      } finally {
        bulkhead.leave();
      }
    },
    /** `clockSkew` in seconds, positive if its clock is ahead of ours. */
    state: () => ({
      breaker: breaker.state(),
      suspensions: breaker.suspensions(),
      clockSkew: clockWatch.skew(),
      assertion: credentials.assertionFile?.state(),
      ...refusals.state(),
      ...bulkhead.state(),
    }),
  };
}

function overloaded(key: string): TokenProxyError {
  const message = `as many token requests to the provider "${key}" are in flight as its max_in_flight allows`;
  return new TokenProxyError("overloaded", message, { retryAfter: 1 }); // one may end soon
}
