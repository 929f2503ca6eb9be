// Limits: calls in flight, and exchanges per client address and per webNonce.

import { TokenProxyError } from "../core/errors.ts";
import type { RateLimiter } from "../core/inbound.ts";
import type { Runtime } from "../core/ports.ts";
import type { RateLimit } from "../core/schema.ts";
import type { CallContext, CallStep } from "./context.ts";

/** Routes that share the returned step share one limit. */
export function limitInFlight(max: number): CallStep {
  let inFlight = 0;
  return async (_c, next) => {
    if (inFlight >= max) {
      const message = 'as many calls are in flight as "server.max_in_flight" allows';
      throw new TokenProxyError("overloaded", message, { retryAfter: 1 }); // calls end soon
    }
    inFlight += 1;
    try {
      await next();
    } finally {
      inFlight -= 1;
    }
  };
}

export type LimitDeps = Pick<Runtime, "createRateLimiter" | "inbound" | "hashText">;

export function limitPerAddress({ createRateLimiter, inbound }: LimitDeps, limit: RateLimit): CallStep {
  return limitRate(createRateLimiter(limit), (c) => inbound.clientAddress(c.req.raw, c.env));
}

/** Runs after readExchange. The webNonce is hashed: it is a credential, and the key may be sent. */
export function limitPerWebNonce({ createRateLimiter, hashText }: LimitDeps, limit: RateLimit): CallStep {
  return limitRate(createRateLimiter(limit), (c) => {
    const { values } = c.get("call");
    return hashText(`${values.get("serverid")}\n${values.get("nonce")}`);
  });
}

function limitRate(limiter: RateLimiter, keyOf: (c: CallContext) => string | Promise<string>): CallStep {
  return async (c, next) => {
    const retryAfter = await limiter(await keyOf(c));
    if (retryAfter === undefined) return next();
    throw new TokenProxyError("rate_limited", `too many requests: try again in ${retryAfter} s`, { retryAfter });
  };
}
