// One provider of the file, ready to be asked: endpoint, JWTs, request, credentials, answer.

import { TokenProxyError } from "../errors.ts";
import { BulkheadFullError, type Clock, type CreateBulkhead, type Ids, type Log } from "../ports.ts";
import { withOneRetry } from "../retry.ts";
import type { Secret } from "../secret.ts";
import {
  type CreateTransport,
  type Delivery,
  type TlsCredentials,
  type Transport,
  TransportError,
} from "../transport.ts";
import { createBreaker } from "./breaker.ts";
import {
  type ClientAuthentication,
  type ClientSettings,
  createClientAuthentications,
  credentialOf,
} from "./client-authentication.ts";
import { createDiscovery, type Discovery, type DiscoveryKind, type Metadata } from "./discovery.ts";
import { exchangeError } from "./exchange-error.ts";
import { compileExpectSubject, type ExpectSubjectSettings } from "./expect-subject.ts";
import { isRepeatable } from "./grants.ts";
import { compileJwt, type JwtSettings, type MakeJwt } from "./jwt.ts";
import { createRotation } from "./rotation.ts";
import type { SigningKey } from "./signing-key.ts";
import {
  compileTokenRequest,
  HeaderValueError,
  type PlacedSecrets,
  type TokenRequestSettings,
} from "./token-request.ts";
import { type ErrorRules, judgeTokenResponse, type TokenAnswer } from "./token-response.ts";
import {
  ATTRIBUTE_PREFIX,
  type CallValues,
  callNamesNeeded,
  createValues,
  JWT_PREFIX,
  jwtsNeeded,
  type Values,
} from "./values.ts";

/** A provider as the file describes it. Durations are in milliseconds. */
export interface ProviderSettings extends TokenRequestSettings, ClientSettings, ErrorRules {
  issuer?: string | undefined;
  /** Whether, and by which document, the token endpoint is looked up from the issuer. */
  discovery: DiscoveryKind | "none";
  token_endpoint?: string | undefined;
  jwt: Readonly<Record<string, JwtSettings>>;
  expect_subject?: ExpectSubjectSettings | undefined;
  timeout: number;
  connect_timeout: number;
  max_response_bytes: number;
  /** Exchanges at once; on Node. */
  max_in_flight: number;
}

/** What a provider's settings name and do not hold: loaded before the first call. */
export interface ProviderCredentials {
  /** In the order of the file. */
  secrets: readonly Secret[];
  clientKeys: readonly SigningKey[];
  /** Those of `signing.keys` that sign, the first one first. */
  signingKeys: readonly SigningKey[];
  signingIssuer: string | undefined;
  tls: TlsCredentials | undefined;
  /** Those in params and headers. */
  placed: PlacedSecrets;
}

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
}

/** What is found out on the way to an answer, or to none. */
export interface ExchangeTrace {
  /** Requests sent to the token endpoint, those of which not a byte got through included. */
  attempts?: number;
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
  const transport = deps.createTransport({
    connect_timeout: settings.connect_timeout,
    connections: settings.max_in_flight,
    tls: credentials.tls,
  });
  const withinLimit = deps.createBulkhead(settings.max_in_flight, Math.ceil(settings.max_in_flight * QUEUE_SHARE));
  const breaker = createBreaker(settings.timeout, name, deps);
  const byTls = credentialOf(settings.token_endpoint_auth_method) === "certificate";
  const discovery =
    settings.discovery === "none" || settings.issuer === undefined
      ? undefined
      : createDiscovery({ issuer: settings.issuer, discovery: settings.discovery, byTls }, key, { transport, clock });
  const neededOfCall = callNamesNeeded(settings);
  const makeJwts = compileJwts(settings, credentials, deps);
  const buildRequest = compileTokenRequest(settings, credentials.placed);
  const repeatable = isRepeatable(settings.grant_type, settings.params);
  const authentications = createClientAuthentications(
    settings,
    { secrets: credentials.secrets, keys: credentials.clientKeys },
    deps,
  );
  const isHarmlessAgain = (delivery: Delivery) => delivery === "none" || (delivery === "stale" && repeatable);
  const checkSubject =
    settings.expect_subject === undefined ? undefined : compileExpectSubject(settings.expect_subject, key);
  const withRotation = createRotation(authentications.length, (refused, next) => {
    log("warn", "client credential refused, trying the next", { provider: name, refused: refused + 1, next: next + 1 });
  });

