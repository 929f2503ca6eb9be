// One token request and its answer: JWTs, parameters, the client's credentials, and what the provider makes of them.

import { TokenProxyError } from "../core/errors.ts";
import type { Recipient } from "../core/inbound.ts";
import type { Clock, Ids } from "../core/ports.ts";
import { NO_HEADERS, type RunStep } from "../core/trace.ts";
import { type Transport, TransportError } from "../core/transport.ts";
import { type ClientAuthentication, createClientAuthentications, isSigned } from "./client-authentication.ts";
import { compileExpectSubject } from "./expect-subject.ts";
import { compileJwt, type JwtSettings, type MakeJwt } from "./jwt.ts";
import type { ProviderCredentials, ProviderSettings } from "./provider-settings.ts";
import type { SigningKey } from "./signing-key.ts";
import { compileTokenRequest, HeaderValueError } from "./token-request.ts";
import { judgeTokenResponse, type TokenAnswer } from "./token-response.ts";
import { JWT_PREFIX, jwtsNeeded, type Values } from "./values.ts";

/** What is found out on the way to an answer, or to none. */
export interface ExchangeTrace {
  /** Requests sent to the token endpoint, those of which not a byte got through included. */
  attempts?: number;
  /** Measures the steps. */
  run?: RunStep;
  /** Where the answer goes: destroyed once the caller has gone. */
  recipient?: Recipient | undefined;
}

/** What belongs to one call, whatever it takes to answer it. */
export interface Asking {
  /** Of the clock that is never set; beyond it nobody waits for a token. */
  deadline: number;
  trace: ExchangeTrace;
  run: RunStep;
  send: Transport;
}

export interface Exchanges {
  /** How many credentials the client has: the first is used, the next where the provider refuses it. */
  credentials: number;
  /**
   * Sends one request, signed anew.
   * @param credential which one of the client's
   * @throws {TokenProxyError | TransportError}
   */
  exchange(credential: number, tokenEndpoint: string, values: Values, asking: Asking): Promise<TokenAnswer>;
}

const NO_JWTS: ReadonlyMap<string, string> = new Map();

/** @param key the provider's key in the file, for errors */
export function createExchanges(
  settings: ProviderSettings,
  credentials: ProviderCredentials,
  key: string,
  deps: { clock: Clock; ids: Ids },
): Exchanges {
  const { clock } = deps;
  const makers = compileJwts(settings, credentials, deps);
  const buildRequest = compileTokenRequest(settings, credentials.placed);
  const authentications = createClientAuthentications(
    settings,
    { secrets: credentials.secrets, keys: credentials.clientKeys },
    deps,
  );
  const signs = jwtsNeeded(settings).length > 0 || isSigned(settings.token_endpoint_auth_method);
  const checkSubject =
    settings.expect_subject === undefined ? undefined : compileExpectSubject(settings.expect_subject, key);

  /** @param jwts none where nothing is signed, and then nothing here takes any time */
  function build(credential: number, values: Values, jwts: ReadonlyMap<string, string> = NO_JWTS) {
    const { headers, form } = fill(textOf(values, jwts));
    const authenticate = authentications[credential] as ClientAuthentication;
    return { headers, form, jwts, authenticated: authenticate(form, headers, values) };
  }

  function fill(text: (name: string) => string) {
    try {
      return buildRequest(text);
    } catch (error) {
      throw error instanceof HeaderValueError ? unfitHeader(error.header, key) : error;
    }
  }

  /** Every JWT is signed anew for each attempt. */
  async function buildSigned(credential: number, values: Values) {
    const jwts = new Map<string, string>();
    for (const { name, makeJwt } of makers) jwts.set(name, await makeJwt(values));
    const request = build(credential, values, jwts);
    await request.authenticated;
    return request;
  }

  return {
    credentials: authentications.length,
    async exchange(credential, tokenEndpoint, values, { deadline, trace, run, send }) {
      const { headers, form, jwts } = signs
        ? await run("signing", () => buildSigned(credential, values))
        : build(credential, values);
      // Discovery or a first attempt may have used up the time: a token that nobody waits for must not be asked for.
      const timeout = deadline - clock.elapsed();
      if (timeout <= 0) throw new TransportError("timeout");
      trace.attempts = (trace.attempts ?? 0) + 1;
      const response = await run("provider", (traceHeaders) =>
        send({
          method: "POST",
          url: tokenEndpoint,
          headers: traceHeaders === NO_HEADERS ? headers : { ...traceHeaders, ...headers },
          body: form.toString(),
          timeout,
          maxResponseBytes: settings.max_response_bytes,
        }),
      );
      const answer = judgeTokenResponse(response, settings, key, clock.now());
      if (answer.outcome === "token")
        checkSubject?.(answer.body, { get: textOf(values, jwts) } as ReadonlyMap<string, string>);
      return answer;
    },
  };
}

/** What the names in templates stand for, as text. */
function textOf(values: Values, jwts: ReadonlyMap<string, string>): (name: string) => string {
  return (name) => jwts.get(name) ?? String(values(name));
}

/** The JWTs that the request needs, by their names in templates. */
function compileJwts(
  settings: ProviderSettings,
  { signingKeys }: ProviderCredentials,
  deps: { clock: Clock; ids: Ids },
): { name: string; makeJwt: MakeJwt }[] {
  return jwtsNeeded(settings).map((name) => {
    const jwt = settings.jwt[name] as JwtSettings;
    const signer = jwt.kid === undefined ? signingKeys[0] : signingKeys.find(({ kid }) => kid === jwt.kid);
    return { name: JWT_PREFIX + name, makeJwt: compileJwt(jwt, signer as SigningKey, deps) };
  });
}

function unfitHeader(header: string, key: string): TokenProxyError {
  return new TokenProxyError(
    "call_invalid",
    `a value of the call cannot stand in the header "${key}.headers.${header}"`,
  );
}
