// The middleware for access tokens: accepts JWTs that the issuer signed for this server.

import type { MiddlewareHandler } from "hono";
import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { createFetchTransport } from "../core/fetch-transport.ts";
import { REQUEST_HEADERS } from "../core/headers.ts";
import type { Transport } from "../core/transport.ts";
import { endpointUrlFault } from "../core/url.ts";
import {
  checkNumber,
  checkOption,
  checkText,
  createGuard,
  type GuardOptions,
  Refusal,
  readBearer,
  unavailable,
} from "./bearer.ts";
import { createIntrospection, type IntrospectionOptions } from "./introspection.ts";

/** RFC 7518 section 3.1, RFC 8037, RFC 9864. */
export type AccessTokenAlgorithm = `${"RS" | "PS" | "ES"}${256 | 384 | 512}` | "EdDSA" | "Ed25519";

export interface AccessTokenOptions extends GuardOptions {
  /** `iss`, exactly as the issuer writes it. */
  issuer: string;
  /** `aud`: the names of this resource server. The token must have one of them. */
  audience: string | readonly string[];
  /** The algorithms that the issuer signs with. A token with another `alg` is refused. */
  algorithms: readonly AccessTokenAlgorithm[];
  /** https, or http on loopback. */
  jwks_uri: string;
  /** The expected `typ` of the header, `at+jwt` by RFC 9068. Not checked by default. */
  typ?: string | undefined;
  /** Seconds by which the clocks of issuer and server may differ: 5 by default, 300 at most. */
  clockTolerance?: number | undefined;
  /** Milliseconds for which the JWKS, and so a withdrawn key, is cached: 600000 by default. */
  cacheMaxAge?: number | undefined;
  /** Milliseconds after a JWKS fetch in which unknown kids cause no other: 30000 by default. */
  cooldown?: number | undefined;
  /** Asks the issuer whether each token is still active (RFC 7662). */
  introspection?: IntrospectionOptions | undefined;
}

export interface AccessTokenEnv {
  Variables: { claims: JWTPayload };
}

/** Tokens have one or two kilobytes. Even large ones, with groups, fit into a header. */
const MAX_TOKEN_LENGTH = 16_384;

/**
 * Accepts a request whose `Authorization: Bearer` is a valid JWT for this server, and sets
 * `c.var.claims`. Otherwise answers 400 or 401 (RFC 6750 section 3), or 503 if the issuer gives no
 * usable answer; `c.error` then has the reason.
 *
 * @throws {TypeError} if an option is missing or invalid
 */
export function accessToken(options: AccessTokenOptions): MiddlewareHandler<AccessTokenEnv> {
  const transport = createFetchTransport(options.fetch ?? fetch, () => performance.now());
  const verify = createVerifier(options, transport);
  const isActive = options.introspection && createIntrospection(options.introspection, transport);

  return createGuard(readBearer, async (c, token) => {
    if (token.length > MAX_TOKEN_LENGTH) throw new Refusal("invalid_token", "the token is too long");
    const claims = await verify(token);
    if (isActive !== undefined && !(await isActive(token))) {
      throw new Refusal("invalid_token", "the token is no longer active");
    }
    c.set("claims", claims);
  });
}

/** A larger number is probably milliseconds. */
const MAX_CLOCK_TOLERANCE_SECONDS = 300;
const JWKS_TIMEOUT_MS = 5_000;
/** A key with its certificates has some kilobytes, and large providers publish a dozen. */
const MAX_JWKS_BYTES = 262_144;

