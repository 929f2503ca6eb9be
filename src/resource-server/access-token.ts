// The middleware for access tokens: lets pass what the issuer has signed for this server and, where asked, has not revoked.

import type { MiddlewareHandler } from "hono";
import type { JWTPayload } from "jose";
import { createFetchTransport } from "../core/fetch-transport.ts";
import { type AccessTokenOptions, verificationSettings } from "./access-token-options.ts";
import { isMalformed, readBearer } from "./bearer.ts";
import { createIntrospection } from "./introspection.ts";
import { DEFAULT_REALM, realmFault, requireOption } from "./options.ts";
import { createRefusals, InvalidTokenError, UnavailableError } from "./refusal.ts";
import { createTokenVerifier } from "./verify-token.ts";

export interface AccessTokenEnv {
  Variables: { claims: JWTPayload };
}

/** Tokens are one or two kilobytes; the largest, with groups in them, stay below what servers take as a header. */
const MAX_TOKEN_LENGTH = 16_384;

/**
 * Lets a request pass whose `Authorization: Bearer` is a JWT for this server, and sets `c.var.claims`. Otherwise 400 or 401
 * (RFC 6750 §3), or 503 where the issuer does not give what is needed to tell; the reason of a 503 is in `c.error`.
 *
 * @throws {TypeError} for options that cannot be meant
 */
export function accessToken(options: AccessTokenOptions): MiddlewareHandler<AccessTokenEnv> {
  const { introspection, realm = DEFAULT_REALM } = options;
  requireOption("realm", realmFault(realm));
  const transport = createFetchTransport(options.fetch ?? fetch);
  const verify = createTokenVerifier(verificationSettings(options), transport);
  const isActive = introspection && createIntrospection(introspection, transport);
  const refusals = createRefusals(realm);

  return async (c, next) => {
    const token = readBearer(c.req.raw.headers);
    if (token === undefined) return refusals.noCredential(c);
    if (isMalformed(token)) return refusals.invalidRequest(c, token.malformed);
    if (token.length > MAX_TOKEN_LENGTH) return refusals.invalidToken(c, "the token is too long");
    try {
      const claims = await verify(token);
      if (isActive !== undefined && !(await isActive(token))) {
        return refusals.invalidToken(c, "the token is not active any more");
      }
      c.set("claims", claims);
    } catch (error) {
      if (error instanceof InvalidTokenError) return refusals.invalidToken(c, error.message);
      if (!(error instanceof UnavailableError)) throw error;
      return refusals.unavailable(c, "the issuer does not give what is needed to judge the token", error);
    }
    await next();
  };
}