  async function endpointOf(timeout: number, send: Transport): Promise<Metadata> {
    if (discovery === undefined) {
      // The schema lets nothing through that has neither discovery nor a token endpoint.
      return { issuer: settings.issuer ?? "", token_endpoint: settings.token_endpoint as string };
    }
    return discovery.metadata(timeout, send);
  }

  async function exchange(
    authenticate: ClientAuthentication,
    tokenEndpoint: string,
    values: Values,
    deadline: number,
    trace: ExchangeTrace,
    send: Transport,
  ): Promise<TokenAnswer> {
    const jwts = await makeJwts(values);
    const text = (valueName: string) => jwts.get(valueName) ?? String(values(valueName));
    const { headers, form } = buildRequest(text);
    await authenticate(form, headers, values);
    // Discovery or a first attempt may have used up the time: a token that nobody waits for must not be asked for.
    const timeout = deadline - clock.elapsed();
    if (timeout <= 0) throw new TransportError("timeout");
    trace.attempts = (trace.attempts ?? 0) + 1;
    const response = await send({
      method: "POST",
      url: tokenEndpoint,
      headers,
      body: form.toString(),
      timeout,
      maxResponseBytes: settings.max_response_bytes,
    });
    const answer = judgeTokenResponse(response, settings, key, clock.now());
    if (answer.outcome === "token") checkSubject?.(answer.body, text);
    return answer;
  }

  /** One token for one call, whatever it takes: discovery, a rotation of credentials, a retry. */
  async function ask(
    callValues: CallValues,
    deadline: number,
    trace: ExchangeTrace,
    send: Transport,
  ): Promise<TokenAnswer> {
    try {
      const endpoint = await endpointOf(deadline - clock.elapsed(), send);
      const own = {
        client_id: settings.client_id ?? "",
        issuer: endpoint.issuer,
        token_endpoint: endpoint.token_endpoint,
        signing_issuer: credentials.signingIssuer ?? "",
        "signing.kid": credentials.signingKeys[0]?.kid ?? "",
      };
      const values = createValues(own, callValues, deps);
      return await withRotation((index) => {
        const authenticate = authentications[index] as ClientAuthentication;
        const once = () => exchange(authenticate, endpoint.token_endpoint, values, deadline, trace, send);
        return withOneRetry(once, isHarmlessAgain);
      });
    } catch (error) {
      if (error instanceof HeaderValueError) throw unfitHeader(error.header, key);
      throw exchangeError(error, key);
    }
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
      const called = clock.elapsed();
      try {
        return await withinLimit(() => {
          const now = clock.elapsed();
          // A wait for a place must not use up the provider's time: what then came too late would be taken for its failure.
          if (now - called > settings.timeout * QUEUE_SHARE) throw overloaded(key);
          return breaker.run((asked) => {
            const send: Transport = (request) => {
              asked();
              return transport(request);
            };
            return ask(callValues, now + settings.timeout, trace, send);
          });
        });
      } catch (error) {
        throw error instanceof BulkheadFullError ? overloaded(key) : error;
      }
    },
  };
}

/** @returns a function that signs every JWT that the request needs, anew for each attempt, by their names in templates */
function compileJwts(
  settings: ProviderSettings,
  { signingKeys }: ProviderCredentials,
  deps: { clock: Clock; ids: Ids },
): (values: Values) => Promise<ReadonlyMap<string, string>> {
  const makers = jwtsNeeded(settings).map((name): [string, MakeJwt] => {
    const jwt = settings.jwt[name] as JwtSettings;
    const signer = jwt.kid === undefined ? signingKeys[0] : signingKeys.find(({ kid }) => kid === jwt.kid);
    return [JWT_PREFIX + name, compileJwt(jwt, signer as SigningKey, deps)];
  });
  return async (values) => {
    const jwts = new Map<string, string>();
    for (const [name, makeJwt] of makers) jwts.set(name, await makeJwt(values));
    return jwts;
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

function unfitHeader(header: string, key: string): TokenProxyError {
  return new TokenProxyError(
    "call_invalid",
    `a value of the call cannot stand in the header "${key}.headers.${header}"`,
  );
}
