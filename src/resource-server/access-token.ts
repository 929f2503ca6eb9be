// The middleware for access tokens: accepts what the issuer signed for this server.

import type { MiddlewareHandler } from "hono";
import type { JWTPayload } from "jose";
import { createFetchTransport } from "../core/fetch-transport.ts";
import { createGuard, type GuardOptions, Refusal, readBearer } from "./bearer.ts";
import { createIntrospection, type IntrospectionOptions } from "./introspection.ts";
import { createTokenVerifier, type VerificationOptions } from "./verify-token.ts";

export interface AccessTokenOptions extends VerificationOptions, GuardOptions {
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
  const verify = createTokenVerifier(options, transport);
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