/** @returns a function that verifies a token, returns its claims and throws a Refusal */
function createVerifier(options: AccessTokenOptions, transport: Transport) {
  const { issuer, audience, algorithms, typ, clockTolerance = 5 } = options;
  const audiences = [audience].flat() as string[];
  // jose skips a check whose option is missing, so everything that matters is required here.
  checkText("issuer", issuer);
  if (audiences.length === 0) checkText("audience", undefined);
  for (const name of audiences) checkText("audience", name);
  checkOption("algorithms", algorithmsFault(algorithms));
  if (typ !== undefined) checkText("typ", typ);
  checkNumber("clockTolerance", clockTolerance, 0, MAX_CLOCK_TOLERANCE_SECONDS, "seconds");
  const getKey = createKeySet(options, transport);
  const checks = { issuer, audience: audiences, algorithms: [...algorithms], clockTolerance, requiredClaims: ["exp"] };

  return async (token: string): Promise<JWTPayload> => {
    const { payload } = await jwtVerify(token, getKey, typ === undefined ? checks : { ...checks, typ }).catch(refuse);
    // jose checks iat only together with a maximum age.
    if (payload.iat !== undefined && payload.iat > Date.now() / 1_000 + clockTolerance) {
      throw new Refusal("invalid_token", "the token was issued in the future");
    }
    return payload;
  };
}

/** Asymmetric algorithms only: with HS256, anyone could sign with the public key as the secret. */
function algorithmsFault(algorithms: unknown): string | undefined {
  const isKnown = (alg: unknown) => typeof alg === "string" && /^(?:[RPE]S(?:256|384|512)|EdDSA|Ed25519)$/.test(alg);
  if (Array.isArray(algorithms) && algorithms.length > 0 && algorithms.every(isKnown)) return undefined;
  return 'must be a list of RS, PS or ES with 256, 384 or 512, "EdDSA" or "Ed25519"';
}

/**
 * Keys expire after cacheMaxAge even if the issuer is down: a withdrawn key must stop verifying.
 * An unknown kid fetches them anew, but not within the cooldown: made-up kids could be many.
 */
function createKeySet(
  { jwks_uri, cacheMaxAge = 600_000, cooldown = 30_000 }: AccessTokenOptions,
  transport: Transport,
): JWTVerifyGetKey {
  checkText("jwks_uri", jwks_uri, endpointUrlFault);
  checkNumber("cacheMaxAge", cacheMaxAge, 0);
  checkNumber("cooldown", cooldown, 0);
  const request = {
    method: "GET",
    url: jwks_uri,
    headers: { ...REQUEST_HEADERS, accept: "application/json, application/jwk-set+json" },
    timeout: JWKS_TIMEOUT_MS,
    maxResponseBytes: MAX_JWKS_BYTES,
  } as const;
  const keySet = createRemoteJWKSet(new URL(jwks_uri), {
    cacheMaxAge,
    cooldownDuration: cooldown,
    [customFetch]: async () => {
      const { status, body } = await transport(request);
      if (status !== 200) throw new Error(`status ${status}`);
      return new Response(body as Uint8Array<ArrayBuffer>);
    },
  });
  return (header, token) =>
    keySet(header, token).catch((error: Error) => {
      // The JWKS was read, and has no key or several keys for the token's header.
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys) throw error;
      throw unavailable("the issuer", new Error(`the JWKS cannot be used: ${error.message}`, { cause: error }));
    });
}

/** Without causes: those of jose contain the claims. */
function refuse(error: unknown): never {
  if (error instanceof Refusal) throw error;
  // The runtime rejects the key itself, because it is too short for example. No token causes this.
  if (!(error instanceof errors.JOSEError)) {
    throw unavailable("the issuer", new Error("the JWKS cannot be used: it has an invalid key", { cause: error }));
  }
  // Not jose's message, which could quote the token.
  if (error instanceof errors.JWTExpired) throw new Refusal("invalid_token", "the token has expired");
  const { claim } = error as errors.JOSEError & { claim?: string };
  if (claim !== undefined) throw new Refusal("invalid_token", `the token is not valid here: check ${claim}`);
  const isForeign = error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWSSignatureVerificationFailed;
  const problem = isForeign ? "its key or signature is not the issuer's" : "it is malformed or of another kind";
  throw new Refusal("invalid_token", `the token is not valid here: ${problem}`);
}
