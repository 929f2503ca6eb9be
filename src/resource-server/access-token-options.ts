// The options of accessToken: what each means, what is taken where it is left out, and which cannot be meant.

import { endpointUrlFault } from "../core/url.ts";
import type { IntrospectionOptions } from "./introspection.ts";
import { millisecondsFault, requireOption, textFault } from "./options.ts";
import type { KeySetSettings, TokenRules } from "./verify-token.ts";

/** Signatures of RFC 7518 §3.1, RFC 8037 and RFC 9864, by keys of which the public half is enough to verify. */
const ALGORITHMS = [
  "RS256",
  "RS384",
  "RS512",
  "PS256",
  "PS384",
  "PS512",
  "ES256",
  "ES384",
  "ES512",
  "EdDSA",
  "Ed25519",
] as const;

export type AccessTokenAlgorithm = (typeof ALGORITHMS)[number];

export interface AccessTokenOptions {
  /** `iss`, letter for letter. */
  issuer: string;
  /** `aud`: who this resource server is. Of several, the token must name one. */
  audience: string | readonly string[];
  /** What the issuer signs with: a token with another `alg` is refused, whatever key would fit. */
  algorithms: readonly AccessTokenAlgorithm[];
  /** https, http on loopback alone. */
  jwks_uri: string;
  /** What the header's `typ` must be: `at+jwt` where the issuer follows RFC 9068. Not looked at by default. */
  typ?: string | undefined;
  /** Seconds by which the clocks of the issuer and this server may differ; 5 by default, 300 at most. */
  clockTolerance?: number | undefined;
  /** Milliseconds for which the JWKS is remembered, so for which a withdrawn key may still verify; 600000 by default. */
  cacheMaxAge?: number | undefined;
  /** Milliseconds after a fetch of the JWKS in which an unknown `kid` does not cause another; 30000 by default. */
  cooldown?: number | undefined;
  /** Asks for each token whether it is still active (RFC 7662). */
  introspection?: IntrospectionOptions | undefined;
  /** Of the challenge in WWW-Authenticate. */
  realm?: string | undefined;
  /** In place of the global fetch: a service binding, for example. It must follow the signal that it is given. */
  fetch?: typeof fetch | undefined;
}

const DEFAULT_CLOCK_TOLERANCE_SECONDS = 5;
/** More is no difference of clocks, but milliseconds taken for seconds. */
const MAX_CLOCK_TOLERANCE_SECONDS = 300;
const DEFAULT_CACHE_MAX_AGE_MS = 600_000;
const DEFAULT_COOLDOWN_MS = 30_000;

/**
 * jose leaves out the check of whatever it is not given, so all that matters is required here.
 * @throws {TypeError}
 */
export function verificationSettings(options: AccessTokenOptions): TokenRules & KeySetSettings {
  const { issuer, audience, algorithms, jwks_uri, typ } = options;
  const { clockTolerance = DEFAULT_CLOCK_TOLERANCE_SECONDS } = options;
  const { cacheMaxAge = DEFAULT_CACHE_MAX_AGE_MS, cooldown = DEFAULT_COOLDOWN_MS } = options;
  requireOption("issuer", textFault(issuer));
  requireOption("audience", audienceFault(audience));
  requireOption("algorithms", algorithmsFault(algorithms));
  requireOption("jwks_uri", textFault(jwks_uri, endpointUrlFault));
  if (typ !== undefined) requireOption("typ", textFault(typ));
  requireOption("clockTolerance", toleranceFault(clockTolerance));
  requireOption("cacheMaxAge", millisecondsFault(cacheMaxAge, 0));
  requireOption("cooldown", millisecondsFault(cooldown, 0));
  const rules = { issuer, audience: [audience].flat(), algorithms: [...algorithms], typ, clockTolerance };
  return { ...rules, jwks_uri, cacheMaxAge, cooldown };
}

function audienceFault(audience: unknown): string | undefined {
  const list = [audience].flat();
  const isList = list.length > 0 && list.every((one) => textFault(one) === undefined);
  return isList ? undefined : "must be text that is not empty, or a list of such";
}

/** With `none` anybody could sign, and with HS256 whoever knows the public key, if it were taken for the secret. */
function algorithmsFault(algorithms: unknown): string | undefined {
  if (!Array.isArray(algorithms) || algorithms.length === 0) return "must be a list of at least one algorithm";
  const known: readonly unknown[] = ALGORITHMS;
  return algorithms.every((alg) => known.includes(alg)) ? undefined : `must hold none but ${ALGORITHMS.join(", ")}`;
}

function toleranceFault(seconds: unknown): string | undefined {
  const fits = typeof seconds === "number" && seconds >= 0 && seconds <= MAX_CLOCK_TOLERANCE_SECONDS;
  return fits ? undefined : `must be a number of seconds from 0 to ${MAX_CLOCK_TOLERANCE_SECONDS}`;
}
