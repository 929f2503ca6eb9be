// Verifies an access token that is a JWT (RFC 7519): its signature by the issuer's JWKS, its algorithm, issuer, audience, times.

import { createRemoteJWKSet, customFetch, errors, type JWTPayload, type JWTVerifyGetKey, jwtVerify } from "jose";
import { REQUEST_HEADERS } from "../core/headers.ts";
import type { Transport } from "../core/transport.ts";
import { InvalidTokenError, UnavailableError } from "./refusal.ts";

export interface TokenRules {
  issuer: string;
  /** The token must name one of them. */
  audience: string[];
  algorithms: string[];
  typ: string | undefined;
  /** Seconds. */
  clockTolerance: number;
}

export interface KeySetSettings {
  jwks_uri: string;
  /** Milliseconds. */
  cacheMaxAge: number;
  /** Milliseconds. */
  cooldown: number;
}

/** Milliseconds for the JWKS, which few requests wait for. */
const JWKS_TIMEOUT_MS = 5_000;
/** A key with its chain of certificates is some kilobytes, and a large provider publishes a dozen. */
const MAX_JWKS_BYTES = 262_144;

/**
 * @returns the claims of a token that is good
 * @throws {InvalidTokenError}
 * @throws {UnavailableError} where there are no keys to judge it by
 */
export type VerifyToken = (token: string) => Promise<JWTPayload>;

export function createTokenVerifier(settings: TokenRules & KeySetSettings, transport: Transport): VerifyToken {
  const { issuer, audience, algorithms, typ, clockTolerance } = settings;
  const getKey = createKeySet(settings, transport);
  const required = { issuer, audience, algorithms, clockTolerance, requiredClaims: ["exp"] };
  const options = typ === undefined ? required : { ...required, typ };
  return async (token) => {
    const { payload } = await jwtVerify(token, getKey, options).catch(refuse);
    // jose judges iat only together with a maximum age.
    if (payload.iat !== undefined && payload.iat > Date.now() / 1_000 + clockTolerance) {
      throw new InvalidTokenError(CLAIM_PROBLEMS.iat);
    }
    return payload;
  };
}

/**
 * Keys are remembered for cacheMaxAge and no longer, even where the issuer is down: a key that it has withdrawn must stop
 * verifying. A kid that is not among them makes them be fetched anew, but for `cooldown` after the last time: else whoever
 * makes up kids could have the issuer asked at will.
 */
function createKeySet({ jwks_uri, cacheMaxAge, cooldown }: KeySetSettings, transport: Transport): JWTVerifyGetKey {
  const keySet = createRemoteJWKSet(new URL(jwks_uri), {
    cacheMaxAge,
    cooldownDuration: cooldown,
    headers: { ...REQUEST_HEADERS, accept: "application/json, application/jwk-set+json" },
    [customFetch]: async (url, { headers }) => {
      const { status, body } = await transport({
        method: "GET",
        url,
        headers: Object.fromEntries(headers),
        timeout: JWKS_TIMEOUT_MS,
        maxResponseBytes: MAX_JWKS_BYTES,
      });
      if (status !== 200) throw new UnavailableError(`the JWKS was answered with status ${status}`);
      return new Response(body as Uint8Array<ArrayBuffer>);
    },
  });
  return async (header, token) => {
    try {
      return await keySet(header, token);
    } catch (error) {
      if (isTokensFault(error) || error instanceof UnavailableError) throw error;
      throw new UnavailableError("the keys of the issuer cannot be had", { cause: error });
    }
  };
}

/** The keys are there, but not one of them, or more than one, is what the token's header asks for. */
function isTokensFault(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys;
}

/** By the claim at fault; a missing one is at fault too. */
const CLAIM_PROBLEMS = {
  iss: "the token is not from the issuer that this server trusts",
  aud: "the token is not for this server",
  exp: "the token does not say when it expires",
  nbf: "the token is not valid yet",
  iat: "the token was issued in the future",
  typ: "the token is not of the type that this server takes",
} as const;

/** Causes are left out: those of jose hold the claims. */
function refuse(error: unknown): never {
  if (error instanceof UnavailableError) throw error;
  // Not of jose's making: the runtime refuses the key, as one that is too short. No token can do that.
  if (!(error instanceof errors.JOSEError)) {
    throw new UnavailableError("a key of the issuer is of no use", { cause: error });
  }
  throw new InvalidTokenError(problemOf(error));
}

function problemOf(error: errors.JOSEError): string {
  if (error instanceof errors.JWTExpired) return "the token has expired";
  if (error instanceof errors.JWTClaimValidationFailed && Object.hasOwn(CLAIM_PROBLEMS, error.claim)) {
    return CLAIM_PROBLEMS[error.claim as keyof typeof CLAIM_PROBLEMS];
  }
  if (error instanceof errors.JOSEAlgNotAllowed) return "the algorithm of the token is not one that this server takes";
  if (isTokensFault(error)) return "the token does not name a key of its issuer";
  if (error instanceof errors.JWSSignatureVerificationFailed) return "the signature of the token is wrong";
  return "the token is not a JWT that this server can read";
}
