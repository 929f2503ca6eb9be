// One provider of the file, ready to be asked: within its limits, at the endpoint that it has, once more where that is harmless.

import { TokenProxyError } from "../core/errors.ts";
import type { Clock, CreateBulkhead, Ids, Log } from "../core/ports.ts";
import { withOneRetry } from "../core/retry.ts";
import { unmeasured } from "../core/trace.ts";
import type { CreateTransport, Delivery } from "../core/transport.ts";
import { type BreakerState, createBreaker } from "./breaker.ts";
import { credentialOf } from "./client-authentication.ts";
import { createClockWatch } from "./clock-skew.ts";
import { createDiscovery, type Discovery, type Metadata } from "./discovery.ts";
import { type Asking, createExchanges, type ExchangeTrace } from "./exchange.ts";
import { exchangeError } from "./exchange-error.ts";
import { isRepeatable } from "./grants.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import { createRotation } from "./rotation.ts";
import type { TokenAnswer } from "./token-response.ts";
import { ATTRIBUTE_PREFIX, type CallValues, callNamesNeeded, createValues } from "./values.ts";

export interface Provider {
  readonly name: string;
  /** Undefined where the file names the token endpoint. */
  readonly discovery: Discovery | undefined;
  /** The user's attributes that its templates need: `attributes.NAME` by NAME. */
  readonly attributes: readonly string[];
  /**
   * Asks for one token.
   * @throws {TokenProxyError} `call_invalid` where the call lacks a value, before anything is sent; else `provider_…`
   */
  requestToken(callValues: CallValues, trace?: ExchangeTrace): Promise<TokenAnswer>;
  state(): ProviderState;
}

export interface ProviderState {
  breaker: BreakerState;
  /** Since it was made of the configuration. */
  suspensions: number;
  /** Seconds by which its clock is ahead of ours; undefined where its answers do not tell. */
  clockSkew: number | undefined;
  inFlight: number;
  queued: number;
}

/** How many calls, as a share of max_in_flight, may wait for one of those to end, and for how long, as a share of timeout. */
const QUEUE_SHARE = 0.25;

export interface ProviderDeps {
  createTransport: CreateTransport;
  createBulkhead: CreateBulkhead;
  clock: Clock;
  ids: Ids;
  log: Log;
}

/** @param name the provider's name in the file */
export function createProvider(
  name: string,
  settings: ProviderSettings,
  credentials: ProviderCredentials,
  deps: ProviderDeps,
): Provider {
  const { clock, log } = deps;
  const key = `providers.${name}`;
  const clockWatch = createClockWatch(name, deps);
  const transport = clockWatch.over(
    deps.createTransport({
      connect_timeout: settings.connect_timeout,
      connections: settings.max_in_flight,
      tls: credentials.tls,
    }),
  );
  // A wait for a place must not use up the provider's time: what then came too late would be taken for its failure.
  const bulkhead = deps.createBulkhead(
    settings.max_in_flight,
    Math.ceil(settings.max_in_flight * QUEUE_SHARE),
    settings.timeout * QUEUE_SHARE,
  );
  const breaker = createBreaker({ timeout: settings.timeout, name, transport, clock, log });
  const byTls = credentialOf(settings.token_endpoint_auth_method) === "certificate";
  const discovery =
    settings.discovery === "none" || settings.issuer === undefined
      ? undefined
      : createDiscovery({ issuer: settings.issuer, discovery: settings.discovery, byTls }, key, { transport, clock });
  const neededOfCall = callNamesNeeded(settings);
  const exchanges = createExchanges(settings, credentials, key, deps);
  const repeatable = isRepeatable(settings.grant_type, settings.params);
  const isHarmlessAgain = (delivery: Delivery) => delivery === "none" || (delivery === "stale" && repeatable);
  const withRotation = createRotation(exchanges.credentials, (refused, next) => {
    log("warn", "client credential refused, trying the next", { provider: name, refused: refused + 1, next: next + 1 });
  });

  // The schema lets nothing through that has neither discovery nor a token endpoint.
  const fromFile = { issuer: settings.issuer ?? "", token_endpoint: settings.token_endpoint as string };

  function endpointOf({ deadline, run, send }: Asking): Metadata | Promise<Metadata> {
    if (discovery === undefined) return fromFile;
    return discovery.fresh() ?? run("discovery", () => discovery.metadata(deadline - clock.elapsed(), send));
  }

  function askWatched(callValues: CallValues, trace: ExchangeTrace): Promise<TokenAnswer> {
    const { run = unmeasured } = trace;
    return breaker.run((send) =>
      ask(callValues, { deadline: clock.elapsed() + settings.timeout, trace, run, send }).catch((error) => {
        throw exchangeError(error, key);
      }),
    );
  }

  /** Whatever it takes: discovery, a rotation of credentials, a retry. */
  async function ask(callValues: CallValues, asking: Asking): Promise<TokenAnswer> {
    const { issuer, token_endpoint } = await endpointOf(asking);
    const own = {
      client_id: settings.client_id ?? "",
      issuer,
      token_endpoint,
      signing_issuer: credentials.signingIssuer ?? "",
      "signing.kid": credentials.signingKeys[0]?.kid ?? "",
    };
    const values = createValues(own, callValues, deps);
    return await withRotation((credential) =>
      withOneRetry(() => exchanges.exchange(credential, token_endpoint, values, asking), isHarmlessAgain),
    );
  }

  return {
    name,
    discovery,
    attributes: neededOfCall
      .filter((needed) => needed.startsWith(ATTRIBUTE_PREFIX))
      .map((needed) => needed.slice(ATTRIBUTE_PREFIX.length)),
    async requestToken(callValues, trace = {}) {
      for (const needed of neededOfCall) {
        if (callValues(needed) === undefined) throw missingValue(needed, key);
      }
      const place = bulkhead.enter();
      if (place !== true && !(await place)) throw overloaded(key);
      try {
        // A token that nobody waits for any more must not be asked for.
        if (place !== true && trace.recipient?.destroyed === true) throw overloaded(key);
        return await askWatched(callValues, trace);
      } finally {
        bulkhead.leave();
      }
    },
    state: () => ({
      breaker: breaker.state(),
      suspensions: breaker.suspensions(),
      clockSkew: clockWatch.skew(),
      ...bulkhead.state(),
    }),
  };
}

/** The next place is free as soon as one of the calls in flight ends. */
const RETRY_AFTER_SECONDS = 1;

function overloaded(key: string): TokenProxyError {
  return new TokenProxyError("overloaded", `too many calls are in flight to the provider "${key}"`, {
    retryAfter: RETRY_AFTER_SECONDS,
  });
}

function missingValue(name: string, key: string): TokenProxyError {
  return new TokenProxyError("call_invalid", `the call has no value "${name}", which "${key}" needs`);
}
